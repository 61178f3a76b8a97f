import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { callScope, ToolWorld } from '../../test/support/tool-world.js';
import { ToolError } from '../common/index.js';

let lines: unknown[];

beforeEach(() => {
  lines = [];
  for (const level of ['debug', 'log', 'warn', 'error'] as const) {
    jest.spyOn(Logger.prototype, level).mockImplementation((line: unknown) => void lines.push([level, line]));
  }
});

afterEach(() => {
  jest.restoreAllMocks();
});

const scope = () => callScope({ requestId: 'req-7', sessionHash: 'cafe', door: 'http' });
const facts = { tool: 'tool', door: 'http', requestId: 'req-7', session: 'cafe' };
const verbose = { logging: { level: 'debug' } } as const;

describe('CallLog', () => {
  it('S4-45 tells when a call starts and ends', async () => {
    const world = new ToolWorld(verbose).add({ programs: ['nmap'], timeoutMs: 2_000 }, () => 'ok');
    await world.call({}, scope());
    expect(lines).toEqual([
      ['debug', { msg: 'tool.start', ...facts, command: 'nmap', timeout: 2 }],
      ['debug', { msg: 'tool.end', ...facts, duration_ms: 0 }],
    ]);
  });

  it('S4-45 tells how a call failed, be it by a result or by an error', async () => {
    const world = new ToolWorld(verbose).add({ runsPerMinute: 1 }, () => {
      throw new ToolError('No such city');
    });
    await world.call({}, scope());
    await expect(world.call({}, scope())).rejects.toThrow('Rate limit exceeded');
    const error = (kind: string, error_type: string) => [
      'debug',
      { msg: 'tool.error', ...facts, error_type, kind, duration_ms: 0 },
    ];
    expect(lines.filter((line) => JSON.stringify(line).includes('tool.error'))).toEqual([
      error('tool_failed', 'execution_error'),
      error('rate_limited', 'rate_limited'),
    ]);
  });

  it('S4-45 tells nothing above debug', async () => {
    await new ToolWorld().add({}, () => 'ok').call({}, scope());
    expect(lines).toEqual([]);
  });
});

describe('the logger of a call', () => {
  it('S3-11 puts the ids of call and session on each line, which the call cannot change', async () => {
    const world = new ToolWorld().add({}, (_args, { logger }) => {
      logger.debug('one');
      logger.log('two', { city: 'Oslo' });
      logger.warn('three', { requestId: 'req-0', session: 'none', msg: 'forged' });
      logger.error('four');
      return 'ok';
    });
    await world.call({}, scope());
    const ids = { requestId: 'req-7', session: 'cafe' };
    expect(lines).toEqual([
      ['debug', { msg: 'one', ...ids }],
      ['log', { msg: 'two', city: 'Oslo', ...ids }],
      ['warn', { msg: 'three', ...ids }],
      ['error', { msg: 'four', ...ids }],
    ]);
  });

  it('S3-11 leaves the session out where there is none', async () => {
    await new ToolWorld().add({}, (_args, { logger }) => logger.log('hm')).call();
    expect(lines).toEqual([['log', { msg: 'hm', requestId: 'req-1' }]]);
  });
});
