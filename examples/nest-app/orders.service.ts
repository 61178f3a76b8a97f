import { Injectable } from '@nestjs/common';

export interface Order {
  readonly id: number;
  readonly item: string;
  status: 'open' | 'cancelled';
}

/** What the application does; controllers and tools share it. */
@Injectable()
export class OrdersService {
  private readonly orders: Order[] = [
    { id: 1, item: 'keyboard', status: 'open' },
    { id: 2, item: 'monitor', status: 'open' },
  ];

  all(): readonly Order[] {
    return this.orders;
  }

  find(id: number): Order | undefined {
    return this.orders.find((order) => order.id === id);
  }
}
