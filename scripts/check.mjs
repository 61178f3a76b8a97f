// `npm test`: every check in order, each timed; the first that fails ends the run.
import { spawnSync } from 'node:child_process';

const steps = [
  ['build', 'npm run build'],
  ['types', 'npm run typecheck'],
  ['lint', 'npm run lint'],
  ['boundaries', 'npm run boundaries'],
  ['dead code', 'npm run deadcode'],
  ['generated docs', 'npm run docs:check'],
  ['fixtures', 'npm run build:fixtures'],
  ['unit tests', 'npm run test:unit'],
  ['contract tests', 'npm run test:contract'],
  ['e2e tests', 'npm run test:e2e'],
  ['conformance', 'npm run test:conformance'],
];

for (const [name, command] of steps) {
  const startedAt = performance.now();
  process.stdout.write(`\n== ${name}\n`);
  const [program, ...args] = command.split(' ');
  const { status } = spawnSync(program, [args[0], '--silent', ...args.slice(1)], { stdio: 'inherit' });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`== ${name}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds} s\n`);
  if (status !== 0) process.exit(1);
}
