import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ProtocolError } from '../../common/index.js';
import { type Permission, PUBLIC_ROUTE, ROUTE_PERMISSION } from './access.decorators.js';
import { RouteAccess } from './route-access.js';

/** Holds every route to what it declares; one that declares nothing is closed to everyone. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly access: RouteAccess,
  ) {}

  /** @throws ProtocolError auth_required, auth_failed, permission_denied */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (context.getType() !== 'http') return false;
    const places = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC_ROUTE, places)) return true;
    const permission = this.reflector.getAllAndOverride<Permission | undefined>(ROUTE_PERMISSION, places);
    if (permission === undefined) {
      throw new ProtocolError('permission_denied', 'This route declares nobody who may use it: it is closed.');
    }
    await this.access.admit(context.switchToHttp().getRequest<IncomingMessage>(), permission);
    return true;
  }
}
