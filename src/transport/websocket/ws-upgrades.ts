import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { type Credentials, type Principal, RequestCredentials } from '../../auth/index.js';
import { ERROR_CODES, type ErrorKind, type GatehouseError, isGatehouseError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { ConnectionAdmission, isRefusal, type Place } from '../connections/connection-admission.js';
import { Doorkeeper } from '../connections/doorkeeper.js';
import { ENDING, type Ending } from '../connections/ending.js';
import type { ConnectionPeer } from '../duplex/connection-parts.js';
import { httpFamilies } from '../families.js';
import { HttpAdmission } from '../http/http-admission.js';
import { HttpLane } from '../http/http-lane.js';
import { pathOf, WS_PATH } from '../http/paths.js';
import { type OfferedCredentials, offeredCredentials } from './offered-credentials.js';

/** Who got in. */
export interface AdmittedClient {
  readonly place: Place;
  readonly peer: ConnectionPeer;
  /** Undefined where the client has yet to prove itself by its first message. */
  readonly principal: Principal | undefined;
  readonly provedBy: OfferedCredentials['carrier'];
}

/** Who did not, and why. */
export interface UpgradeRefusal {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** How to say it on a WebSocket, where the settings want it said there (K-13). */
  readonly ending?: Ending | undefined;
}

export function isUpgradeRefusal(outcome: AdmittedClient | UpgradeRefusal): outcome is UpgradeRefusal {
  return 'kind' in outcome;
}

const FULL = 'Service Unavailable: Maximum connections reached';

/**
 * Who may open a WebSocket: decided on the upgrade, before there is one (D-17), in the order of every door: Host and
 * Origin, blocks, caps, how often, credentials.
 */
@Injectable()
export class WsUpgrades {
  private readonly paths: ReadonlySet<string>;
  private readonly closesRefused: boolean;
  private readonly takesFirstMessage: boolean;

  constructor(
    config: AppConfig,
    private readonly lane: HttpLane,
    private readonly http: HttpAdmission,
    private readonly admission: ConnectionAdmission,
    private readonly doorkeeper: Doorkeeper,
    private readonly credentials: RequestCredentials,
  ) {
    const isServed = httpFamilies(config).websocket;
    this.paths = new Set(isServed ? [WS_PATH, ...(config.server.wsRootAlias ? ['/'] : [])] : []);
    this.closesRefused = config.http.wsCloseRefused;
    this.takesFirstMessage = config.http.wsFirstMessageAuth;
  }

  /** Whether there is anything to upgrade to at all. */
  get isServed(): boolean {
    return this.paths.size > 0;
  }

  isOurs({ url = '' }: IncomingMessage): boolean {
    return this.paths.has(pathOf(url));
  }

  /** @throws Error a defect, or what the credentials depend on is out of reach */
  async decide(req: IncomingMessage): Promise<AdmittedClient | UpgradeRefusal> {
    const refused = this.lane.closedBy ?? this.http.refusalOf(req);
    if (refused) return refused;
    const peer = this.peerOf(req);
    const place = this.admission.admit('websocket', peer.address);
    if (isRefusal(place)) return this.refusal(place);
    try {
      const offered = offeredCredentials(req);
      const principal = await this.principalOf(offered, peer);
      const isLate = this.lane.closedBy;
      if (!isLate && (!principal || place.claim(principal))) {
        return { place, principal, peer, provedBy: offered.carrier };
      }
      place.release();
      return isLate ?? this.refusal({ kind: 'connection_limit' });
    } catch (error) {
      place.release();
      if (!isGatehouseError(error)) throw error;
      return refusalOf(error);
    }
  }

  private peerOf(req: IncomingMessage): ConnectionPeer {
    const { address, certificate } = this.credentials.of(req, 'websocket');
    return { address, certificate, port: req.socket.remotePort, userAgent: req.headers['user-agent'] };
  }

  /** @throws ProtocolError auth_required, auth_failed */
  private async principalOf(
    { authorization, ticket }: OfferedCredentials,
    { address, certificate }: ConnectionPeer,
  ): Promise<Principal | undefined> {
    const isSilent = authorization === undefined && ticket === undefined;
    const mayGreet = isSilent && this.takesFirstMessage && this.doorkeeper.isRequired;
    const credentials: Credentials = { authorization, certificate, address, door: 'websocket' };
    return mayGreet ? this.doorkeeper.recognise(credentials) : this.doorkeeper.prove(credentials, ticket);
  }

  private refusal(why: {
    readonly kind: keyof typeof REFUSED;
    readonly retryAfterMs?: number | undefined;
  }): UpgradeRefusal {
    const { message, ending } = REFUSED[why.kind];
    return { ...why, message, ending: this.closesRefused ? ending : undefined };
  }
}

const REFUSED = {
  blocked: { message: 'Forbidden: this address is blocked for a while', ending: undefined },
  connection_limit: { message: FULL, ending: ENDING.tooMany },
  rate_limited: { message: 'Rate limit exceeded', ending: ENDING.tooOften },
  shutting_down: { message: 'The server is ending: try again', ending: undefined },
} as const;

/** What a credential is refused with: callers are not told why. */
function refusalOf({ kind, message }: GatehouseError): UpgradeRefusal {
  return ERROR_CODES[kind].http === 401 ? { kind, message: `Unauthorized: ${message}` } : { kind, message };
}
