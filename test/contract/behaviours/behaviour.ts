import { expect } from '@jest/globals';
import type { Json, Message } from '../../support/messages.js';
import { fixture } from '../../support/places.js';
import { ARE_REPLICAS } from '../../support/doors.js';
import type { ClientOptions, TestClient } from '../../support/test-client.js';
import type { SpecRevision } from '../../support/wire/spec-schema.js';
import type { Cell } from '../cells.js';

/** One thing that the protocol demands, and how it is seen. */
export interface Behaviour<Subject> {
  readonly name: string;
  /** Section of the specification, or requirement of the project. */
  readonly spec: string;
  /** Whether each process decides it by itself, so that it is not to be seen where there are several. */
  readonly isOfProcess?: boolean;
  readonly run: (subject: Subject) => Promise<void>;
}

/** Whether a behaviour is to be seen behind the doors that are open. */
export const isSeen = ({ isOfProcess = false }: { readonly isOfProcess?: boolean }): boolean =>
  !(isOfProcess && ARE_REPLICAS);

/** What behaviours are run against: an official client, connected through one door. */
export interface ClientSubject {
  readonly client: TestClient;
  readonly revision: SpecRevision;
  /** A second session: at once with the first on HTTP, in a process of its own on stdio. */
  readonly another: (options?: Pick<ClientOptions, 'capabilities'>) => Promise<TestClient>;
}

/** A behaviour that is seen with official clients. */
export interface ClientBehaviour extends Behaviour<ClientSubject> {
  /** Where it is to be seen; in every cell when left out. */
  readonly where?: (cell: Cell) => boolean;
}

/** Revisions from one on. */
export const since =
  (first: SpecRevision) =>
  ({ revision }: { readonly revision: SpecRevision }): boolean =>
    revision >= first;

export const legacy = ({ revision }: { readonly revision: SpecRevision }): boolean => revision < '2026-07-28';
export const modern = ({ revision }: { readonly revision: SpecRevision }): boolean => revision === '2026-07-28';

/** What only the revisions from `first` on know. */
export function known(first: SpecRevision, revision: SpecRevision, what: Json): Json {
  return revision >= first ? what : {};
}

/** What a test client can do, unless a behaviour needs another. */
export const CAPABILITIES: Json = {
  roots: { listChanged: true },
  sampling: { tools: {} },
  elicitation: { form: { applyDefaults: true }, url: {} },
};

/** Settings of the server that behaviours are run against. */
export const SETTINGS = {
  MCP_LIST_PAGE_SIZE: '3',
  MCP_RATE_LIMIT_MAX: '100000',
  MCP_CIRCUIT_BREAKER_FAILURE_THRESHOLD: '100',
  TOOL_EXCLUDE: 'list_files',
} as const;

/** The server that behaviours are run against. */
export const serverOptions = () => ({ plugins: [fixture('contract/index')], env: SETTINGS });

/** What no caller may see of an error that was not written for callers. */
export const INSIDE = /hunter2|shadow|\/home\/author|node:internal|\bat .*:\d+:\d+/;

/** @returns the text of a result's first block */
export function textOf(result: object): string | undefined {
  const { content } = result as { content?: readonly { readonly type: string; readonly text?: string }[] };
  return content?.[0]?.text;
}

/** @returns the kind of a failed result */
export function kindOf(result: object): unknown {
  const meta = (result as { _meta?: Record<string, { kind?: string } | undefined> })._meta;
  return meta?.['mcp-gatehouse/error']?.kind;
}

/** @returns a result without what 2026-07-28 adds to every one: what is left is alike in every revision */
export function plain(result: object): Json {
  const { _meta, resultType: _type, ttlMs: _ttl, cacheScope: _scope, ...rest } = result as Json;
  const { 'io.modelcontextprotocol/serverInfo': _server, ...meta } = (_meta ?? {}) as Json;
  return { ...rest, ...(Object.keys(meta).length > 0 && { _meta: meta }) };
}

/**
 * The error that a client was sent, as it came: clients put their own in its place.
 * @param call is refused
 */
export async function refusalOf(client: TestClient, call: Promise<unknown>): Promise<Message['error']> {
  await expect(call).rejects.toThrow();
  return client.wire.at(-1)?.error;
}
