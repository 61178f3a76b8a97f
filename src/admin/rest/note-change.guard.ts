import type { IncomingMessage } from 'node:http';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { printable } from '../../common/index.js';
import { CHANGE, type Change } from './changes.decorator.js';
import { RestRequests } from './rest-requests.js';

type RoutedRequest = IncomingMessage & { readonly params?: Readonly<Record<string, string>> };

/** Notes what a route is about to change, before anybody is refused: it lets everybody by. */
@Injectable()
export class NoteChange implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly requests: RestRequests,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const change = this.reflector.get<Change | undefined>(CHANGE, context.getHandler());
    if (!change) return true;
    const req = context.switchToHttp().getRequest<RoutedRequest>();
    const [named] = Object.values(req.params ?? {});
    const target = named === undefined ? undefined : `${change.noun}:${printable(named)}`;
    Object.assign(this.requests.of(req), { action: change.action, target });
    return true;
  }
}
