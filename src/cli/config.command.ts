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
  for (const [key, value, source] of rows) {
    process.stdout.write(`${key.padEnd(keys)}  ${value.padEnd(values)}  ${source}\n`);
  }
  for (const warning of config.warnings) process.stderr.write(`Warning: ${warning}\n`);
}
