import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { ProtocolError } from '../../common/index.js';
import { Authenticator } from '../authenticator.js';
import type { Principal } from '../principal.js';
import type { Permission } from './access.decorators.js';

/** What each role may do on the REST surface; `*` stands for everything that follows. */
const GRANTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['viewer', ['use:*']],
  ['operator', ['use:*', 'read:*']],
  ['admin', ['use:*', 'read:*', 'manage:*']],
]);

/** What a listener of its own serves without credentials: who can reach its port was decided where it was opened (D-21). */
const OF_MANAGEMENT: ReadonlySet<Permission> = new Set<Permission>(['read:health', 'read:metrics']);

/** Who sends a REST request, and what they may do. */
@Injectable()
export class RouteAccess {
  private readonly callers = new WeakMap<IncomingMessage, Principal>();
  private readonly ofManagement = new WeakSet<IncomingMessage>();

  constructor(private readonly authenticator: Authenticator) {}

  /** Notes that a request came in by the management listener. */
  fromManagement(req: IncomingMessage): void {
    this.ofManagement.add(req);
  }

  isFromManagement(req: IncomingMessage): boolean {
    return this.ofManagement.has(req);
  }

  /**
   * @returns who sends the request, once per request
   * @throws ProtocolError auth_required, auth_failed
   */
  async authenticate(req: IncomingMessage): Promise<Principal> {
    const known = this.callers.get(req);
    if (known) return known;
    const { authorization } = req.headers;
    const principal = await this.authenticator.authenticate({
      authorization,
      address: req.socket.remoteAddress,
      door: 'http',
    });
    this.callers.set(req, principal);
    return principal;
  }

  /** @returns who sent the request, where it was found out */
  callerOf(req: IncomingMessage): Principal | undefined {
    return this.callers.get(req);
  }

  /**
   * For routes that are not public: their guard has found out who calls.
   * @throws ProtocolError auth_required: the route has no guard
   */
  requireCaller(req: IncomingMessage): Principal {
    const caller = this.callers.get(req);
    if (!caller) throw new ProtocolError('auth_required', 'This route knows its callers by their credential alone.');
    return caller;
  }

  /** @throws ProtocolError auth_required, auth_failed, permission_denied */
  async admit(req: IncomingMessage, permission: Permission): Promise<void> {
    if (this.ofManagement.has(req) && OF_MANAGEMENT.has(permission)) return;
    const { roles } = await this.authenticate(req);
    if (roles.some((role) => isGranted(role, permission))) return;
    throw new ProtocolError(
      'permission_denied',
      `This needs the permission ${permission}, which your role does not have: ask an administrator for a key with it.`,
    );
  }

  /**
   * Whether a public route may tell more to this request.
   * @throws ProtocolError auth_failed: a credential that is no good is refused, not overlooked
   */
  async mayAlso(req: IncomingMessage, permission: Permission): Promise<boolean> {
    if (this.authenticator.isRequired && req.headers.authorization === undefined && !this.ofManagement.has(req)) {
      return false;
    }
    try {
      await this.admit(req, permission);
      return true;
    } catch (error) {
      if (error instanceof ProtocolError && error.kind === 'permission_denied') return false;
      throw error;
    }
  }
}

function isGranted(role: string, permission: Permission): boolean {
  return (GRANTS.get(role) ?? []).some((grant) => permission.startsWith(grant.slice(0, -1)));
}
