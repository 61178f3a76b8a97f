import { Injectable, UseGuards } from '@nestjs/common';
import { IsInt, Min } from 'class-validator';
import { Describe, Tool, ToolError } from 'mcp-gatehouse';
import { CancelGuard } from './cancel.guard.js';
import { type Order, OrdersService } from './orders.service.js';

export class OrderId {
  @IsInt()
  @Min(1)
  @Describe('Number of the order')
  id!: number;
}

/** Tools of the application: a provider like any other, with its services injected. */
@Injectable()
export class OrdersTools {
  constructor(private readonly orders: OrdersService) {}

  @Tool({ name: 'list_orders', description: 'List the orders', readOnly: true })
  list(): { orders: readonly Order[] } {
    return { orders: this.orders.all() };
  }

  @Tool({ name: 'cancel_order', description: 'Cancel an order', destructive: true })
  @UseGuards(CancelGuard)
  cancel({ id }: OrderId): string {
    const order = this.orders.find(id);
    if (!order) throw new ToolError(`There is no order ${id}. list_orders tells which there are.`);
    order.status = 'cancelled';
    return `Order ${id} (${order.item}) is cancelled.`;
  }
}
