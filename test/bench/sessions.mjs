// What a session costs: time of initialize, heap while it idles.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatehouse, INITIALIZE, percentile, post, stop, up, wait } from './target.mjs';

export async function sessions({ port, count }) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-heap-'));
  const probe = join(folder, 'heap');
  const child = gatehouse(port, {
    nodeArgs: ['--expose-gc', '--import', join(import.meta.dirname, 'heap-probe.mjs')],
    env: { HEAP_PROBE_FILE: probe, MCP_SESSION_MAX: '100000' },
  });
  const heap = async () => {
    rmSync(probe, { force: true });
    child.kill('SIGUSR2');
    while (!existsSync(probe) || readFileSync(probe, 'utf8') === '') await wait(20);
    return Number(readFileSync(probe, 'utf8'));
  };
  try {
    const url = `http://127.0.0.1:${port}/mcp`;
    await up(url, child);
    for (let i = 0; i < 500; i++) await (await post(url, INITIALIZE)).text();
    const before = await heap();
    const times = [];
    for (let i = 0; i < count; i++) {
      const startedAt = performance.now();
      await (await post(url, INITIALIZE)).text();
      times.push(performance.now() - startedAt);
    }
    const perSession = ((await heap()) - before) / count;
    times.sort((a, b) => a - b);
    console.log(`sessions, ${count} of them:`);
    console.log(
      `  initialize             p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms (aim p50 < 1 ms)`,
    );
    console.log(`  heap per idle session  ${(perSession / 1024).toFixed(2)} KiB (aim 4)`);
  } finally {
    await stop(child);
    rmSync(folder, { recursive: true, force: true });
  }
}
