import { Injectable } from '@nestjs/common';
import type { ErrorKind } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { Authenticator } from './authenticator.js';
import type { Principal } from './principal.js';
import { LiveRoles } from './roles/live-roles.js';

/** A caller that is known by name, without calling. */
export interface KnownPrincipal extends Principal {
  /** Why no door would let them in now; absent where one would. */
  readonly refusal?: { readonly kind: ErrorKind; readonly detail: string } | undefined;
}

/** Who a name means, for people who ask about callers that are not there: names of roles, of keys, of principals. */
export abstract class KnownPrincipals {
  /**
   * @param name `viewer`, `anonymous`, `gatehouse/anonymous`
   * @returns undefined where nothing is known under the name
   */
  abstract find(name: string): KnownPrincipal | undefined | Promise<KnownPrincipal | undefined>;

  /** Names that can be asked for, for whoever gave a wrong one. */
  abstract names(): readonly string[] | Promise<readonly string[]>;
}

/** Those that the settings make, and one for each role. */
@Injectable()
export class SettingsPrincipals extends KnownPrincipals {
  constructor(
    private readonly config: AppConfig,
    private readonly authenticator: Authenticator,
    private readonly roles: LiveRoles,
  ) {
    super();
  }

  override find(name: string): KnownPrincipal | undefined {
    const local = this.authenticator.local();
    if (name === local.subject || name === nameOf(local)) return local;
    const anonymous = principal('anonymous', this.config.server.anonymousRole);
    if (name === anonymous.subject || name === nameOf(anonymous))
      return this.authenticator.isRequired ? { ...anonymous, refusal: UNPROVEN } : anonymous;
    return this.roles.book.has(name) ? { ...principal(`role:${name}`, name), isAuthenticated: true } : undefined;
  }

  override names(): readonly string[] {
    return ['anonymous', 'local', ...this.roles.book.names];
  }
}

const UNPROVEN: KnownPrincipal['refusal'] = {
  kind: 'auth_required',
  detail: 'Authentication is on: nobody comes in without a credential',
};

/** `issuer/subject`. */
export function nameOf({ issuer, subject }: Pick<Principal, 'issuer' | 'subject'>): string {
  return `${issuer}/${subject}`;
}

function principal(subject: string, role: string): Principal {
  return { issuer: 'gatehouse', subject, roles: [role], isAuthenticated: false };
}
