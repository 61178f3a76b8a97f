import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  type ArgumentsHost,
  BadRequestException,
  HttpException,
  Logger,
  ServiceUnavailableException,
} from '@nestjs/common';
import { ERROR_CODES, type ErrorKind, problemOf, ProtocolError, ToolError } from '../../common/index.js';
import { ProblemFilter } from './problem.filter.js';
import { RestRequests } from './rest-requests.js';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Record<string, unknown>;
}

const requests = new RestRequests();
const filter = new ProblemFilter(requests);

function answerTo(error: unknown): Answer & { readonly kind: ErrorKind | undefined } {
  const req = {} as IncomingMessage;
  const answer: { -readonly [Key in keyof Answer]?: Answer[Key] } = {};
  const res = {
    headersSent: false,
    writeHead: (status: number, headers: Record<string, string>) => {
      Object.assign(answer, { status, headers });
      return res;
    },
    end: (text: string) => Object.assign(answer, { body: JSON.parse(text) as object }),
  };
  const http = { getRequest: () => req, getResponse: () => res };
  filter.catch(error, { getType: () => 'http', switchToHttp: () => http } as unknown as ArgumentsHost);
  return { ...(answer as Answer), kind: requests.of(req).kind };
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('ProblemFilter', () => {
  it('RFC 9457 tells an error of ours with its kind, request id and data', () => {
    const { status, headers, body, kind } = answerTo(
      new ProtocolError('rate_limited', 'Slow down', { data: { retryAfterMs: 1_200 } }),
    );
    expect([status, kind]).toEqual([429, 'rate_limited']);
    expect(headers).toMatchObject({ 'Content-Type': 'application/problem+json', 'Retry-After': '2' });
    expect(body).toEqual({
      type: 'urn:mcp-gatehouse:error:rate_limited',
      title: 'Too Many Requests',
      status: 429,
      detail: 'Slow down',
      kind: 'rate_limited',
      requestId: expect.stringMatching(/^req-/),
      retryAfterMs: 1_200,
    });
  });

  it('data cannot take the place of what every problem says', () => {
    const data = { status: 200, kind: 'none', requestId: 'req-0', type: 'x', detail: 'y' };
    const { body } = answerTo(new ProtocolError('internal', 'Internal error', { data }));
    expect(body).toMatchObject({
      status: 500,
      kind: 'internal',
      detail: 'Internal error',
      requestId: expect.not.stringMatching('req-0'),
    });
  });

  it.each<[unknown, number, ErrorKind]>([
    [new ToolError('No such city'), 500, 'tool_failed'],
    [new ProtocolError('invalid_params', 'x'), 422, 'invalid_params'],
    [new BadRequestException('The city must be on earth.'), 400, 'invalid_request'],
    [new BadRequestException('Unexpected token } in JSON at position 1'), 400, 'parse_error'],
    [new BadRequestException("Failed to decode param '%zz'"), 404, 'not_found'],
    [new HttpException('teapot', 418), 418, 'invalid_request'],
    [new ServiceUnavailableException('later'), 503, 'server_busy'],
    [Object.assign(new Error('too large'), { status: 413, type: 'entity.too.large' }), 413, 'message_too_large'],
    [Object.assign(new Error('bad'), { status: 400, type: 'entity.parse.failed' }), 400, 'parse_error'],
  ])('answers %s with %d %s', (error, status, kind) => {
    const answer = answerTo(error);
    expect([answer.status, answer.body['status'], answer.body['kind'], answer.kind]).toEqual([
      status,
      status,
      kind,
      kind,
    ]);
  });

  it.each<[string, unknown]>([
    ['a defect', new Error('password hunter2')],
    ['what is no error', 'password hunter2'],
    ['an exception of the server', new HttpException('password hunter2', 502)],
    ['a foreign error with a status', Object.assign(new Error('password hunter2'), { status: 400 })],
    ['nothing', undefined],
  ])('W-33 says nothing of %s, and the log has it under the request id', (_what, error) => {
    const lines: unknown[][] = [];
    jest.spyOn(Logger.prototype, 'error').mockImplementation((...line: unknown[]) => void lines.push(line));
    const { status, body } = answerTo(error);
    expect([status, body['kind']]).toEqual([500, 'internal']);
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(lines[0]?.[0]).toEqual({ msg: 'A request failed', requestId: body['requestId'] });
    expect(body['detail']).toContain(body['requestId']);
  });

  it('ends an answer that has begun, rather than write into it', () => {
    const destroy = jest.fn();
    filter.answer(
      new ProtocolError('internal', 'x'),
      {} as IncomingMessage,
      { headersSent: true, destroy } as unknown as ServerResponse,
    );
    expect(destroy).toHaveBeenCalledTimes(1);
  });
});

describe('problemOf', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorKind[])('D-4 has a problem for %s', (kind) => {
    const { status, body } = problemOf({ kind, message: 'm', requestId: 'req-1' });
    expect(status).toBe(kind === 'invalid_params' ? 422 : ERROR_CODES[kind].http);
    expect(body).toMatchObject({ kind, title: expect.any(String) });
  });

  it('6.4 asks for a credential where none was good', () => {
    expect(problemOf({ kind: 'auth_failed', message: 'm', requestId: 'r' }).headers['WWW-Authenticate']).toBe('Bearer');
  });

  it('takes a kind that a plug-in made up for a fault of the server', () => {
    expect(problemOf({ kind: 'made_up' as ErrorKind, message: 'm', requestId: 'r' }).body['kind']).toBe('internal');
  });
});
