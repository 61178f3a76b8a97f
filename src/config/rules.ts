import { algorithmsFollowKeys, authFollowsReach, openBindNeedsConsent, publicKeysNeedNames } from './auth-rules.js';
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

/** In the order in which they apply: each sees what the ones before changed. */
export const RULES: readonly Rule[] = [
  addressMeansHttp,
  authFollowsReach,
  openBindNeedsConsent,
  algorithmsFollowKeys,
  publicKeysNeedNames,
  bodyOutlastsHeaders,
];
