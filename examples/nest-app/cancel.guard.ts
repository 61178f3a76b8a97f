import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import { OrdersService } from './orders.service.js';

/** A guard of one tool: its arguments are those of the method, and its message is shown to the caller. */
@Injectable()
export class CancelGuard implements CanActivate {
  constructor(private readonly orders: OrdersService) {}

  canActivate(context: ExecutionContext): boolean {
    const { id } = context.getArgByIndex<{ id: number }>(0);
    if (this.orders.find(id)?.status === 'cancelled') throw new ForbiddenException(`Order ${id} is cancelled already.`);
    return true;
  }
}
