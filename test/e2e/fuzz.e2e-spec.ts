import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BuiltServer } from '../support/built-server.js';
import { httpFuzz, HttpFuzzer, MAX_BODY_BYTES } from '../support/fuzz-http.js';
import { broken, fuzzBytes } from '../support/fuzz-messages.js';
import { MAX_LINE_BYTES, StdioFuzzer } from '../support/fuzz-stdio.js';
import { type Vitals, vitalsEnv, vitalsOf } from '../support/fuzz-vitals.js';
import { request } from '../support/messages.js';
import { fixture, temporaryFolder } from '../support/places.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

/** Messages of each door and round; `npm run proof` sends 20,000. */
const MESSAGES = Number(process.env['FUZZ_MESSAGES'] ?? 2_000);
/** A run is repeated with the seed of the run that failed. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_728);
/** Messages that are under way at once. */
const LOT = 20;
/** One request in this many is not even HTTP. */
const BROKEN_EVERY = 20;

/** What two rounds of the same messages may differ by: what is kept for a while, such as ids of ended sessions. */
const MAX_GROWTH = { heapMiB: 4, rssMiB: 48 };

const SUM = { name: 'sum', arguments: { numbers: [40, 2] } };
const ANSWER = { jsonrpc: '2.0', result: { content: [{ type: 'text', text: '{"sum":42}' }] } };

const TIMEOUT_MS = 4 * PATIENCE_MS + MESSAGES * 30;
const ERRORS = /^.*"level":"(error|fatal)".*$/m;

const ENV = {
  MCP_RATE_LIMIT_MAX: '100000',
  MCP_RATE_LIMIT_WINDOW_MS: '1000',
  MCP_CIRCUIT_BREAKER_FAILURE_THRESHOLD: '100',
  // Sessions come and go from the first round on.
  MCP_SESSION_MAX: '100',
  MCP_MAX_BODY_BYTES: String(MAX_BODY_BYTES),
};

/** Sends as many lots as it takes, the same in every round. */
async function round<T>(arbitrary: fc.Arbitrary<T>, send: (lot: readonly T[]) => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  const lots = fc.array(arbitrary, { minLength: LOT, maxLength: LOT, size: 'max' });
  const { failed, errorInstance, numRuns } = await fc.check(fc.asyncProperty(lots, send), {
    seed: SEED,
    numRuns: Math.ceil(MESSAGES / LOT),
    // The first failure tells what was sent; to look for a smaller one would send the like again and again.
    endOnFailure: true,
  });
  if (failed) throw new Error(`Lot ${numRuns} of seed ${SEED} was not answered well`, { cause: errorInstance });
  return MESSAGES / ((performance.now() - startedAt) / 1_000);
}

function tell(door: string, rates: readonly number[], vitals: readonly Vitals[]): void {
  const figures = vitals.map(({ heapMiB, rssMiB }) => `${heapMiB.toFixed(1)} (${rssMiB.toFixed(0)})`).join(', ');
  const perSecond = rates.map((rate) => rate.toFixed(0)).join(' and ');
  process.stdout.write(
    `${door}: ${rates.length} rounds of ${MESSAGES} messages, ${perSecond} a second; ` +
      `heap (resident) in MiB at the start and after each round: ${figures}; seed ${SEED}\n`,
  );
}

function expectNoGrowth([, first, second]: readonly Vitals[]): void {
  expect((second?.heapMiB ?? 0) - (first?.heapMiB ?? 0)).toBeLessThan(MAX_GROWTH.heapMiB);
  expect((second?.rssMiB ?? 0) - (first?.rssMiB ?? 0)).toBeLessThan(MAX_GROWTH.rssMiB);
}

describe('malformed, truncated, oversized, deeply nested and polluting messages', () => {
  it(
    'over HTTP get the right status and a JSON-RPC error, and never crash, hang or grow the server',
    async () => {
      const folder = await temporaryFolder();
      const file = join(folder.path, 'heap');
      const server = await BuiltServer.start({
        plugins: [fixture('contract/index')],
        env: { ...ENV, ...vitalsEnv(file) },
      });
      const fuzzer = await HttpFuzzer.open(server.url);
      try {
        const { pid } = server;
        const vitals = [await vitalsOf(pid, file)];
        const rates: number[] = [];
        const requests = httpFuzz(fuzzBytes(MAX_BODY_BYTES));
        for (let each = 0; each < 2; each++) {
          const one = fc.tuple(requests, broken, fc.nat(BROKEN_EVERY - 1));
          const rate = await round(one, async (lot) => {
            await Promise.all(
              lot.map(([fuzz, breakIt, dice]) =>
                dice === 0 ? fuzzer.sendBroken(breakIt(fuzzer.bytesOf(fuzz))) : fuzzer.send(fuzz),
              ),
            );
          });
          rates.push(rate);
          fuzzer.close();
          await until(
            async () => (await vitalsOf(pid, file)).descriptors <= (vitals[0]?.descriptors ?? 0),
            'sockets to be closed',
          );
          vitals.push(await vitalsOf(pid, file));
        }
        tell('HTTP', rates, vitals);
        expect(server.stderr).not.toMatch(ERRORS);
        expect(server.pid).toBe(pid);
        expect(await fuzzer.ask(request('good', 'tools/call', SUM))).toMatchObject(ANSWER);
        expectNoGrowth(vitals);
      } finally {
        fuzzer.close();
        await server.dispose();
        await folder.remove();
      }
    },
    TIMEOUT_MS,
  );

  it(
    'over stdio get one line for each request, and never crash, hang or grow the server',
    async () => {
      const folder = await temporaryFolder();
      const file = join(folder.path, 'heap');
      const fuzzer = await StdioFuzzer.start({
        args: ['--tools-path', fixture('contract/index')],
        env: { ...ENV, ...vitalsEnv(file) },
        cwd: folder.path,
      });
      try {
        const vitals = [await vitalsOf(fuzzer.pid, file)];
        const rates: number[] = [];
        for (let each = 0; each < 2; each++) {
          const one = fc.tuple(fuzzBytes(MAX_LINE_BYTES), fc.integer({ min: 1, max: 100_000 }));
          const rate = await round(one, (lot) =>
            fuzzer.send(
              lot.map(([bytes]) => bytes),
              lot[0]?.[1] ?? 1,
            ),
          );
          rates.push(rate);
          vitals.push(await vitalsOf(fuzzer.pid, file));
        }
        tell('stdio', rates, vitals);
        expect(fuzzer.stderr).not.toMatch(ERRORS);
        expect(await fuzzer.ask('tools/call', SUM)).toMatchObject(ANSWER);
        expect(vitals.at(-1)?.descriptors).toBe(vitals[0]?.descriptors);
        expectNoGrowth(vitals);
        expect(await fuzzer.leave()).toBe(0);
      } finally {
        fuzzer.kill();
        await folder.remove();
      }
    },
    TIMEOUT_MS,
  );
});
