import { Writable } from 'node:stream';

/**
 * Takes stdout for the protocol: whatever else writes there from now on (`console.log`, a plug-in) goes to stderr.
 * @returns the only way left to the real stdout
 */
export function claimStdout(): Writable {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout) as (chunk: Buffer, done: (error?: Error | null) => void) => boolean;
  const claimed = new Writable({
    // What the pipe does not take at once is held back here, and the writer is told to wait.
    write: (chunk: Buffer, _encoding, done) => void write(chunk, done),
  });
  stdout.on('error', (error: Error) => claimed.destroy(error));
  stdout.write = stderr.write.bind(stderr);
  return claimed;
}
