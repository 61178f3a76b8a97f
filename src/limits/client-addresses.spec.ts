import { describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { AppConfig } from '../config/index.js';
import { ClientAddresses } from './client-addresses.js';

const addressOf = (trustedProxies: readonly string[], peer: string | undefined, forwarded?: string) =>
  new ClientAddresses(AppConfig.of({ server: { trustedProxies } })).of({
    socket: { remoteAddress: peer },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  } as unknown as IncomingMessage);

describe('ClientAddresses', () => {
  it('W-13 takes the address of the socket, whatever a header says, where no proxy is trusted', () => {
    expect(addressOf([], '10.0.0.1', '1.2.3.4')).toBe('10.0.0.1');
    expect(addressOf(['10.0.0.2'], '10.0.0.1', '1.2.3.4')).toBe('10.0.0.1');
    expect(addressOf(['10.0.0.2'], undefined, '1.2.3.4')).toBeUndefined();
  });

  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, 1.2.3.4', '1.2.3.4'],
    ['6.6.6.6,1.2.3.4 , 10.0.0.9', '1.2.3.4'],
    ['10.0.0.7, 10.0.0.8', '10.0.0.7'],
    ['1.2.3.4:5678', '1.2.3.4'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['6.6.6.6, unknown', '10.0.0.1'],
    ['6.6.6.6, evil.example, 10.0.0.9', '10.0.0.9'],
    ['', '10.0.0.1'],
    ['6.6.6.6,', '10.0.0.1'],
    [undefined, '10.0.0.1'],
  ])('W-13 reads %j from the right, up to the first that is no trusted proxy', (forwarded, expected) => {
    expect(addressOf(['10.0.0.0/8'], '10.0.0.1', forwarded)).toBe(expected);
    expect(addressOf(['10.0.0.0/8'], '::ffff:10.0.0.1', forwarded)?.replace('::ffff:', '')).toBe(expected);
  });
});
