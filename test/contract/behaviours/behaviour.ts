import { expect } from '@jest/globals';
import type { Message } from '../../support/messages.js';
import type { TestClient } from '../../support/test-client.js';

/** One thing that the protocol demands, and how it is seen. */
export interface Behaviour<Subject> {
  readonly name: string;
  /** Section of the specification, or requirement of the project. */
  readonly spec: string;
  readonly run: (subject: Subject) => Promise<void>;
}

/** What behaviours are run against: an official client, connected through one door. */
export interface Cell {
  readonly client: TestClient;
  /** A second session: at once with the first on HTTP, in a process of its own on stdio. */
  readonly another: () => Promise<TestClient>;
}

export type ClientBehaviour = Behaviour<Cell>;

/** Settings of the server that behaviours are run against. */
export const SETTINGS = {
  MCP_LIST_PAGE_SIZE: '3',
  MCP_RATE_LIMIT_MAX: '100000',
  MCP_CIRCUIT_BREAKER_FAILURE_THRESHOLD: '100',
  TOOL_EXCLUDE: 'list_files',
} as const;

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

/**
 * The error that a client was sent, as it came: clients put their own in its place.
 * @param call is refused
 */
export async function refusalOf(client: TestClient, call: Promise<unknown>): Promise<Message['error']> {
  await expect(call).rejects.toThrow();
  return client.wire.at(-1)?.error;
}
