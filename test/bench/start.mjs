// Cold start to the first answer, over HTTP and over stdio.
import { spawn } from 'node:child_process';
import { gatehouse, INITIALIZE, MAIN, percentile, post, stop, wait } from './target.mjs';

async function overHttp(port) {
  const startedAt = performance.now();
  const child = gatehouse(port);
  try {
    for (;;) {
      try {
        await (await post(`http://127.0.0.1:${port}/mcp`, INITIALIZE)).text();
        return performance.now() - startedAt;
      } catch {
        await wait(5);
      }
    }
  } finally {
    await stop(child);
  }
}

async function overStdio() {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH },
  });
  child.stdin.write(`${JSON.stringify(INITIALIZE)}\n`);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const ms = performance.now() - startedAt;
  await stop(child);
  return ms;
}

async function several(measure, runs) {
  const all = [];
  for (let run = 0; run < runs; run++) all.push(await measure(run));
  return all.sort((a, b) => a - b);
}

export async function coldStart({ port, runs }) {
  const http = await several((run) => overHttp(port + run), runs);
  const stdio = await several(overStdio, runs);
  const line = (name, all, aim) =>
    console.log(
      `  ${name.padEnd(22)} ${percentile(all, 0.5).toFixed(0).padStart(5)} ms (best ${all[0].toFixed(0)}; aim ${aim})`,
    );
  console.log(`cold start to the first answer, median of ${runs}:`);
  line('HTTP', http, '1000');
  line('stdio', stdio, '600');
}
