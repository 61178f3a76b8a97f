import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable, Logger } from '@nestjs/common';
import { ProtocolError } from '../../common/index.js';
import { Authenticator } from '../authenticator.js';
import { IncidentBoard } from '../incidents/incident-board.js';
import type { Principal } from '../principal.js';
import { Permissions } from '../roles/permissions.js';
import { refusalOfIncident } from '../roles/role-policy.js';
import { type AccessRule, accessRuleOf } from './access-rule.js';
import { RequestCredentials } from './request-credentials.js';

/** As much of a request as the guard looks at. */
export interface GuardedRequest extends Pick<IncomingMessage, 'headers' | 'socket'> {
  /** Who calls: set by the guard. */
  principal?: Principal;
}

/**
 * Lets a request to a REST route of ours pass, by the rule that the route declares. A route without a rule is shut:
 * whoever forgets it finds out at once, and nobody else does.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly logger = new Logger(AccessGuard.name);

  constructor(
    private readonly authenticator: Authenticator,
    private readonly permissions: Permissions,
    private readonly incidents: IncidentBoard,
    private readonly credentials: RequestCredentials,
  ) {}

  /** @throws ProtocolError auth_required, auth_failed, blocked, permission_denied, insufficient_scope, quarantined */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const rule = accessRuleOf(context.getHandler(), context.getClass());
    if (!rule) {
      this.logger.error(`${context.getClass().name}.${context.getHandler().name} declares no rule: it is shut`);
      throw new ProtocolError('permission_denied', 'This route is shut: it declares no rule.');
    }
    if (rule.isPublic) return true;
    const request = context.switchToHttp().getRequest<GuardedRequest>();
    const principal = await this.authenticator.authenticate(this.credentials.of(request, 'rest'));
    this.check(principal, rule);
    request.principal = principal;
    return true;
  }

  private check(principal: Principal, { roles, scopes, permission }: AccessRule): void {
    const incident = this.incidents.ofPrincipal(principal);
    if (incident) {
      const { kind, reason } = refusalOfIncident(incident);
      throw new ProtocolError(kind, reason);
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
