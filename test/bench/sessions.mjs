// What a session costs: time of initialize, memory while it idles.
import { memoryProbe } from './memory.mjs';
import { gatehouse, INITIALIZE, percentile, post, stop, up } from './target.mjs';

const WARM_UP = 500;

export async function sessions({ port, count }) {
  const probe = memoryProbe();
  const child = gatehouse(port, {
    nodeArgs: probe.nodeArgs,
    env: { ...probe.env, MCP_SESSION_MAX: '100000' },
  });
  try {
    const url = `http://127.0.0.1:${port}/mcp`;
    await up(url, child);
    for (let i = 0; i < WARM_UP; i++) await (await post(url, INITIALIZE)).text();
    const before = await probe.ask(child);
    const times = [];
    for (let i = 0; i < count; i++) {
      const startedAt = performance.now();
      await (await post(url, INITIALIZE)).text();
      times.push(performance.now() - startedAt);
    }
    const perSession = ((await probe.ask(child)) - before) / count;
    times.sort((a, b) => a - b);
    console.log(`sessions, ${count} of them:`);
    console.log(
      `  initialize             p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms (aim p50 < 1 ms)`,
    );
    console.log(`  each while it idles    ${perSession.toFixed(2)} KiB (aim 2)`);
  } finally {
    await stop(child);
    probe.remove();
  }
}
