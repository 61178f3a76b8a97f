import { SdkV1Client } from './client-v1.js';
import { ClientV2 } from './client-v2.js';
import type { ClientOptions, Target, TestClient } from './test-client.js';

type Connect = (target: Target, options: ClientOptions) => Promise<TestClient>;

/** The official clients, by the names that tests print. */
const CLIENTS = {
  'sdk 1.x': (target, options) => SdkV1Client.connect(target, options),
  'sdk 1.10': (target, options) => SdkV1Client.connectEarly(target, options),
  'client 2.x': (target, options) => ClientV2.connect(target, options),
} as const satisfies Record<string, Connect>;

export type ClientName = keyof typeof CLIENTS;

/** The clients that speak the newest revision of the 2025 era. */
export const CLIENT_NAMES = ['sdk 1.x', 'client 2.x'] as const satisfies readonly ClientName[];

/** Connects an official client to the built server. */
export function connect(name: ClientName, target: Target, options: ClientOptions = {}): Promise<TestClient> {
  return CLIENTS[name](target, options);
}
