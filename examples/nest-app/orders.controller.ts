import { Controller, Get } from '@nestjs/common';
import { type Order, OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Get()
  list(): readonly Order[] {
    return this.orders.all();
  }
}
