import { randomBytes } from 'node:crypto';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { freePort } from '../support/redis-server.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { type Container, manifestsOf, only, podOf } from './chart.js';

const LONG_MS = 240_000;

function statusOf(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { host }, agent: false }, (res) => {
      res.resume();
      resolve(res.statusCode);
    }).on('error', reject);
  });
}

describe('the built program, in the environment that the chart gives it', () => {
  const manifests = manifestsOf();
  const [server] = podOf(only(manifests, 'Deployment'))?.spec.containers as [Container];
  let folder: TemporaryFolder;
  let program: Program;
  let url: string;
  let management: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const managementPort = await freePort();
    management = `http://127.0.0.1:${managementPort}`;
    const { data = {} } = only(manifests, 'ConfigMap');
    // What a pod has to itself, and a test shares with others.
    const own = {
      MCP_SERVER_HOST: '127.0.0.1',
      MCP_SERVER_PORT: '0',
      MCP_MANAGEMENT_PORT: String(managementPort),
      MCP_STATE_DIR: folder.path,
    };
    for (const name of Object.keys(own)) expect(data).toHaveProperty(name);
    const secrets = { MCP_SESSION_KEYS: `k1:${randomBytes(32).toString('base64')}` };
    program = Program.start({ args: server.args ?? [], env: { ...data, ...own, ...secrets }, cwd: folder.path });
    const [, endpoint = ''] = await program.said(/MCP endpoint: +(\S+)/);
    url = new URL(endpoint).origin;
  }, LONG_MS);

  afterAll(async () => {
    await program.stop();
    await folder.remove();
  });

  it('starts, and has nothing to say against any of it', () => {
    const strange = program.stderr.split('\n').filter((line) => /config[._]/.test(line));
    expect(strange).toEqual([]);
  });

  it('S4-48 answers the probes at their paths', async () => {
    const probed = [server.livenessProbe, server.readinessProbe].map((probe) => probe?.httpGet);
    expect(probed.map((probe) => probe?.path)).toEqual(['/health/live', '/health/ready']);
    for (const { path, port } of probed.flatMap((probe) => probe ?? [])) {
      expect(server.ports?.map(({ name }) => name)).toContain(port);
      // As the kubelet does: by the address of the pod.
      expect([path, await statusOf(`${url}${path}`, '10.1.2.3:8080')]).toEqual([path, 200]);
    }
  });

  it('S4-43 shows its metrics on the management port', async () => {
    const answer = await fetch(`${management}/metrics`);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('mcp_build_info')]);
  });

  it(
    'passes the test that the chart brings',
    async () => {
      const [test] = podOf(only(manifests, 'Pod'))?.spec.containers as [Container];
      const [node, ...args] = test.command as [string, ...string[]];
      expect(node).toBe('node');
      const run = (at: string): ReturnType<typeof Program.run> =>
        Program.run({ command: [process.execPath], args, env: { SERVICE_URL: at }, cwd: folder.path });
      const passed = await run(url);
      expect([passed.code, passed.stdout, passed.stderr]).toEqual([0, expect.stringMatching(/^Ready, /), '']);
      const failed = await run(`http://127.0.0.1:${await freePort()}`);
      expect(failed.code).not.toBe(0);
    },
    2 * PATIENCE_MS,
  );
});
