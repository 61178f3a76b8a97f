import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '../../test/support/places.js';
import { loadConfig } from '../config/index.js';
import { doorless } from './doorless.js';

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder.remove());

it('keeps every setting of a server but its doors, its files and its watch', async () => {
  await writeFile(
    join(folder.path, 'g.yaml'),
    'toolOverrides: { math_calc: { timeoutSec: 2 } }\nrate: { maxMessages: 7 }\n',
  );
  const argv = ['--config', 'g.yaml', '--transport', 'http', '--port', '9', '--watch-config'];
  const env = {
    MCP_AUDIT_FILE: 'audit.jsonl',
    MCP_AUDIT_REQUIRED: 'true',
    MCP_SECURITY_LOG_FILE: 'security.log',
    MCP_ROLES_FILE: 'roles.yaml',
    MCP_STDIO_ROLE: 'team',
    TOOL_EXCLUDE: 'echo',
  };
  const config = await loadConfig({ argv, env, cwd: folder.path });
  const quiet = doorless(config);
  expect(quiet.server).toEqual({ ...config.server, configFile: undefined, transports: ['stdio'], watchConfig: false });
  expect(quiet.logging).toEqual({ ...config.logging, securityFile: undefined });
  expect(quiet.audit).toEqual({ ...config.audit, file: undefined, required: false });
  for (const group of ['http', 'limits', 'rate', 'sessions', 'tools', 'breaker', 'policy'] as const) {
    expect(quiet[group]).toEqual(config[group]);
  }
  expect([...quiet.toolOverrides]).toEqual([...config.toolOverrides]);
});
