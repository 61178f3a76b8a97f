import { Injectable } from '@nestjs/common';
import { Authenticator } from '../auth/index.js';
import { type JsonObject, VERSION } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { META, modernBody, type RevisionRules, SerializedResult } from '../protocol/index.js';
import { TASKS_EXTENSION } from './peer.js';

/** Freshness of a list, ms: changes are announced to whoever listens, so that a client may keep it for a while. */
const LIST_TTL_MS = 300_000;

/** What the server says of itself, in the words of each era. */
@Injectable()
export class ServerIdentity {
  readonly info: { readonly name: string; readonly version: string };
  /** `_meta` of every modern result, as JSON. */
  private readonly about: string;
  /** Lists depend on who asks only where callers are told apart. */
  private readonly cacheScope: 'public' | 'private';

  constructor(config: AppConfig, authenticator: Authenticator) {
    this.info = { name: config.server.name, version: VERSION };
    this.about = JSON.stringify({ [META.serverInfo]: this.info });
    this.cacheScope = authenticator.isRequired ? 'private' : 'public';
  }

  capabilities(rules: RevisionRules): JsonObject {
    return {
      tools: { listChanged: true },
      resources: { listChanged: true, subscribe: true },
      prompts: { listChanged: true },
      logging: {},
      ...(rules.toolAnnotations && { completions: {} }),
      ...(rules.era === 'modern' && { extensions: { [TASKS_EXTENSION]: {} } }),
    };
  }

  /** @returns a modern result with its type and the server's `_meta`, serialised */
  sealed(result: JsonObject): SerializedResult {
    return new SerializedResult(modernBody(result, this.about));
  }

  /** @returns a modern list with what caches need to know. @see MCP 2026-07-28, server/utilities/caching */
  cacheable(result: JsonObject): JsonObject {
    return { ttlMs: LIST_TTL_MS, cacheScope: this.cacheScope, ...result };
  }

  /** @returns a modern result that may be of this caller alone, and of this moment */
  uncacheable(result: JsonObject): JsonObject {
    return { ttlMs: 0, cacheScope: 'private', ...result };
  }
}
