import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { isGatehouseError, ProtocolError } from '../../common/index.js';
import { Authenticator } from '../authenticator.js';
import { IncidentBoard } from '../incidents/incident-board.js';
import type { Principal } from '../principal.js';
import type { Permission } from '../roles/permission.js';
import { Permissions } from '../roles/permissions.js';
import { refusalOfIncident } from '../roles/role-policy.js';
import type { AccessRule } from './access-rule.js';
import { RequestCredentials } from './request-credentials.js';

/** As much of a request as is looked at. */
export interface GuardedRequest extends Pick<IncomingMessage, 'headers' | 'socket'> {
  /** Address of the client, behind trusted proxies: set where the request was let in. */
  address?: string | undefined;
  /** Who calls: set by the guard, where it had to find out. */
  principal?: Principal;
}

/** What a listener of its own serves without credentials: who can reach its port was decided where it was opened (D-21). */
const OF_MANAGEMENT: ReadonlySet<Permission> = new Set<Permission>(['read:health', 'read:metrics']);

/** Who sends a request to a route of REST, and whether what the route declares lets them. */
@Injectable()
export class RouteAccess {
  private readonly ofManagement = new WeakSet<GuardedRequest>();

  constructor(
    private readonly authenticator: Authenticator,
    private readonly permissions: Permissions,
    private readonly incidents: IncidentBoard,
    private readonly credentials: RequestCredentials,
  ) {}

  /** Notes that a request came in by a management listener. */
  fromManagement(request: GuardedRequest): void {
    this.ofManagement.add(request);
  }

  isFromManagement(request: GuardedRequest): boolean {
    return this.ofManagement.has(request);
  }

  /**
   * Lets a request pass, by the rule of its route; who sends it is asked once, and is known also where they are refused.
   * @throws ProtocolError auth_required, auth_failed, permission_denied, insufficient_scope, quarantined
   */
  async admit(request: GuardedRequest, rule: AccessRule): Promise<void> {
    const { isPublic, permission } = rule;
    if (isPublic || (permission && OF_MANAGEMENT.has(permission) && this.isFromManagement(request))) return;
    const principal =
      request.principal ?? (await this.authenticator.authenticate(this.credentials.of(request, 'rest')));
    request.principal = principal;
    this.check(principal, rule);
  }

  /**
   * Whether a public route may tell more to this request.
   * @throws ProtocolError auth_failed: a credential that is no good is refused, not overlooked
   */
  async mayAlso(request: GuardedRequest, permission: Permission): Promise<boolean> {
    const { authorization } = request.headers;
    if (this.authenticator.isRequired && authorization === undefined && !this.isFromManagement(request)) return false;
    try {
      await this.admit(request, { permission });
      return true;
    } catch (error) {
      if (isGatehouseError(error) && REFUSALS.has(error.kind)) return false;
      throw error;
    }
  }

  private check(principal: Principal, { roles, scopes, permission }: AccessRule): void {
    const incident = this.incidents.ofPrincipal(principal);
    if (incident) {
      const { kind, reason, data } = refusalOfIncident(incident);
      throw new ProtocolError(kind, reason, data && { data });
    }
    if (permission && !this.permissions.can(principal, permission)) {
      throw new ProtocolError('permission_denied', `Your role does not have the permission ${permission}.`);
    }
    if (roles && !this.permissions.hasRole(principal, roles)) {
      throw new ProtocolError('permission_denied', `This needs one of the roles ${roles.join(', ')}.`);
    }
    const { scopes: held } = principal;
    if (!held || !scopes || scopes.every((scope) => held.includes(scope))) return;
    throw new ProtocolError('insufficient_scope', `The credential lacks a scope. This needs: ${scopes.join(' ')}.`, {
      data: { requiredScopes: scopes },
    });
  }
}

const REFUSALS: ReadonlySet<string> = new Set(['permission_denied', 'quarantined']);

/**
 * Who calls, of a route that is not public: its guard has found out.
 * @throws ProtocolError auth_required: the route has no guard
 */
export function callerOf({ principal }: GuardedRequest): Principal {
  if (principal) return principal;
  throw new ProtocolError('auth_required', 'This route knows its callers by their credential alone.');
}
