import { Injectable } from '@nestjs/common';
import { AppConfig, parseAuthTokens } from '../config/index.js';
import { Authenticator } from './authenticator.js';
import { KeyRing } from './keys/key-ring.js';
import { KnownPrincipals, nameOf, SettingsPrincipals } from './known-principals.js';
import { ISSUER, type Principal } from './principal.js';
import { LiveRoles } from './roles/live-roles.js';

/**
 * Besides those of the settings, who has a token or an API key: by the id of the key, by name, by `gatehouse/name`. Where
 * several credentials are of one name, the last one that was given out speaks for it; an id says which is meant.
 */
@Injectable()
export class CredentialPrincipals extends KnownPrincipals {
  private readonly usual: SettingsPrincipals;
  private readonly ofTokens: ReadonlyMap<string, Principal>;

  constructor(
    config: AppConfig,
    authenticator: Authenticator,
    roles: LiveRoles,
    private readonly ring: KeyRing,
  ) {
    super();
    this.usual = new SettingsPrincipals(config, authenticator, roles);
    const tokens = config.auth.tokens === undefined ? [] : (parseAuthTokens(config.auth.tokens) ?? []);
    this.ofTokens = new Map(tokens.map(({ name, roles: held }) => [name, principalOf(name, held)]));
  }

  override find(name: string): Principal | undefined {
    return this.usual.find(name) ?? this.ofKey(name) ?? this.ofTokens.get(subjectOf(name));
  }

  override names(): readonly string[] {
    const keys = this.ring.list().flatMap(({ key }) => [key.id, key.name]);
    return [...new Set([...this.usual.names(), ...this.ofTokens.keys(), ...keys])];
  }

  /** Ended keys are known too: what they would be allowed is asked of them as of roles. */
  private ofKey(name: string): Principal | undefined {
    const subject = subjectOf(name);
    const ofName = this.ring.list().filter(({ key }) => key.name === subject);
    const { key } = this.ring.get(name) ?? newest(ofName) ?? {};
    return (
      key && { ...principalOf(key.name, key.roles), ...(key.scopes && { scopes: key.scopes }), credentialId: key.id }
    );
  }
}

function newest<Entry extends { readonly key: { readonly createdAt: number } }>(
  keys: readonly Entry[],
): Entry | undefined {
  return [...keys].sort((one, other) => other.key.createdAt - one.key.createdAt)[0];
}

/** @returns the subject of `gatehouse/name`, or of the name alone */
function subjectOf(name: string): string {
  const prefix = nameOf({ issuer: ISSUER, subject: '' });
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function principalOf(subject: string, roles: readonly string[]): Principal {
  return { issuer: ISSUER, subject, roles, isAuthenticated: true };
}
