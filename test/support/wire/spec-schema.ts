import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { ROOT } from '../places.js';

/** Every revision that the specification has a schema of, oldest first. */
export const SPEC_REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;
export type SpecRevision = (typeof SPEC_REVISIONS)[number];
export const MODERN: SpecRevision = '2026-07-28';

interface Definition {
  readonly anyOf?: readonly { readonly $ref: string }[];
  readonly properties?: {
    readonly method?: { readonly const?: string };
    readonly error?: { readonly allOf?: readonly { readonly properties?: { readonly code?: { const?: number } } }[] };
  };
}

type Definitions = Readonly<Record<string, Definition>>;

interface SchemaFile {
  readonly $schema: string;
  readonly definitions?: Definitions;
  readonly $defs?: Definitions;
}

/** Formats of the schemas that ajv-formats does not know, or knows as something else. */
const FORMATS = { byte: /^[A-Za-z0-9+/]*={0,2}$/, 'uri-template': true } as const;

/** The specification's schema of one revision, compiled when first asked for. */
export class SpecSchema {
  private static readonly made = new Map<string, SpecSchema>();
  private readonly ajv: Ajv;
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly definitions: Definitions;
  private readonly root: string;
  /** Definitions of requests and notifications, by method. */
  readonly byMethod: ReadonlyMap<string, string>;
  /** Definitions of errors that have a shape of their own, by code. */
  readonly errorByCode: ReadonlyMap<number, string>;

  private constructor(name: string, files: readonly string[]) {
    const isNew = readSchema(name).$schema.includes('2020-12');
    this.ajv = isNew ? new Ajv2020({ strict: false }) : new Ajv({ strict: false });
    formats.default(this.ajv, ['date-time', 'uri']);
    for (const [format, rule] of Object.entries(FORMATS)) this.ajv.addFormat(format, rule);
    for (const file of files) this.ajv.addSchema({ ...readSchema(file), $id: `mcp:${file}` });
    const { definitions, $defs } = readSchema(name);
    this.definitions = definitions ?? $defs ?? {};
    this.root = `mcp:${name}#/${definitions ? 'definitions' : '$defs'}`;
    const named = Object.entries(this.definitions);
    this.byMethod = new Map(
      named.flatMap(([key, { properties }]) => {
        const method = properties?.method?.const;
        return method === undefined ? [] : [[method, key] as const];
      }),
    );
    this.errorByCode = new Map(
      named.flatMap(([key, { properties }]) =>
        (properties?.error?.allOf ?? []).flatMap((part) => {
          const code = part.properties?.code?.const;
          return code === undefined ? [] : [[code, key] as const];
        }),
      ),
    );
  }

  static of(revision: SpecRevision): SpecSchema {
    return SpecSchema.make(revision, [revision]);
  }

  /** The extension io.modelcontextprotocol/tasks. */
  static ofTasks(): SpecSchema {
    return SpecSchema.make('tasks', [MODERN, 'tasks']);
  }

  private static make(name: string, files: readonly string[]): SpecSchema {
    const schema = SpecSchema.made.get(name) ?? new SpecSchema(name, files);
    SpecSchema.made.set(name, schema);
    return schema;
  }

  has(definition: string): boolean {
    return Object.hasOwn(this.definitions, definition);
  }

  /** Whether a union of the schema, such as `ServerNotification`, has a definition among its members. */
  isIn(union: string, definition: string): boolean {
    return this.definitions[union]?.anyOf?.some(({ $ref }) => $ref.endsWith(`/${definition}`)) === true;
  }

  /** @returns what is wrong with a value, each with where; empty when it is as defined */
  faultsOf(definition: string, value: unknown): readonly string[] {
    let validate = this.validators.get(definition);
    if (!validate) {
      validate = this.ajv.compile({ $ref: `${this.root}/${definition}` });
      this.validators.set(definition, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message }) => `${definition}${instancePath} ${message}`);
  }
}

function readSchema(name: string): SchemaFile {
  return JSON.parse(readFileSync(join(ROOT, 'test', 'schemas', name, 'schema.json'), 'utf8')) as SchemaFile;
}
