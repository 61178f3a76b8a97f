// tools/list with few and with many tools, in both eras: bytes per second, as the pages are serialised once.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatehouse, modern, openSession, post, rpc, stop, up } from './target.mjs';
import { load } from './throughput.mjs';

const LIST = rpc(7, 'tools/list', {});

/** A plug-in with many tools, as a file. */
function pluginWith(count, folder) {
  const file = join(folder, `tools-${count}.mjs`);
  writeFileSync(
    file,
    `export default Array.from({ length: ${count} }, (_, i) => ({
      name: \`tool_\${i}\`,
      description: \`Tool number \${i}, which does what its number says and nothing else\`,
      input: { type: 'object', properties: { value: { type: 'string', description: 'Any text' } }, required: ['value'] },
      run: ({ value }) => value,
    }));\n`,
  );
  return file;
}

export async function lists({ port, secs, connections, counts }) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-lists-'));
  console.log('tools/list:');
  try {
    for (const count of counts) {
      const names = Array.from({ length: count }, (_, i) => `tool_${i}`).join(',');
      const child = gatehouse(port, { env: { MCP_TOOLS_PATH: pluginWith(count, folder), TOOL_INCLUDE: names } });
      const url = `http://127.0.0.1:${port++}/mcp`;
      try {
        await up(url, child);
        const requests = { 2025: { body: LIST, headers: await openSession(url) }, '2026-07-28': modern(LIST) };
        for (const [era, { headers, body }] of Object.entries(requests)) {
          const { result } = await (await post(url, body, headers)).json();
          if (!(result?.tools.length > 0)) throw new Error(`No tools were listed: ${JSON.stringify(result)}`);
          const { rps, bytesPerSec, p99 } = load(url, { headers, body, secs, connections });
          const mib = (bytesPerSec / 1024 ** 2).toFixed(0);
          console.log(
            `  ${String(count).padStart(3)} tools, ${era.padEnd(10)}  ${rps.toFixed(0).padStart(7)} req/s  ${mib.padStart(5)} MiB/s  p99 ${p99}`,
          );
        }
      } finally {
        await stop(child);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
