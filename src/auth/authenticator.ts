import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import type { Principal } from './principal.js';

/** What a caller shows at a door, before anything else is looked at. */
export interface Credentials {
  /** The Authorization header, or what stands for it at this door. */
  readonly authorization?: string | undefined;
  /** The client certificate that the TLS handshake has verified. */
  readonly certificate?: { readonly subject: string; readonly fingerprint: string } | undefined;
  /** Address of the client, behind trusted proxies. */
  readonly address?: string | undefined;
  readonly door?: string | undefined;
}

/** Tells who calls. One chain for all doors. */
export abstract class Authenticator {
  /** Whether callers must prove who they are. */
  abstract readonly isRequired: boolean;

  /**
   * @returns the principal; a promise only where a credential has to be fetched or verified anew
   * @throws ProtocolError auth_required, auth_failed
   */
  abstract authenticate(credentials: Credentials): Principal | Promise<Principal>;

  /** The one caller of stdio, whom the operating system has vouched for. */
  abstract local(): Principal;
}

/** No authentication: every caller is `anonymous`, with one role. Loopback only, or by explicit setting (D-11, K-4). */
@Injectable()
export class AnonymousAuthenticator extends Authenticator {
  override readonly isRequired = false;
  private readonly anonymous: Principal;
  private readonly onStdio: Principal;

  constructor(config: AppConfig) {
    super();
    this.anonymous = principal('anonymous', config.server.anonymousRole);
    this.onStdio = principal('local', config.server.stdioRole);
  }

  override authenticate(): Principal {
    return this.anonymous;
  }

  override local(): Principal {
    return this.onStdio;
  }
}

function principal(subject: string, role: string): Principal {
  return Object.freeze({ issuer: 'gatehouse', subject, roles: Object.freeze([role]), isAuthenticated: false });
}
