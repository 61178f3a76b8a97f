// `npm run proof`: the long proofs at full size, and docs/proof.md with what they printed. Takes some minutes; needs an
// otherwise idle machine for figures that mean something.
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { nodeOf } from './tools.mjs';

const root = join(import.meta.dirname, '..');
const JEST = ['--no-warnings', '--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--selectProjects'];
const GIB = 1024 ** 3;

const proofs = [
  {
    title: 'What a call, a start, a session and a list cost',
    about:
      'Aims: at least 55 % of the limit and 7 times the SDK of the same era; with authentication, roles, limits and audit 50 % and 6 times, of which the audit log is less than 5 %; HTTP 1000 ms, stdio 600 ms; initialize p50 under 1 ms; an idle session 2 KiB, an open stream 20 KiB; a WebSocket at least 60 % of a bare echo.',
    run: () => [process.execPath, ['test/bench/run.mjs', '--rounds', '3']],
  },
  {
    title: '20,000 malformed messages over HTTP and stdio',
    about: 'Always a JSON-RPC error or the right status; never a crash, a hang, or growth.',
    run: () => [
      process.execPath,
      [...JEST, 'e2e', '--testPathPatterns', 'test/e2e/fuzz', '--verbose'],
      { FUZZ_MESSAGES: '20000' },
    ],
  },
  {
    title: '1,000 random orders of what clients, operators and time do',
    about: 'Against a model: no answer is lost, nothing gets to the wrong place, and nothing is left behind.',
    run: () => [
      process.execPath,
      [...JEST, 'e2e', '--testPathPatterns', 'test/model', '--verbose'],
      { MODEL_RUNS: '1000', MODEL_COMMANDS: '250' },
    ],
  },
  {
    title: 'Fifty clients at once, and over a restart',
    about: 'Each with a secret of its own: none is ever seen by another.',
    run: () => [process.execPath, [...JEST, 'e2e', '--testPathPatterns', 'test/e2e/isolation', '--verbose']],
  },
  {
    title: 'A tool that is switched off while 500 sessions use it',
    about:
      'Every later call is refused, whoever could use it is told, 99 % of them in less than 200 ms, and nothing in flight is lost.',
    run: () => [
      process.execPath,
      [...JEST, 'e2e', '--testPathPatterns', 'test/e2e/switch-under-load', '--verbose'],
      { SWITCH_SESSIONS: '500', SWITCH_BOUND_MS: '200' },
    ],
  },
  {
    title: 'Three replicas under load, and what may befall them',
    about:
      'Killed, frozen, cut off, with a wrong clock, and with a Redis that restarts, is away or is slow: no answer of the log and no keyed call is lost, none runs twice (docs/rollouts.md), and no process grows.',
    run: () => [
      process.execPath,
      [...JEST, 'e2e', '--testPathPatterns', 'test/faults', '--verbose'],
      { FAULTS: 'full' },
    ],
  },
  {
    title: '10,000 idle sessions over three replicas, and calls of one, two and three',
    about:
      'What a session holds in Redis and in the processes; CPU of all servers per call, at most 35 % more than without Redis for one of a session, and about none more for one of 2026-07-28 (docs/scaling.md has what follows from it).',
    run: () => [process.execPath, ['test/bench/run.mjs', '--only', 'scale', '--rounds', '3']],
  },
  {
    title: '100 clients of each door of the network at once, 100 calls each',
    about:
      'Over HTTP, WebSocket, TCP and legacy SSE, beside servers on stdio: results, failures, progress and logs with a secret of each client, which no other hears of.',
    run: () => [
      process.execPath,
      [...JEST, 'e2e', '--testPathPatterns', 'test/e2e/connections', '-t', 'S3-26', '--verbose'],
      { ISOLATION_CLIENTS: '100', ISOLATION_CALLS: '100' },
    ],
  },
  {
    title: '5,000 WebSockets and 2,000 TCP connections, 200 of them calling for 60 s',
    about:
      'No answer is wrong or lost, and nobody hears what is not theirs; at most 12 KiB of resident memory for an idle WebSocket; memory and descriptors are back afterwards.',
    run: () => [process.execPath, ['test/bench/crowd.mjs']],
  },
  {
    title: '10,000 connections in a burst, over every door of the network',
    about:
      'Refused beyond the caps of each door; no more file descriptors than those; whoever was there before is served meanwhile, and everybody afterwards.',
    run: () => [
      process.execPath,
      [...JEST, 'e2e', '--testPathPatterns', 'test/e2e/connection-crowds', '-t', 'burst', '--verbose'],
      { BURST_CONNECTIONS: '10000' },
    ],
  },
  {
    title: 'The unit tests under Node 24',
    about: 'The same sources, on the newest Node that is supported.',
    run: () => [nodeOf(24), [...JEST, 'unit', '--silent']],
  },
];

execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
execFileSync('npm', ['run', '--silent', 'build:fixtures'], { cwd: root, stdio: 'inherit' });

const machine = `${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / GIB)} GiB, Node ${process.version}`;
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const head = [
  '# Proof',
  '',
  `Written by \`npm run proof\` on ${new Date().toISOString().slice(0, 10)}, at ${commit}, on ${machine}.`,
  'Compare ratios of one run: machines are noisy, and figures of two runs say little.',
];

const sections = [];
let failed = false;
for (const { title, about, run } of proofs) {
  const [program, args, env = {}] = run();
  console.log(`\n== ${title}`);
  const startedAt = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 ** 2,
  });
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const printed = withoutPaths(`${stdout}\n${stderr}`);
  console.log(printed);
  failed ||= status !== 0;
  const command = ['node', ...args.filter((arg) => !JEST.slice(0, 3).includes(arg))].join(' ');
  sections.push(
    [
      `## ${title}`,
      '',
      about,
      '',
      `\`${command}\`: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds} s.`,
      '',
      '```',
      printed,
      '```',
    ].join('\n'),
  );
  // After each: one that is stopped leaves what it has shown.
  writeFileSync(join(root, 'docs/proof.md'), `${[head.join('\n'), ...sections].join('\n\n')}\n`);
}

process.exit(failed ? 1 : 0);

/** What a reader needs of a run's output: figures and verdicts, without colours, warnings and this machine's paths. */
function withoutPaths(text) {
  // eslint-disable-next-line no-control-regex
  const plain = text.replace(/\u001b\[[0-9;]*m/g, '').replaceAll(root, '.');
  return plain
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('npm warn'))
    .join('\n')
    .trim();
}
