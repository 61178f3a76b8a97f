import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { Authenticator, CredentialWatch, type Credentials, type Principal } from '../../auth/index.js';
import { isGatehouseError, ProtocolError } from '../../common/index.js';
import { errorReply, type Failure, type Reply } from '../../dispatch/index.js';
import { addressKey, RateLimiter } from '../../limits/index.js';
import { encodeResult, isMalformed, isRequest, type RequestMessage } from '../../protocol/index.js';
import type { Inbound } from '../duplex/connection-parts.js';
import type { DuplexConnection } from '../duplex/duplex-connection.js';
import { authenticateRequest, isList } from '../duplex/greeting.js';
import { ENDING, type Ending } from './ending.js';
import { Tickets } from './tickets.js';

/** What came of a message of a client that has yet to prove itself. */
export interface Greeting {
  /** What to answer; undefined where no answer is owed. */
  readonly reply?: Reply | undefined;
  /** Who it is. */
  readonly principal?: Principal | undefined;
  /** Why the connection ends after the answer. */
  readonly ending?: Ending | undefined;
}

const REQUIRED: Failure = { kind: 'auth_required', message: 'Authentication required' };
const FAILED: Failure = { kind: 'auth_failed', message: 'Authentication failed' };
const TOO_OFTEN: Failure = { kind: 'rate_limited', message: 'Rate limit exceeded' };

/** Finds out who stands at a door, by the credentials that its clients can show, and watches that they hold. */
@Injectable()
export class Doorkeeper {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly tickets: Tickets,
    private readonly watch: CredentialWatch,
    private readonly rates: RateLimiter,
    private readonly security: SecurityLog,
  ) {}

  /** Whether callers must prove who they are. */
  get isRequired(): boolean {
    return this.authenticator.isRequired;
  }

  /**
   * @param ticket in place of any other credential
   * @throws ProtocolError auth_required, auth_failed
   */
  async prove(credentials: Credentials, ticket?: string): Promise<Principal> {
    return ticket === undefined ? this.authenticator.authenticate(credentials) : this.redeem(ticket, credentials);
  }

  /** What the authenticator refuses it writes down itself; of tickets it knows nothing. */
  private async redeem(ticket: string, { address: ip, door: transport }: Credentials): Promise<Principal> {
    try {
      return await this.tickets.redeem(ticket);
    } catch (error) {
      if (isGatehouseError(error)) this.security.emit('invalid_auth', { transport, ip, reason: 'ticket' });
      throw error;
    }
  }

  /**
   * Who a client is that has said nothing yet, and may do so by a message.
   * @returns undefined where it has to: there is no certificate, or one that stands for nobody
   */
  async recognise(credentials: Credentials): Promise<Principal | undefined> {
    if (this.isRequired && !(credentials.certificate && this.authenticator.takesCertificates)) return undefined;
    try {
      return await this.authenticator.authenticate(credentials);
    } catch (error) {
      if (isGatehouseError(error)) return undefined;
      throw error;
    }
  }

  /** Ends a connection when its credential does (D-10). @returns what ends the watch */
  whileValid(principal: Principal, end: (ending: Ending) => void): () => void {
    return this.watch.watch(principal, (why) => end(ENDING[why]));
  }

  /**
   * Hears a client that proves itself by a message: that and nothing else counts until it is done, and it can be done
   * again, for a credential that lasts longer (S2-9, W-9).
   */
  async hear(inbound: Inbound, connection: DuplexConnection): Promise<Greeting> {
    // Nobody is known yet by whom it could be counted.
    if (!connection.isProven && !(await this.mayGreet(connection))) {
      return { reply: errorReply(idOf(inbound), TOO_OFTEN), ending: ENDING.tooOften };
    }
    const request = authenticateRequest(inbound);
    if (!request) return { reply: refusalOf(inbound) };
    try {
      return this.welcome(request, connection, await this.proveBy(request, connection));
    } catch (error) {
      if (!isGatehouseError(error)) throw error;
      const isHisFault = error.kind === 'auth_failed' || error.kind === 'auth_required';
      if (!isHisFault) return { reply: errorReply(request.id, error) };
      return { reply: errorReply(request.id, FAILED), ending: ENDING.disproven };
    }
  }

  private async mayGreet({ peer }: DuplexConnection): Promise<boolean> {
    const rate = await this.rates.takeMessage(`greeting ${addressKey(peer.address)}`);
    return rate.isAllowed;
  }

  /** @throws ProtocolError auth_failed */
  private proveBy({ params }: RequestMessage, { door, peer }: DuplexConnection): Promise<Principal> {
    const token = params?.['token'];
    const { address, certificate } = peer;
    if (typeof token !== 'string') {
      this.security.emit('invalid_auth', { transport: door, ip: address, reason: 'missing_credential' });
      throw new ProtocolError('auth_failed', FAILED.message);
    }
    return this.prove({ authorization: `Bearer ${token}`, certificate, address, door });
  }

  private welcome(request: RequestMessage, connection: DuplexConnection, principal: Principal): Greeting {
    // A session belongs to whom it was opened for: the connection cannot become another's.
    if (connection.isProven && !isSame(connection.principal, principal)) {
      return { reply: errorReply(request.id, FAILED), ending: ENDING.disproven };
    }
    if (connection.place?.claim(principal) === false) {
      const failure = { kind: 'connection_limit', message: ENDING.tooMany.reason } as const;
      return { reply: errorReply(request.id, failure), ending: ENDING.tooMany };
    }
    return { reply: { text: encodeResult(request.id, { authenticated: true }) }, principal };
  }
}

/** What anything else is told before. What is no message is refused for that; what is no request is owed nothing. */
function refusalOf(inbound: Inbound): Reply | undefined {
  if (isList(inbound)) return errorReply(null, REQUIRED);
  if (isMalformed(inbound)) return errorReply(inbound.id, inbound.fault);
  return isRequest(inbound) ? errorReply(inbound.id, REQUIRED) : undefined;
}

function idOf(inbound: Inbound): RequestMessage['id'] | null {
  if (isList(inbound)) return null;
  return isMalformed(inbound) || isRequest(inbound) ? inbound.id : null;
}

function isSame(one: Principal, other: Principal): boolean {
  return one.issuer === other.issuer && one.subject === other.subject;
}
