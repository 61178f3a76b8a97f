import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Doors } from '../support/live-doors.js';
import type { RawWebSocket } from '../support/raw-websocket.js';
import { PATIENCE_MS } from '../support/waiting.js';

const LONG_MS = 4 * PATIENCE_MS;
jest.setTimeout(LONG_MS);
const SESSIONS = 100;
const KIB_PER_MIB = 1024;

/** What the requirements ask for is far above what is measured (`npm run bench`): medians stay below it on any machine. */
describe('what a session costs', () => {
  let doors: Doors;
  const clients: RawWebSocket[] = [];

  beforeAll(async () => {
    doors = await Doors.open({ env: { MCP_RATE_LIMIT_MAX: '100000' } });
  }, LONG_MS);
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await doors.dispose();
  });

  const residentMib = (): number => {
    const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${doors.server.pid}/status`, 'utf8')) ?? [];
    return Number(kib) / KIB_PER_MIB;
  };

  it('S3-22 S3-24 opens within 10 ms, and a hundred take less than 100 MB', async () => {
    const before = residentMib();
    const times: number[] = [];
    for (let count = 0; count < SESSIONS; count++) {
      const client = await doors.webSocket();
      clients.push(client);
      times.push(await timeOf(() => client.initialize()));
    }
    expect(medianOf(times)).toBeLessThan(10);
    expect(residentMib() - before).toBeLessThan(100);
  });

  it('S3-23 adds less than 5 ms to a call, whoever else is there', async () => {
    const times: number[] = [];
    for (const [at, client] of clients.entries()) {
      times.push(await timeOf(() => client.callTool(at, 'echo', { message: 'hello' })));
    }
    expect(medianOf(times)).toBeLessThan(5);
  });
});

async function timeOf(what: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await what();
  return performance.now() - startedAt;
}

function medianOf(times: readonly number[]): number {
  return [...times].sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? NaN;
}
