import { type TemporaryFolder, temporaryFolder } from './places.js';
import { type Exit, Program } from './program.js';

export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  /** Built plug-ins, as `fixture` names them, or any path. */
  readonly plugins?: readonly string[];
}

/** The built program serving HTTP on a free port, with a state folder of its own. */
export class BuiltServer {
  private constructor(
    private readonly options: ServerOptions,
    private readonly folder: TemporaryFolder,
    private program: Program,
    readonly url: string,
  ) {}

  static async start(options: ServerOptions = {}): Promise<BuiltServer> {
    const folder = await temporaryFolder();
    const program = launch(options, folder.path, 0);
    try {
      return new BuiltServer(options, folder, program, await endpointOf(program));
    } catch (error) {
      await program.stop('SIGKILL');
      await folder.remove();
      throw error;
    }
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Folder of the state, and the start folder. */
  get stateDir(): string {
    return this.folder.path;
  }

  get pid(): number {
    return this.program.pid;
  }

  /** What the process that runs now has written. */
  get stderr(): string {
    return this.program.stderr;
  }

  get stdout(): string {
    return this.program.stdout;
  }

  /** When the process that runs now has ended. */
  get exit(): Promise<Exit> {
    return this.program.exit;
  }

  said(pattern: RegExp): Promise<RegExpExecArray> {
    return this.program.said(pattern);
  }

  /** Ends the process; the state stays until {@link dispose}. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    return this.program.stop(signal);
  }

  /** A new process on the same state and the same port. @param signal ends the old one, where it still runs */
  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.program.isRunning) await this.stop(signal);
    this.program = launch(this.options, this.folder.path, this.port);
    await endpointOf(this.program);
  }

  async dispose(): Promise<void> {
    await this.program.stop();
    await this.folder.remove();
  }
}

function launch({ env = {}, flags = [], plugins = [] }: ServerOptions, stateDir: string, port: number): Program {
  const paths = plugins.length > 0 ? ['--tools-path', ...plugins] : [];
  const args = ['serve', '--transport', 'http', '--port', String(port), '--state-dir', stateDir, ...paths, ...flags];
  return Program.start({ args, env: { HOME: stateDir, ...env }, cwd: stateDir });
}

async function endpointOf(program: Program): Promise<string> {
  const [, url = ''] = await program.said(/MCP endpoint: +(\S+)/);
  return url;
}
