// Stands between a client and a server on stdio, changes nothing, and writes down every line of either side first.
// Usage: node stdio-tee.mjs <log> <program> <arguments>
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const [log, ...command] = process.argv.slice(2);
const child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] });

/** Writes down whole lines; the rest waits for its end. */
function writer(from) {
  let rest = '';
  return (chunk) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop();
    for (const line of lines) appendFileSync(log, `${JSON.stringify({ from, line })}\n`);
  };
}

const [noteClient, noteServer] = [writer('client'), writer('server')];
process.stdin.setEncoding('utf8').on('data', (text) => {
  noteClient(text);
  child.stdin.write(text);
});
process.stdin.on('end', () => child.stdin.end());
child.stdin.on('error', () => undefined);
child.stdout.setEncoding('utf8').on('data', (text) => {
  noteServer(text);
  process.stdout.write(text);
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => process.exit(code ?? 1));
