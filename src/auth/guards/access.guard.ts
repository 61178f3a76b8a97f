import { type CanActivate, type ExecutionContext, Injectable, Logger } from '@nestjs/common';
import { ProtocolError } from '../../common/index.js';
import { accessRuleOf } from './access-rule.js';
import { type GuardedRequest, RouteAccess } from './route-access.js';

/**
 * Lets a request to a REST route pass, by the rule that the route declares. A route without a rule is shut: whoever
 * forgets it finds out at once, and nobody else does.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly logger = new Logger(AccessGuard.name);

  constructor(private readonly access: RouteAccess) {}

  /** @throws ProtocolError auth_required, auth_failed, permission_denied, insufficient_scope, quarantined */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return false;
    const rule = accessRuleOf(context.getHandler(), context.getClass());
    if (!rule) {
      this.logger.error(`${context.getClass().name}.${context.getHandler().name} declares no rule: it is shut`);
      throw new ProtocolError('permission_denied', 'This route is shut: it declares no rule.');
    }
    await this.access.admit(context.switchToHttp().getRequest<GuardedRequest>(), rule);
    return true;
  }
}
