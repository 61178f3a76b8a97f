import { SdkV1Client } from './client-v1.js';
import { ClientV2 } from './client-v2.js';
import type { Target, TestClient } from './test-client.js';

/** The official clients, by the names that tests print. */
const CLIENTS = { 'sdk 1.x': SdkV1Client, 'client 2.x': ClientV2 } as const;

export type ClientName = keyof typeof CLIENTS;

export const CLIENT_NAMES = Object.keys(CLIENTS) as readonly ClientName[];

/** Connects an official client to the built server. */
export function connect(name: ClientName, target: Target): Promise<TestClient> {
  return CLIENTS[name].connect(target);
}
