// `npm run dev -- [flags]`: rebuilds on each change and restarts the server.
import { spawn, spawnSync } from 'node:child_process';

spawnSync('npm', ['run', 'build'], { stdio: 'inherit' });
const compiler = spawn('npx', ['tsc', '-p', 'tsconfig.build.json', '--watch', '--preserveWatchOutput'], {
  stdio: 'inherit',
});
const flags = process.argv.slice(2);
const server = spawn(
  'node',
  ['--watch', 'dist/main.js', 'serve', ...(flags.length > 0 ? flags : ['--transport', 'http'])],
  {
    stdio: 'inherit',
  },
);
process.on('SIGINT', () => {
  compiler.kill();
  server.kill();
});
