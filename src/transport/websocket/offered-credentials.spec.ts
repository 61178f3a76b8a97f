import { describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { offeredCredentials } from './offered-credentials.js';

const offered = (headers: Record<string, string>, url = '/ws') =>
  offeredCredentials({ headers, url } as unknown as IncomingMessage);
const encoded = (token: string): string => Buffer.from(token).toString('base64url');

describe('offeredCredentials', () => {
  it('S2-7 takes the Authorization header, before anything else', () => {
    const headers = { authorization: 'Bearer a', 'sec-websocket-protocol': `mcp, bearer.${encoded('b')}, ticket.c` };
    expect(offered(headers)).toEqual({ authorization: 'Bearer a', ticket: undefined, carrier: 'header' });
  });

  it('S2-8 takes a token of a sub-protocol, as a page has to send it, before a ticket', () => {
    const headers = { 'sec-websocket-protocol': `mcp,bearer.${encoded('a/b+c=ü')}, ticket.c` };
    expect(offered(headers)).toEqual({ authorization: 'Bearer a/b+c=ü', ticket: undefined, carrier: 'sub-protocol' });
  });

  it('S2-8 takes a ticket', () => {
    expect(offered({ 'sec-websocket-protocol': 'ticket.abc_-, mcp' })).toEqual({
      authorization: undefined,
      ticket: 'abc_-',
      carrier: 'ticket',
    });
  });

  it.each([{}, { 'sec-websocket-protocol': 'mcp' }, { 'sec-websocket-protocol': '' }])(
    'finds none in %j',
    (headers) => {
      expect(offered(headers)).toEqual({ authorization: undefined, ticket: undefined, carrier: 'certificate' });
    },
  );

  it('S2-8 takes nothing from the URL', () => {
    const url = `/ws?token=a&access_token=a&authorization=Bearer%20a&ticket=a&bearer.${encoded('a')}`;
    expect(offered({}, url)).toEqual({ authorization: undefined, ticket: undefined, carrier: 'certificate' });
  });
});
