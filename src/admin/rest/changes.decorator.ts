import { type CustomDecorator, SetMetadata } from '@nestjs/common';

/** Metadata key of routes that change something. */
export const CHANGE = 'gatehouse:change';

/** What a route does, as the record of operators' actions has it. */
export interface Change {
  /** A noun and a verb: `tool.disable`. */
  readonly action: string;
  /** What the first parameter of the path names, `tool`: it stands before it in the record. */
  readonly noun?: string | undefined;
}

/** Of a route that changes something: puts it on record, done, failed or refused. */
export const Changes = (action: string, noun?: string): CustomDecorator =>
  SetMetadata(CHANGE, { action, noun } satisfies Change);
