import { BuiltServer } from '../built-server.js';
import { makeServerPair, type Pair, writePair } from '../certificates.js';
import { temporaryFolder } from '../places.js';
import { ReplicaSet } from '../replica-set.js';
import type { TapTarget } from '../wire/socket-tap.js';
import { ARE_REPLICAS, type DoorOptions } from './door.js';

const MANY = ['--max-connections', '1000'];
const MANY_SOON = { MCP_RATE_LIMIT_CONNECTIONS: '100000' };

let pair: Promise<Pair> | undefined;

/** The built program with every door of the network open, encrypted or not; or three of it behind a proxy of HTTP. */
export class NetworkServer {
  private constructor(
    private readonly server: BuiltServer | ReplicaSet,
    private readonly tcpPort: number | undefined,
    /** Certificate that it shows; undefined where it does not encrypt. */
    readonly ca: string | undefined,
    private readonly cleanUp: () => Promise<void>,
  ) {}

  static async start({ isSecure = false, flags = [], env = {}, ...more }: DoorOptions): Promise<NetworkServer> {
    if (ARE_REPLICAS) {
      const replicas = await ReplicaSet.start({ ...more, flags: [...MANY, ...flags], env: { ...MANY_SOON, ...env } });
      return new NetworkServer(replicas, undefined, undefined, () => Promise.resolve());
    }
    const folder = await temporaryFolder();
    const files = isSecure ? await writePair(folder.path, 'server', await onePair()) : undefined;
    const server = await BuiltServer.start({
      ...more,
      flags: [
        ...['--transport', 'tcp', '--tcp-port', '0', '--tcp-max-connections', '1000', ...MANY],
        ...(files ? ['--ssl-cert', files.cert, '--ssl-key', files.key] : []),
        ...flags,
      ],
      env: { ...MANY_SOON, ...env },
    });
    const [, port = ''] = await server.said(/TCP endpoint: \S+:(\d+)/);
    return new NetworkServer(server, Number(port), files && (await onePair()).cert, () => folder.remove());
  }

  /** Of Streamable HTTP. */
  get url(): string {
    return this.server.url;
  }

  /** Where HTTP and WebSocket are. */
  get http(): TapTarget {
    return { port: Number(new URL(this.url).port), ca: this.ca };
  }

  get tcp(): TapTarget {
    if (this.tcpPort === undefined) throw new Error('The proxy has no TCP door');
    return { port: this.tcpPort, ca: this.ca };
  }

  get stderr(): string {
    return this.server.stderr;
  }

  async dispose(): Promise<void> {
    await this.server.dispose();
    await this.cleanUp();
  }
}

/** Making one takes a while, and all servers can show the same. */
function onePair(): Promise<Pair> {
  pair ??= makeServerPair([]);
  return pair;
}
