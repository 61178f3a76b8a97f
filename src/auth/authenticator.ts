import { Injectable } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import type { Principal } from './principal.js';

/** A client certificate that the TLS handshake has verified. */
export interface ClientCertificate {
  /** The distinguished name, its parts as `CN=alice,O=Example`, most specific first. */
  readonly subject: string;
  /** SHA-256 of the certificate, hex. */
  readonly fingerprint: string;
  /** When it ends, ms since the epoch. */
  readonly expiresAt?: number | undefined;
}

/** What a caller shows at a door, before anything else is looked at. */
export interface Credentials {
  /** The Authorization header, or what stands for it at this door. */
  readonly authorization?: string | undefined;
  /** The client certificate that the TLS handshake has verified. */
  readonly certificate?: ClientCertificate | undefined;
  /** Address of the client, behind trusted proxies. */
  readonly address?: string | undefined;
  /** Where the caller comes in: http, websocket, sse, tcp or rest. Some credentials are for some doors alone. */
  readonly door?: string | undefined;
}

/** Tells who calls. One chain for all doors. */
export abstract class Authenticator {
  /** Whether callers must prove who they are. */
  abstract readonly isRequired: boolean;

  /** Whether a client certificate alone can say who calls. */
  get takesCertificates(): boolean {
    return false;
  }

  /**
   * @returns the principal; a promise only where a credential has to be fetched or verified anew
   * @throws ProtocolError auth_required, auth_failed, auth_unavailable, blocked
   */
  abstract authenticate(credentials: Credentials): Principal | Promise<Principal>;

  /** The one caller of stdio, whom the operating system has vouched for. */
  abstract local(): Principal;
}

/** Callers who prove nothing: each is `anonymous`, with one role. Loopback only, or by explicit setting (D-11, K-4). */
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
