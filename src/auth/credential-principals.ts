import { Injectable } from '@nestjs/common';
import { AppConfig, parseAuthTokens } from '../config/index.js';
import { Authenticator } from './authenticator.js';
import { ApiKeys, type KeyDescription } from './keys/api-keys.js';
import { type KnownPrincipal, KnownPrincipals, nameOf, SettingsPrincipals } from './known-principals.js';
import { ISSUER, type Principal } from './principal.js';
import { LiveRoles } from './roles/live-roles.js';

/** Besides those of the settings, who has a token or an API key. */
@Injectable()
export class CredentialPrincipals extends KnownPrincipals {
  private readonly usual: SettingsPrincipals;
  private readonly ofTokens: ReadonlyMap<string, Principal>;

  constructor(
    config: AppConfig,
    authenticator: Authenticator,
    roles: LiveRoles,
    private readonly keys: ApiKeys,
  ) {
    super();
    this.usual = new SettingsPrincipals(config, authenticator, roles);
    const tokens = config.auth.tokens === undefined ? [] : (parseAuthTokens(config.auth.tokens) ?? []);
    this.ofTokens = new Map(tokens.map(({ name, roles: held }) => [name, principalOf(name, held)]));
  }

  override find(name: string): KnownPrincipal | undefined {
    return this.usual.find(name) ?? principalOfKey(name, this.keys.list()) ?? this.ofTokens.get(subjectOf(name));
  }

  override names(): readonly string[] {
    const ofKeys = this.keys.list().map(({ name }) => name);
    return [...new Set([...this.usual.names(), ...this.ofTokens.keys(), ...ofKeys])];
  }
}

/**
 * Who calls with a key, and that nobody does any more where it has ended.
 * @param name the id of a key, the name that it was given, or `gatehouse/<name>`; of several keys of one name the first
 * that is active is meant
 */
export function principalOfKey(name: string, keys: readonly KeyDescription[]): KnownPrincipal | undefined {
  const ofName = keys.filter((key) => key.name === subjectOf(name));
  const key = keys.find(({ id }) => id === name) ?? ofName.find(({ state }) => state === 'active') ?? ofName[0];
  if (!key) return undefined;
  return {
    ...principalOf(key.name, key.roles),
    ...(key.scopes && { scopes: key.scopes }),
    credentialId: key.id,
    ...(key.state !== 'active' && { refusal: { kind: 'auth_failed', detail: `The key ${key.id} is ${key.state}` } }),
  };
}

/** @returns the subject of `gatehouse/name`, or of the name alone */
function subjectOf(name: string): string {
  const prefix = nameOf({ issuer: ISSUER, subject: '' });
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

function principalOf(subject: string, roles: readonly string[]): Principal {
  return { issuer: ISSUER, subject, roles, isAuthenticated: true };
}
