import { isIP } from 'node:net';
import type { Source } from './reading.js';
import type { GroupName, Groups, SettingKey } from './schema.js';

/** What rules see: the settings, each valid by itself, and where each came from. */
export interface Settled {
  readonly groups: Groups;
  readonly sourceOf: (key: SettingKey) => Source;
}

/** What a rule says; it changes nothing itself. */
export interface Finding {
  /** Why the start must be refused. */
  readonly fault?: string;
  readonly warning?: string;
  readonly change?: { readonly [Name in GroupName]?: Partial<Groups[Name]> };
  /** Where the changed values now come from; where they came from before when left out. */
  readonly source?: Source;
}

/** A rule over several settings. */
export interface Rule {
  /** Looked at only while all of these are valid. */
  readonly reads: readonly SettingKey[];
  readonly check: (settled: Settled) => Finding | undefined;
}

const GIVEN_BY_HAND: readonly Source[] = ['flag', 'env', '.env'];

/** A host or port by flag or environment, and no transport, means http (K-1). */
export const addressMeansHttp: Rule = {
  reads: ['server.transports'],
  check: ({ sourceOf }) => {
    if (sourceOf('server.transports') !== 'default') return undefined;
    const given = (['host', 'port'] as const).filter((name) => GIVEN_BY_HAND.includes(sourceOf(`server.${name}`)));
    const [first] = given;
    if (first === undefined) return undefined;
    const why = `a ${given.join(' and a ')} is given and no transport, so http is served; --transport says otherwise`;
    return {
      change: { server: { transports: ['http'] } },
      source: sourceOf(`server.${first}`),
      warning: `config.transport_implied transport=http: ${why}`,
    };
  },
};

/** An address that others can reach needs authentication, which this version has not got, or a clear word (K-4). */
export const openBindNeedsConsent: Rule = {
  reads: ['server.transports', 'server.host', 'server.allowUnauthenticated'],
  check: ({ groups: { server } }) => {
    const network = server.transports.some((transport) => transport !== 'stdio');
    if (!network || server.allowUnauthenticated || isLoopback(server.host)) return undefined;
    return {
      fault:
        `The host ${server.host} is not loopback, so anybody who reaches it could call the tools: bind 127.0.0.1, ` +
        'or give --allow-unauthenticated (MCP_ALLOW_UNAUTHENTICATED=true) where something in front lets only the right ones in',
    };
  },
};

/** A request cannot be due before its headers are. */
export const bodyOutlastsHeaders: Rule = {
  reads: ['http.headersTimeoutMs', 'http.bodyTimeoutMs'],
  check: ({ groups: { http } }) => {
    if (http.bodyTimeoutMs >= http.headersTimeoutMs) return undefined;
    return {
      change: { http: { bodyTimeoutMs: http.headersTimeoutMs } },
      warning:
        `config_clamped param=http.bodyTimeoutMs original=${http.bodyTimeoutMs} new=${http.headersTimeoutMs}: ` +
        'it is never less than http.headersTimeoutMs',
    };
  },
};

/** What must be written needs a place: otherwise every call would be refused. */
export const auditNeedsFile: Rule = {
  reads: ['audit.required', 'audit.file'],
  check: ({ groups: { audit } }) => {
    if (!audit.required || audit.file !== undefined) return undefined;
    return { fault: 'MCP_AUDIT_REQUIRED is set and there is no file to write to: name one with MCP_AUDIT_FILE' };
  },
};

/** In the order in which they apply: each sees what the ones before changed. */
export const RULES: readonly Rule[] = [addressMeansHttp, openBindNeedsConsent, bodyOutlastsHeaders, auditNeedsFile];

function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  const address = host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
