import { Injectable } from '@nestjs/common';
import { Instruments } from '../metrics/index.js';
import { Connections } from './connections/connections.js';
import { Doors } from './door.js';

/** Figures of connections that somebody knows already: read when they are wanted. */
@Injectable()
export class DoorGauges {
  constructor(instruments: Instruments, doors: Doors, connections: Connections) {
    const active = { name: 'mcp_connections_active', help: 'Connections that are open.', labels: ['door'] };
    instruments.gauge(active, () =>
      doors.all.map(({ name: door, connectionCount }) => ({ labels: { door }, value: connectionCount })),
    );
    const dead = {
      name: 'mcp_connections_dead_total',
      help: 'Connections that were dropped as their clients answered no ping any more.',
    };
    instruments.total(dead, () => [{ labels: {}, value: connections.deadCount }]);
  }
}
