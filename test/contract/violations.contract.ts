import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { exchange, wire } from '../e2e/http-wire.js';
import { type Door, type DoorName, openDoor } from '../support/doors.js';
import { type Frame, initializeParams, type Message, modernHeaders, request } from '../support/messages.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { MODERN, type SpecRevision } from '../support/wire/spec-schema.js';
import { serverOptions } from './behaviours/behaviour.js';
import { PLAIN_WAYS, revisionsOver } from './cells.js';
import { eventsOf, untilEvent } from './security-events.js';
import { OF_HTTP } from './violations-http.js';
import { OF_MODERN } from './violations-modern.js';
import { OF_BOTH_ERAS, type Sending, type Told, type Violation } from './violations.js';

const VIOLATIONS = [...OF_BOTH_ERAS, ...OF_HTTP, ...OF_MODERN];

interface Refused {
  /** Undefined where the door has none. */
  readonly status?: number | undefined;
  readonly answer: Message;
}

/** How one revision is spoken through one door, soundly or not. */
interface Speaker {
  send(sending: Sending, violation: Violation): Promise<Refused>;
}

/** Over HTTP: in a session that is opened once, or in none. */
async function httpSpeaker(door: Door, revision: SpecRevision): Promise<Speaker> {
  const target = door.target();
  if (target.door !== 'http') throw new Error('This is no HTTP door');
  const { url } = target;
  const opening = JSON.stringify(request(0, 'initialize', initializeParams(revision)));
  const opened = revision === MODERN ? undefined : await exchange(url, wire(url, { body: opening }));
  const session = {
    ...(opened && { 'Mcp-Session-Id': opened.headers['mcp-session-id'] ?? '' }),
    ...(revision >= '2025-06-18' && { 'MCP-Protocol-Version': revision }),
  };
  return {
    send: async ({ frame, headers = {}, verb = 'POST' }, { unopened }) => {
      const isRequest = revision === MODERN && typeof frame === 'object' && frame !== null && 'method' in frame;
      const base = unopened ? {} : { ...session, ...(isRequest && modernHeaders(frame)) };
      const body = frame === undefined ? undefined : bytesOf(frame);
      const bytes = wire(url, { method: verb, headers: { ...base, ...headers }, ...(body && { body }) });
      const answer = await exchange(url, bytes);
      return { status: answer.status, answer: JSON.parse(answer.body) as Message };
    },
  };
}

/** On a channel: in the session of one, or on one that has none. */
async function channelSpeaker(door: Door, revision: SpecRevision): Promise<Speaker> {
  const session = revision === MODERN ? undefined : await door.session(revision);
  const bare = await door.unopened();
  return {
    send: async ({ frame }, { unopened }) => {
      const came: readonly Frame[] = await (unopened || !session ? bare : session).send(frame);
      return { answer: came.at(-1) as Message };
    },
  };
}

const SPEAKERS: Readonly<Record<DoorName, typeof httpSpeaker>> = {
  http: httpSpeaker,
  stdio: channelSpeaker,
  websocket: channelSpeaker,
  tcp: channelSpeaker,
  sse: channelSpeaker,
};

function bytesOf(frame: unknown): string | Buffer {
  return typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame);
}

/** The id that the answer to a frame has: `v` where it can be read. */
function idOf(frame: unknown): unknown {
  const text = typeof frame === 'string' ? frame : JSON.stringify(frame ?? null);
  return /^\{[^[\]]*"id":"v"/.test(text) && !Buffer.isBuffer(frame) ? 'v' : null;
}

function toldIn({ told }: Violation, revision: SpecRevision, door: DoorName): Told {
  return typeof told === 'function' ? told(revision, door) : told;
}

describe.each(PLAIN_WAYS)('what breaks a MUST over $way', (way) => {
  const { door: name } = way;
  let door: Door;

  beforeAll(async () => {
    door = await openDoor(name, serverOptions());
  }, PATIENCE_MS);

  afterEach(() => door.assertSound());

  afterAll(() => door.close(), PATIENCE_MS);

  describe.each(revisionsOver(way))('in %s', (revision) => {
    const here = VIOLATIONS.filter((each) => each.in(revision) && (each.doors?.includes(name) ?? true));
    let speaker: Speaker;

    beforeAll(async () => {
      speaker = await SPEAKERS[name](door, revision);
    }, PATIENCE_MS);

    it.each(here)(
      '$name ($spec)',
      async (violation) => {
        const { code, kind, message, status } = toldIn(violation, revision, name);
        const sends = typeof violation.sends === 'function' ? violation.sends(revision) : violation.sends;
        for (const sending of sends) {
          const known = eventsOf(door.stderr).length;
          const refused = await speaker.send(sending, violation);
          const { error, ...envelope } = refused.answer;
          expect(error).toMatchObject({ code, message, data: { kind } });
          const id = violation.isUnread ? null : idOf(sending.frame);
          // Where nothing could be read, 2026-07-28 leaves the id out, and JSON-RPC says null.
          const isLeftOut = id === null && revision === MODERN && name === 'http';
          expect(envelope).toEqual({ jsonrpc: '2.0', ...(!isLeftOut && { id }) });
          if (refused.status !== undefined) expect(refused.status).toBe(status);
          if (violation.event !== undefined) await untilEvent(() => door.stderr, known, violation.event);
        }
      },
      PATIENCE_MS,
    );

    it('no two of them are told alike', () => {
      const all = here.map((violation) => {
        const { kind, message } = toldIn(violation, revision, name);
        return `${kind}: ${message}`;
      });
      expect(all.filter((text, at) => all.indexOf(text) !== at)).toEqual([]);
    });
  });
});
