// Loaded into a server by `--import`: on SIGUSR2 it collects garbage and writes what is in use then, in bytes, to the
// file that HEAP_PROBE_FILE names: objects, and the buffers that they hold outside the heap.
import { writeFileSync } from 'node:fs';

process.on('SIGUSR2', () => {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  writeFileSync(process.env.HEAP_PROBE_FILE, JSON.stringify({ heapUsed, external }));
});
