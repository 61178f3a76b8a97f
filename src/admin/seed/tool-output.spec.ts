import { describe, expect, it } from '@jest/globals';
import { type ErrorKind, ProtocolError } from '../../common/index.js';
import { toFailedResult, type ToolResult } from '../../tools/index.js';
import { inWordsOfRest } from './tool-door.js';
import { toToolOutput } from './tool-output.js';
import { RestClient } from './rest-client.js';

const call = { tool: 'scan', requestId: 'req-1', correlationId: 'job', durationMs: 1_234.5678 };
const failed = (kind: ErrorKind, data = {}): ToolResult =>
  toFailedResult({ kind, message: 'why', requestId: 'req-1', data });

describe('toToolOutput', () => {
  it('S4-20 puts text into stdout', () => {
    expect(
      toToolOutput(
        {
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
        call,
      ),
    ).toEqual({
      stdout: 'a\nb',
      stderr: '',
      returncode: 0,
      truncated_stdout: false,
      truncated_stderr: false,
      timed_out: false,
      error: null,
      error_type: null,
      execution_time: 1.234568,
      correlation_id: 'job',
      metadata: { tool_name: 'scan', request_id: 'req-1' },
    });
  });

  it.each<[ErrorKind, string, number]>([
    ['timeout', 'timeout', 124],
    ['cancelled', 'cancelled', 130],
    ['permission_denied', 'permission_denied', 126],
    ['tool_failed', 'execution_error', 1],
    ['server_busy', 'resource_exhausted', 1],
    ['breaker_open', 'circuit_breaker_open', 1],
  ])('6.3 %s is %s, with return code %d', (kind, error_type, returncode) => {
    const output = toToolOutput(failed(kind, { retryAfterMs: 1_500 }), call);
    expect(output).toMatchObject({ stdout: '', stderr: 'why', error: 'why', error_type, returncode });
    expect(output.timed_out).toBe(kind === 'timeout');
    expect(output.metadata).toMatchObject({ kind, retry_after: 2 });
  });

  it('takes a failure that a tool returns itself for one of execution', () => {
    const output = toToolOutput({ content: [{ type: 'text', text: 'no paper' }], isError: true }, call);
    expect(output).toMatchObject({ stderr: 'no paper', error_type: 'execution_error', returncode: 1 });
  });

  it('S4-11 leaves the output of a command as it is, under the id of this call', () => {
    const structuredContent = {
      stdout: 'x',
      stderr: 'y',
      returncode: 3,
      metadata: { hosts_up: 1 },
      correlation_id: 'made',
    };
    expect(toToolOutput({ content: [], structuredContent }, call)).toEqual({
      ...structuredContent,
      correlation_id: 'job',
    });
  });

  it('keeps structured content and other blocks beside it', () => {
    const content = [{ type: 'image' as const, data: 'AA', mimeType: 'image/png' }];
    expect(toToolOutput({ content, structuredContent: { n: 1 } }, call)).toMatchObject({
      stdout: '[image]',
      metadata: { structured: { n: 1 }, content },
    });
  });
});

describe('inWordsOfRest', () => {
  it('W-38 lets no control character of a name through', () => {
    const error = inWordsOfRest(new ProtocolError('unknown_tool', 'x'), 'a\nb') as ProtocolError;
    expect(error.message).toBe('Tool a\\u000ab not found');
  });

  it('leaves all else as it is', () => {
    const defect = new Error('x');
    expect(inWordsOfRest(defect, 'a')).toBe(defect);
    const late = new ProtocolError('shutting_down', 'x');
    expect(inWordsOfRest(late, 'a')).toBe(late);
  });
});

describe('RestClient', () => {
  it('has no answer to what a tool asks, and does work with an effect once', async () => {
    const client = new RestClient();
    await expect(client.ask()).rejects.toMatchObject({ kind: 'missing_capability' });
    let done = 0;
    const work = (): number => ++done;
    expect([await client.once('a', work), await client.once('a', work), await client.once('b', work)]).toEqual([
      1, 1, 2,
    ]);
  });
});
