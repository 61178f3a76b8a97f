import { randomUUID } from 'node:crypto';

/** A new request id, unique across replicas: `req-` and a random UUID (S3-5, W-20). */
export function newRequestId(): string {
  return `req-${randomUUID()}`;
}
