import { hostEnvironment, loadConfig, renderFlagHelp } from '../config/index.js';
import type { Invocation } from './invocation.js';

/** `gatehouse config`: every setting, its value (secrets redacted) and where that came from. */
export async function showConfig({ argv, cwd }: Invocation): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(`${renderFlagHelp()}\n`);
    return;
  }
  const config = await loadConfig({ argv, env: hostEnvironment(), cwd });
  const rows = config.describe().map(({ key, value, source }) => [key, JSON.stringify(value) ?? '-', source] as const);
  const width = (column: 0 | 1): number => Math.max(...rows.map((row) => row[column].length));
  const [keys, values] = [width(0), Math.min(width(1), 60)];
  const lines = rows.map(([key, value, source]) => `${key.padEnd(keys)}  ${value.padEnd(values)}  ${source}\n`);
  // At once: a reader that leaves early (`| head`) must not be written to again.
  process.stdout.write(lines.join(''));
  for (const warning of config.warnings) process.stderr.write(`Warning: ${warning}\n`);
}
