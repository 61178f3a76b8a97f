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

/** What the first round may leave behind: code that was compiled, tables that grew, ids of sessions that ended. */
const MAX_WARM_UP = { heapMiB: 8, rssMiB: 96 };
/** What the same messages once more may leave behind. */
const MAX_GROWTH = { heapMiB: 2, rssMiB: 32 };

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
  // What is kept for clients that come back is soon given up.
  MCP_SESSION_RESUME_MS: '1000',
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

/** Waits until a program takes up no more than it did, but for what it may; it cannot be seen when it has tidied up. */
async function settled(pid: number, file: string, before: readonly Vitals[]): Promise<Vitals> {
  const [base, last] = [before[0], before.at(-1)];
  const growth = before.length > 1 ? MAX_GROWTH : MAX_WARM_UP;
  let seen: Vitals | undefined;
  const isSettled = async (): Promise<Vitals | false> => {
    seen = await vitalsOf(pid, file);
    if (!base || !last) return seen;
    const { heapMiB, rssMiB, descriptors } = seen;
    const isSmall = heapMiB < last.heapMiB + growth.heapMiB && rssMiB < last.rssMiB + growth.rssMiB;
    return isSmall && descriptors <= base.descriptors && seen;
  };
  try {
    return await until(isSettled, 'the program to take up no more than before');
  } catch (cause) {
    throw new Error(`It grew: ${JSON.stringify([...before, seen])}`, { cause });
  }
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
        const vitals = [await settled(pid, file, [])];
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
          vitals.push(await settled(pid, file, vitals));
        }
        tell('HTTP', rates, vitals);
        process.stdout.write(`HTTP: the slowest answer took ${fuzzer.slowestMs.toFixed(0)} ms, among ${LOT} at once\n`);
        expect(server.stderr).not.toMatch(ERRORS);
        expect(server.pid).toBe(pid);
        expect(await fuzzer.ask(request('good', 'tools/call', SUM))).toMatchObject(ANSWER);
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
        const vitals = [await settled(fuzzer.pid, file, [])];
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
          vitals.push(await settled(fuzzer.pid, file, vitals));
        }
        tell('stdio', rates, vitals);
        expect(fuzzer.stderr).not.toMatch(ERRORS);
        expect(await fuzzer.ask('tools/call', SUM)).toMatchObject(ANSWER);
        expect(await fuzzer.leave()).toBe(0);
      } finally {
        fuzzer.kill();
        await folder.remove();
      }
    },
    TIMEOUT_MS,
  );
});
