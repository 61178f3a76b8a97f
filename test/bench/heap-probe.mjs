// Loaded into a server by `--import`: on SIGUSR2 it collects garbage and writes the heap in use to the file that
// HEAP_PROBE_FILE names.
import { writeFileSync } from 'node:fs';

process.on('SIGUSR2', () => {
  globalThis.gc();
  globalThis.gc();
  writeFileSync(process.env.HEAP_PROBE_FILE, String(process.memoryUsage().heapUsed));
});
