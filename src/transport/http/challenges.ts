import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Authenticator, ProtectedResource } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import type { Reply } from '../../dispatch/index.js';

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * What a client that is not let in is told of how to get in: WWW-Authenticate.
 * @see RFC 6750 section 3, RFC 9728 section 5.1; MCP 2025-11-25, basic/authorization, "Scope Challenge Handling"
 */
@Injectable()
export class Challenges {
  private readonly where: readonly string[];
  private readonly required: string;
  private readonly invalid: string;

  constructor(config: AppConfig, authenticator: Authenticator) {
    const resource = authenticator.isRequired ? ProtectedResource.of(config) : undefined;
    this.where = resource ? [`resource_metadata="${resource.metadataUrl}"`] : [];
    const scopes = scopeOf(config.auth.scopesSupported);
    this.required = challenge([...this.where, ...scopes]);
    this.invalid = challenge(['error="invalid_token"', ...this.where, ...scopes]);
  }

  /** Sets the header where the reply asks for a credential, or for a better one. */
  mark(res: ServerResponse, reply: Reply): void {
    const text = this.of(reply);
    if (text !== undefined) res.setHeader('WWW-Authenticate', text);
  }

  /** @returns the header; undefined where no credential would help */
  of({ kind, requiredScopes = [] }: Pick<Reply, 'kind' | 'requiredScopes'>): string | undefined {
    switch (kind) {
      case 'auth_required':
        return this.required;
      case 'auth_failed':
        return this.invalid;
      case 'insufficient_scope':
        return challenge(['error="insufficient_scope"', ...scopeOf(requiredScopes), ...this.where]);
      default:
        return undefined;
    }
  }
}

function challenge(parts: readonly string[]): string {
  return ['Bearer realm="gatehouse"', ...parts].join(', ');
}

/** Whoever asks for scopes in code may write anything: what is none would break the header. */
function scopeOf(scopes: readonly string[]): readonly string[] {
  const sound = scopes.filter((scope) => SCOPE.test(scope));
  return sound.length > 0 ? [`scope="${sound.join(' ')}"`] : [];
}
