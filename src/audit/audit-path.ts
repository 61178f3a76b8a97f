import { hostname } from 'node:os';

/** The path of the log's file, where `{host}` and `{pid}` stand for what tells this process from others. */
export function auditPath(setting: string): string {
  return setting.replaceAll('{host}', hostname()).replaceAll('{pid}', String(process.pid));
}
