import { isJsonObject } from '../../common/index.js';

/** Steps from the root of a document to a value. */
export type DocumentPath = readonly (string | number)[];

/** A document whose faults are being found. */
export interface DocumentFaults {
  /** @returns the place of a value, such as `roles.yaml:12` */
  placeOf(path: DocumentPath): string;
  add(fault: string): void;
}

/** A value in a document, and its place: what is asked of it and not so is a fault, and reading goes on. */
export class DocumentCursor {
  constructor(
    readonly value: unknown,
    readonly path: DocumentPath,
    private readonly faults: DocumentFaults,
  ) {}

  get place(): string {
    return this.faults.placeOf(this.path);
  }

  get isGiven(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** @param text what is wrong, to follow the name of the value */
  fault(text: string): void {
    const name = this.path.length === 0 ? 'the document' : this.path.reduce<string>(joined, '');
    this.faults.add(`${this.place} ${name} ${text}`);
  }

  at(step: string | number): DocumentCursor {
    const { value } = this;
    const held = isJsonObject(value) || Array.isArray(value) ? (value as Record<string | number, unknown>) : {};
    return new DocumentCursor(Object.hasOwn(held, step) ? held[step] : undefined, [...this.path, step], this.faults);
  }

  /** @returns what an object holds, by key; none where it is not given */
  entries(): readonly (readonly [string, DocumentCursor])[] {
    if (!this.isGiven) return [];
    if (isJsonObject(this.value)) return Object.keys(this.value).map((key) => [key, this.at(key)] as const);
    this.fault('must be an object');
    return [];
  }

  /** The key of an entry in place of its value. */
  named(key: string): DocumentCursor {
    return new DocumentCursor(key, this.path, this.faults);
  }

  /** Says of every key that is not one of these that it does not belong here. */
  knowsOnly(keys: readonly string[]): void {
    for (const [key, cursor] of this.entries()) {
      if (!keys.includes(key)) cursor.fault(`is not known here; known are: ${keys.join(', ')}`);
    }
  }

  /** @returns the items of a list; a value that is none counts as a list of one; none where it is not given */
  items(): readonly DocumentCursor[] {
    if (!this.isGiven) return [];
    if (!Array.isArray(this.value)) return [this];
    return this.value.map((_, index) => this.at(index));
  }

  /** @param what it must be, to follow "must be" @returns undefined where it is not given, or not so */
  text(isRight: (text: string) => boolean, what: string): string | undefined {
    if (!this.isGiven) return undefined;
    if (typeof this.value === 'string' && isRight(this.value)) return this.value;
    this.fault(`must be ${what}`);
    return undefined;
  }

  /** @returns the texts of a list, or the one that stands in its place */
  texts(isRight: (text: string) => boolean, what: string): readonly string[] {
    return this.items().flatMap((item) => item.text(isRight, what) ?? []);
  }

  bool(): boolean | undefined {
    if (!this.isGiven) return undefined;
    if (typeof this.value === 'boolean') return this.value;
    this.fault('must be true or false');
    return undefined;
  }

  number(isRight: (value: number) => boolean, what: string): number | undefined {
    if (!this.isGiven) return undefined;
    if (typeof this.value === 'number' && isRight(this.value)) return this.value;
    this.fault(`must be ${what}`);
    return undefined;
  }
}

function joined(before: string, step: string | number): string {
  if (typeof step === 'number') return `${before}[${step}]`;
  const name = /^[\w-]+$/.test(step) ? step : JSON.stringify(step.slice(0, 100));
  return before === '' ? name : `${before}.${name}`;
}
