import {
  algorithmsFollowKeys,
  authFollowsReach,
  certificateRolesNeedClientCa,
  openBindNeedsConsent,
  publicKeysNeedNames,
} from './auth-rules.js';
import type { Source } from './reading.js';
import type { Rule } from './rule.js';

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

/** A path of TLS that is given switches TLS on, unless it was switched off by hand (K-25). */
export const pathMeansTls: Rule = {
  reads: ['tls.enabled', 'tls.cert', 'tls.key', 'tls.clientCa'],
  check: ({ sourceOf }) => {
    const given = (['tls.cert', 'tls.key', 'tls.clientCa'] as const).find((key) => sourceOf(key) !== 'default');
    if (given === undefined || sourceOf('tls.enabled') !== 'default') return undefined;
    return { change: { tls: { enabled: true } }, source: sourceOf(given) };
  },
};

/** What one replica sealed must open at the others (D-9). */
const replicasShareKeys: Rule = {
  reads: ['redis.url', 'sessions.keys'],
  check: ({ groups: { redis, sessions } }) => {
    if (redis.url === undefined || sessions.keys !== undefined) return undefined;
    return {
      fault:
        'MCP_REDIS_URL needs MCP_SESSION_KEYS, the same for all replicas: what one seals, another opens. ' +
        'Make one: echo "k1:$(openssl rand -base64 32)"',
    };
  },
};

/** What is cut off is never less than what is answered with an error (K-14). */
export const bufferHoldsMessage: Rule = {
  reads: ['limits.maxMessageBytes', 'limits.maxBufferBytes'],
  check: ({ groups: { limits } }) => {
    if (limits.maxBufferBytes >= limits.maxMessageBytes) return undefined;
    return {
      change: { limits: { maxBufferBytes: limits.maxMessageBytes } },
      warning:
        `config_clamped param=limits.maxBufferBytes original=${limits.maxBufferBytes} new=${limits.maxMessageBytes}: ` +
        'it is never less than limits.maxMessageBytes',
    };
  },
};

const MIN_IDLE_MS = 10_000;

/** An idle timeout is off, or long enough for a person to think. */
const idleTimeoutIsLong = (property: 'wsIdleTimeoutMs' | 'tcpIdleTimeoutMs'): Rule => ({
  reads: [`limits.${property}`],
  check: ({ groups: { limits } }) => {
    const given = limits[property];
    if (given === 0 || given >= MIN_IDLE_MS) return undefined;
    return {
      change: { limits: { [property]: MIN_IDLE_MS } },
      warning: `config_clamped param=limits.${property} original=${given} new=${MIN_IDLE_MS}: it is 0, or at least that`,
    };
  },
});

export const wsIdleTimeoutIsLong = idleTimeoutIsLong('wsIdleTimeoutMs');
export const tcpIdleTimeoutIsLong = idleTimeoutIsLong('tcpIdleTimeoutMs');

/** Client certificates are judged by a CA of our own: any public one would let in whoever has any certificate (S0-28). */
export const clientAuthNeedsCa: Rule = {
  reads: ['tls.clientAuth', 'tls.clientCa'],
  check: ({ groups: { tls }, sourceOf }) => {
    if (tls.clientCa === undefined) {
      if (tls.clientAuth === 'none') return undefined;
      return {
        fault:
          `tls.clientAuth is ${tls.clientAuth}, and no CA is set that client certificates must come from: ` +
          'give --ssl-client-ca (MCP_TLS_CLIENT_CA)',
      };
    }
    if (tls.clientAuth !== 'none') return undefined;
    if (sourceOf('tls.clientAuth') === 'default') {
      return { change: { tls: { clientAuth: 'require' } }, source: sourceOf('tls.clientCa') };
    }
    return { warning: 'config.client_ca_unused tls.clientCa is set and tls.clientAuth is none: no client is asked' };
  },
};

const YEAR_SEC = 31_536_000;

/** Where there is TLS, browsers are told to keep to it, unless somebody said for how long (S2-39). */
export const tlsMeansHsts: Rule = {
  reads: ['tls.enabled', 'http.hstsMaxAgeSec'],
  check: ({ groups: { tls }, sourceOf }) => {
    if (!tls.enabled || sourceOf('http.hstsMaxAgeSec') !== 'default') return undefined;
    return { change: { http: { hstsMaxAgeSec: YEAR_SEC } }, source: sourceOf('tls.enabled') };
  },
};

/** In the order in which they apply: each sees what the ones before changed. */
export const RULES: readonly Rule[] = [
  addressMeansHttp,
  authFollowsReach,
  openBindNeedsConsent,
  algorithmsFollowKeys,
  publicKeysNeedNames,
  bodyOutlastsHeaders,
  auditNeedsFile,
  replicasShareKeys,
  bufferHoldsMessage,
  wsIdleTimeoutIsLong,
  tcpIdleTimeoutIsLong,
  pathMeansTls,
  clientAuthNeedsCa,
  certificateRolesNeedClientCa,
  tlsMeansHsts,
];
