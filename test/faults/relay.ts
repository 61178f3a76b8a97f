import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';

/** A wire of loopback that can be made slow, or be cut as one whose packets get lost: nobody is told. */
export class Relay {
  /** Time that each piece takes one way, ms. */
  delayMs = 0;
  private isCut = false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (near: Socket) => this.join(near));
  }

  static async to(target: number): Promise<Relay> {
    const relay = new Relay(createServer(), target);
    relay.server.listen(0, '127.0.0.1');
    await once(relay.server, 'listening');
    return relay;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    this.isCut = true;
  }

  /** What was under way when it was cut is lost; what is connected from now on works. */
  mend(): void {
    for (const socket of this.sockets) socket.destroy();
    this.isCut = false;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private join(near: Socket): void {
    const far = connect(this.target, '127.0.0.1');
    this.carry(near, far);
    this.carry(far, near);
  }

  private carry(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.on('data', (piece) => this.later(() => to.write(piece)));
    from.on('end', () => this.later(() => to.end()));
    from.on('error', () => this.later(() => to.destroy()));
    from.on('close', () => {
      this.sockets.delete(from);
      this.later(() => to.destroy());
    });
  }

  /** Timers of one length keep their order. */
  private later(act: () => void): void {
    if (this.isCut) return;
    if (this.delayMs === 0) act();
    else setTimeout(() => !this.isCut && act(), this.delayMs);
  }
}
