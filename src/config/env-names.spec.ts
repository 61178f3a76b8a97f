import { describe, expect, it } from '@jest/globals';
import { strangeNames } from './env-names.js';
import { OLD_NAMES } from './old-names.js';
import { SETTINGS } from './schema.js';

const warningsFor = (env: Record<string, string>): readonly string[] => strangeNames(new Map(Object.entries(env)));

describe('strangeNames', () => {
  it('D-22 names the nearest setting to an unknown MCP_ or TOOL_ name, and no value', () => {
    const [port, tools] = warningsFor({ MCP_SERVER_PROT: 'hunter2', TOOL_INCLUDES: 'hunter2' });
    expect(port).toBe(
      'config.unknown name=MCP_SERVER_PROT: no setting of this version has this name; the nearest is MCP_SERVER_PORT',
    );
    expect(tools).toContain('the nearest is TOOL_INCLUDE');
    expect(`${port}${tools}`).not.toContain('hunter2');
  });

  it.each(['MCP_OTEL_URL', 'MCP_LATER', 'TOOL_LATER'])('D-22 does not pass over %s of a later version', (name) => {
    expect(warningsFor({ [name]: 'x' })).toEqual([expect.stringContaining(`config.unknown name=${name}:`)]);
  });

  it('D-22 tells the new name of an old one, with its unit', () => {
    expect(warningsFor({ MCP_PORT: '1', MCP_TOOL_DEFAULT_TIMEOUT: '1' })).toEqual([
      'config.deprecated old=MCP_PORT new=MCP_SERVER_PORT: it is not read, set MCP_SERVER_PORT',
      'config.deprecated old=MCP_TOOL_DEFAULT_TIMEOUT new=MCP_DEFAULT_TIMEOUT_SEC: it is not read, set MCP_DEFAULT_TIMEOUT_SEC (unit: s)',
    ]);
  });

  it('D-22 says when the new name has not come yet, or nothing took the place', () => {
    const [port, path] = warningsFor({ CORS_ALLOWED_METHODS: 'GET', METRICS_PATH: '/m' });
    expect(port).toContain('new=MCP_CORS_METHODS: it is not read, and this version has no MCP_CORS_METHODS yet');
    expect(path).toContain('new=none');
  });

  it('D-22 holds no name that is a setting', () => {
    const names = SETTINGS.flatMap(({ env, aliases }) => [env, ...(aliases ?? [])]);
    expect(names.filter((name) => OLD_NAMES.has(name))).toEqual([]);
  });

  it('D-22 puts the service links of Kubernetes in one warning, and is silent on those of others', () => {
    const warnings = warningsFor({
      MCP_GATEHOUSE_PORT: 'tcp://10.0.0.1:8080',
      MCP_GATEHOUSE_SERVICE_HOST: '10.0.0.1',
      MCP_GATEHOUSE_PORT_8080_TCP_ADDR: '10.0.0.1',
      REDIS_PORT: 'tcp://10.0.0.2:6379',
    });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^config.service_links_ignored names=MCP_GATEHOUSE_PORT,.*enableServiceLinks: false/);
  });

  it('leaves the variables of other programs alone', () => {
    expect(warningsFor({ PATH: '/bin', NODE_ENV: 'test', DATABASE_URL: 'x' })).toEqual([]);
  });
});
