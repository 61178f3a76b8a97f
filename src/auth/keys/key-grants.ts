import { Injectable } from '@nestjs/common';
import { ProtocolError } from '../../common/index.js';
import { AppConfig, parseAuthTokens } from '../../config/index.js';
import type { Principal } from '../principal.js';
import type { Role } from '../roles/role.js';
import { LiveRoles } from '../roles/live-roles.js';
import { Permissions } from '../roles/permissions.js';
import type { KeyRequest } from './api-keys.js';
import { KeyRing } from './key-ring.js';

/** Who may hand out every key: this role cannot be written anew, and may do everything (D-11). */
const ALL_MAY = 'admin';

/**
 * Which keys a caller may hand out, where they may manage keys at all: an admin any; everyone else none with more rights
 * than their own, and none by which its holder would be somebody who has more. To take a key away is no right that
 * spreads: it is not asked for here.
 */
@Injectable()
export class KeyGrants {
  private readonly tokenRoles: readonly { readonly name: string; readonly roles: readonly string[] }[];

  constructor(
    config: AppConfig,
    private readonly ring: KeyRing,
    private readonly roles: LiveRoles,
    private readonly permissions: Permissions,
  ) {
    const { tokens } = config.auth;
    this.tokenRoles = tokens === undefined ? [] : (parseAuthTokens(tokens) ?? []);
  }

  /**
   * @param key what a key is to be, or what one is that gets a new token
   * @throws ProtocolError permission_denied
   */
  check(caller: Principal, { name, roles, scopes }: Pick<KeyRequest, 'name' | 'roles' | 'scopes'>): void {
    const fault =
      this.faultOfScopes(caller, scopes) ??
      (this.permissions.hasRole(caller, [ALL_MAY])
        ? undefined
        : (this.faultOfRoles(caller, roles) ?? this.faultOfName(caller, name)));
    if (fault !== undefined) throw new ProtocolError('permission_denied', fault);
  }

  /** A credential that scopes limit makes none that they limit less. */
  private faultOfScopes({ scopes: held }: Principal, scopes: readonly string[] | undefined): string | undefined {
    if (!held || scopes?.every((scope) => held.includes(scope))) return undefined;
    return `Scopes limit your credential: a key that you hand out needs some of them, and no others: ${held.join(' ')}.`;
  }

  private faultOfRoles(caller: Principal, roles: readonly string[]): string | undefined {
    const own = this.roles.book.setOf(caller);
    const strange = roles.find((role) => !own.holds(role));
    if (strange !== undefined) {
      return `You do not have the role "${strange}": hand out roles that you have, or ask an admin.`;
    }
    // A role that is inherited may lack what its heir is denied.
    const kept = new Set(deniesOf(this.roles.book.setOf({ roles }).roles));
    const lost = deniesOf(own.roles).find((rule) => !kept.has(rule));
    return lost && `These roles leave out rule ${lost.id}, which denies you something: name the role that has it, too.`;
  }

  /** A key is its name: it opens the sessions and reads the answers of whoever has another one of that name. */
  private faultOfName(caller: Principal, name: string): string | undefined {
    const ofKeys = this.ring.list().map(({ key }) => key);
    const others = [...this.tokenRoles, ...ofKeys.filter(({ revokedAt }) => revokedAt === undefined)];
    const isAbove = others.some((other) => other.name === name && this.faultOfRoles(caller, other.roles) !== undefined);
    return isAbove
      ? 'Somebody of this name has roles that you do not have: take another name, or ask an admin.'
      : undefined;
  }
}

function deniesOf(roles: ReadonlySet<Role>): Role['deny'] {
  return [...roles].flatMap(({ deny }) => deny);
}
