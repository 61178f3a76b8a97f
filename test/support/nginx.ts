import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type TemporaryFolder, temporaryFolder } from './places.js';
import { freePort } from './redis-server.js';
import { until, within } from './waiting.js';

/** nginx of Debian with the file that the documentation shows, in front of replicas, on a free port. */
export class Nginx {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: TemporaryFolder,
    readonly port: number,
  ) {}

  /** @param ports of as many replicas as the file has */
  static async start(ports: readonly number[]): Promise<Nginx> {
    installNginx();
    const [folder, port] = [await temporaryFolder(), await freePort()];
    const path = join(folder.path, 'nginx.conf');
    await writeFile(path, withPorts(await readFile(join(ROOT, 'docs/nginx.conf'), 'utf8'), port, ports));
    const globals = `daemon off; pid ${join(folder.path, 'nginx.pid')}; error_log stderr warn;`;
    const child = spawn('nginx', ['-p', folder.path, '-c', path, '-g', globals], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const nginx = new Nginx(child, folder, port);
    try {
      await until(async () => {
        if (child.exitCode !== null) throw new Error(`nginx ended: ${said}`);
        return fetch(nginx.url).then(
          () => true,
          () => false,
        );
      }, 'nginx to answer');
    } catch (error) {
      await nginx.stop();
      throw error;
    }
    return nginx;
  }

  /** Its root. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const closed = once(this.child, 'close');
      this.child.kill('SIGTERM');
      await within(closed, 'nginx to end');
    }
    await this.folder.remove();
  }
}

/** The file of the documentation with other ports: each has to be in it. */
function withPorts(conf: string, port: number, ports: readonly number[]): string {
  const replicas = [...conf.matchAll(/server 127\.0\.0\.1:\d+;/g)];
  if (replicas.length !== ports.length || !conf.includes('listen 127.0.0.1:8080;'))
    throw new Error('docs/nginx.conf does not name as many replicas, or listens elsewhere');
  let at = 0;
  return conf
    .replace(/server 127\.0\.0\.1:\d+;/g, () => `server 127.0.0.1:${ports[at++]};`)
    .replace('listen 127.0.0.1:8080;', `listen 127.0.0.1:${port};`);
}

/** By the project's own installer, which is no module of tests. */
function installNginx(): void {
  const script = `import { debianTool } from ${JSON.stringify(join(ROOT, 'scripts/tools.mjs'))}; debianTool('nginx', 'nginx-light');`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit'] });
}
