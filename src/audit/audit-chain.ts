import { hash } from 'node:crypto';
import type { AuditHead } from './audit-log.js';

/** What the first record of a chain follows. */
export const GENESIS = '';

const RECORD = /^(\{"seq":(\d{1,15}),.*),"hash":"([\w-]{43})"\}$/;

// What JSON leaves as it is, and ends a line or begins a command for some who read one.
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/g;

/** A record, as it stands in a line. */
export interface SealedRecord extends AuditHead {
  /** What the hash is over. */
  readonly sealed: string;
}

/** @returns undefined where the line is no record */
export function readRecord(line: string): SealedRecord | undefined {
  const [, sealed, seq, hash] = RECORD.exec(line) ?? [];
  return sealed === undefined ? undefined : { sealed, seq: Number(seq), hash: hash as string };
}

/** SHA-256 over the hash before and the record, so that no record can be changed, moved or taken out alone. */
function chained(previous: string, sealed: string): string {
  return hash('sha256', `${previous}\n${sealed}`, 'base64url');
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Numbers records and chains each to the one before. */
export class AuditChain {
  private constructor(
    private seq: number,
    private last: string,
  ) {}

  /** @param head the last record before, where there is one */
  static after(head: AuditHead | undefined): AuditChain {
    return new AuditChain(head?.seq ?? 0, head?.hash ?? GENESIS);
  }

  get head(): AuditHead {
    return { seq: this.seq, hash: this.last };
  }

  /** A chain that goes on from here by itself: for what may have to be undone. */
  fork(): AuditChain {
    return new AuditChain(this.seq, this.last);
  }

  /** @param body of a record, without braces @returns its line */
  seal(body: string): string {
    this.seq += 1;
    const sealed = `{"seq":${this.seq},${body.replace(UNSAFE, escaped)}`;
    this.last = chained(this.last, sealed);
    return `${sealed},"hash":"${this.last}"}\n`;
  }
}

/** Holds lines against the chain, in their order. */
export class ChainCheck {
  private previous: AuditHead | undefined;

  get head(): AuditHead | undefined {
    return this.previous;
  }

  /**
   * Takes the next line.
   * @returns what is wrong with it, to follow "line 7"; after that there is no telling about the lines that follow
   */
  take(line: string): string | undefined {
    const record = readRecord(line);
    if (!record) return 'is no record of the log';
    const facts = parsed(line);
    if (!facts) return 'is no JSON';
    const before = this.previous?.hash ?? anchorOf(facts);
    if (before === undefined) return 'is where the chain begins, and is no start';
    if (this.previous && record.seq !== this.previous.seq + 1) {
      return `has number ${record.seq}, and ${this.previous.seq + 1} is due: a record is missing or out of place`;
    }
    if (facts['type'] === 'start' && (facts['previous'] ?? GENESIS) !== before) {
      return 'is a start that follows another record than the one before it';
    }
    if (chained(before, record.sealed) !== record.hash)
      return 'does not fit its hash: it was changed, or the one before';
    this.previous = { seq: record.seq, hash: record.hash };
    return undefined;
  }
}

/** What the oldest record that is left follows, by its own word: what was before it is gone. */
function anchorOf({ type, previous }: Record<string, unknown>): string | undefined {
  if (type !== 'start') return undefined;
  return typeof previous === 'string' ? previous : GENESIS;
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
