import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { BuiltServer } from '../support/built-server.js';
import { CLIENT_NAMES, connect } from '../support/clients.js';
import { fixture } from '../support/places.js';
import type { TestClient } from '../support/test-client.js';
import { PATIENCE_MS } from '../support/waiting.js';

const CLIENTS = 50;
const ROUNDS = 5;
const STEPS = 4;
const LONG_MS = 4 * PATIENCE_MS;

const SECRETS = /secret-[0-9a-f-]{36}/g;

/** A client with what it alone may see. */
class Keeper {
  readonly secret = `secret-${randomUUID()}`;

  constructor(
    readonly client: TestClient,
    /** Whether it asked for every log message, or for next to none. */
    readonly isCurious: boolean,
  ) {}

  /** Calls three tools at once, and sees that each answer is its own. */
  async round(): Promise<void> {
    const args = { secret: this.secret, steps: STEPS };
    const told: unknown[] = [];
    const onprogress = (progress: unknown): void => void told.push(progress);
    const [kept, lost, sum] = await Promise.all([
      this.client.callTool('keep_secret', args, { onprogress }),
      this.client.callTool('lose_secret', args, { onprogress }),
      this.client.callTool('sum', { numbers: [told.length, 1] }),
    ]);
    expect([textOf(kept), kept.isError]).toEqual([`kept ${this.secret}`, undefined]);
    expect([textOf(lost), lost.isError]).toEqual([`lost ${this.secret}`, true]);
    expect(sum.structuredContent).toEqual({ sum: 1 });
  }

  /** Sees what came in, of whatever kind, since a place of the wire. */
  inspect(from: number, rounds: number): void {
    const came = this.client.wire.slice(from);
    const seen = new Set(JSON.stringify(came).match(SECRETS));
    expect([...seen]).toEqual([this.secret]);
    const count = (method: string): number => came.filter((message) => message.method === method).length;
    expect(count('notifications/progress')).toBe(rounds * 2 * STEPS);
    expect(count('notifications/message')).toBe(this.isCurious ? rounds * 2 * STEPS : 0);
  }
}

describe('S3-4, S3-26 fifty clients at once, on default settings but the message rate', () => {
  let server: BuiltServer;
  let keepers: readonly Keeper[];

  beforeAll(async () => {
    server = await BuiltServer.start({ plugins: [fixture('contract/index')], env: { MCP_RATE_LIMIT_MAX: '100000' } });
    keepers = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, at) => {
        const name = CLIENT_NAMES[at % CLIENT_NAMES.length] ?? 'sdk 1.x';
        const client = await connect(name, { door: 'http', url: server.url });
        const isCurious = at % 4 < 2;
        await client.setLogLevel(isCurious ? 'debug' : 'emergency');
        return new Keeper(client, isCurious);
      }),
    );
  }, LONG_MS);

  afterAll(async () => {
    await Promise.all(keepers.map(({ client }) => client.close()));
    await server.dispose();
  }, LONG_MS);

  const allAtOnce = async (rounds: number): Promise<void> => {
    const marks = keepers.map(({ client }) => client.wire.length);
    await Promise.all(
      keepers.map(async (keeper) => {
        for (let round = 0; round < rounds; round++) await keeper.round();
      }),
    );
    for (const [at, keeper] of keepers.entries()) keeper.inspect(marks[at] ?? 0, rounds);
  };

  it('have a session each', () => {
    expect(new Set(keepers.map(({ client }) => client.sessionId)).size).toBe(CLIENTS);
    expect(keepers.every(({ client }) => client.sessionId !== undefined)).toBe(true);
  });

  it('see their own answers, failures, progress and log messages, and nobody else’s', () => allAtOnce(ROUNDS), LONG_MS);

  it(
    'D-7, D-8 go on in the sessions that they have, log level included, when the server was restarted',
    async () => {
      const ids = keepers.map(({ client }) => client.sessionId);
      await server.restart('SIGTERM');
      await allAtOnce(2);
      expect(keepers.map(({ client }) => client.sessionId)).toEqual(ids);
    },
    LONG_MS,
  );

  it(
    'D-7, D-9 go on when the server was killed, as nothing but the key is needed',
    async () => {
      await server.restart('SIGKILL');
      await Promise.all(keepers.map((keeper) => keeper.round()));
      expect(new Set(keepers.map(({ client }) => client.sessionId)).size).toBe(CLIENTS);
    },
    LONG_MS,
  );
});

function textOf({ content }: CallToolResult): string | undefined {
  const [block] = content;
  return block?.type === 'text' ? block.text : undefined;
}
