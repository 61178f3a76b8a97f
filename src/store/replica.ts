import { randomBytes } from 'node:crypto';

const ID_BYTES = 5;

/** One process of the service. Its id is new with every start, and safe to be seen by clients. */
export class Replica {
  /** 10 hex digits. */
  readonly id = randomBytes(ID_BYTES).toString('hex');
}
