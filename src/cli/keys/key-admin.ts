import type { IssuedKey, KeyDescription, KeyRequest } from '../../auth/index.js';

/** The keys of one server, wherever they are managed. */
export interface KeyAdmin {
  create(request: KeyRequest): Promise<IssuedKey>;
  list(): Promise<readonly KeyDescription[]>;
  rotate(id: string, overlapMs: number): Promise<IssuedKey>;
  revoke(id: string): Promise<KeyDescription>;
}
