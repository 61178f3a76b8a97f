import { Injectable } from '@nestjs/common';
import type { ErrorKind } from '../common/index.js';
import { type CallFigures, type CallMeter, PlainCallMeter } from './call-figures.js';
import { addCallFamilies } from './call-families.js';
import { Count, type CounterFamily, Instruments } from './instruments.js';

/** Doors by which metrics tell connections, messages and events apart. */
export const METRIC_DOORS = ['stdio', 'http', 'sse', 'websocket', 'tcp'] as const;

export type MetricDoor = (typeof METRIC_DOORS)[number];

/** Where figures go. What is counted often has a handle, to be bound once. */
export abstract class MetricsRecorder {
  /** @param kind what is called, a bounded set of values @param name its name, bounded by the catalogue */
  abstract meter(kind: 'tool' | 'resource' | 'prompt', name: string): CallMeter;

  /** All figures, by `kind:name`. */
  abstract calls(): ReadonlyMap<string, CallFigures>;

  /** Messages that came in by a door. */
  abstract messages(door: MetricDoor): Count;

  /** Connections that were opened at a door. */
  abstract connections(door: MetricDoor): Count;

  /** Notes a refusal that no meter was told of. */
  abstract refused(kind: ErrorKind): void;

  /** @param event one of the names of security events @param transport a door; anything else counts as none */
  abstract securityEvent(event: string, transport: unknown): void;
}

/** Counts in this process, in plain numbers: whoever shows them reads them when they are asked for. */
@Injectable()
export class MemoryMetricsRecorder extends MetricsRecorder {
  private readonly meters = new Map<string, PlainCallMeter>();
  private readonly received: CounterFamily;
  private readonly events: CounterFamily;
  private readonly refusals = new Map<ErrorKind, number>();
  private readonly opened: CounterFamily;

  constructor(instruments: Instruments = new Instruments()) {
    super();
    addCallFamilies(instruments, this.meters);
    this.received = instruments.counter({
      name: 'mcp_messages_total',
      help: 'JSON-RPC messages that came in.',
      labels: ['door'],
    });
    this.opened = instruments.counter({
      name: 'mcp_connections_total',
      help: 'Connections that were opened.',
      labels: ['door'],
    });
    this.events = instruments.counter({
      name: 'mcp_security_events_total',
      help: 'Security events, as they stand in the log.',
      labels: ['event', 'transport'],
    });
    instruments.total(
      { name: 'mcp_refusals_total', help: 'Calls and messages that were refused, by kind.', labels: ['kind'] },
      () => [...this.allRefusals()].map(([kind, value]) => ({ labels: { kind }, value })),
    );
  }

  override meter(kind: 'tool' | 'resource' | 'prompt', name: string): CallMeter {
    const key = `${kind}:${name}`;
    let meter = this.meters.get(key);
    if (!meter) {
      meter = new PlainCallMeter();
      this.meters.set(key, meter);
    }
    return meter;
  }

  override calls(): ReadonlyMap<string, CallFigures> {
    return this.meters;
  }

  override messages(door: MetricDoor): Count {
    return this.received.with(door);
  }

  override connections(door: MetricDoor): Count {
    return this.opened.with(door);
  }

  override refused(kind: ErrorKind): void {
    this.refusals.set(kind, (this.refusals.get(kind) ?? 0) + 1);
  }

  override securityEvent(event: string, transport: unknown): void {
    const door = METRIC_DOORS.find((name) => name === transport) ?? 'none';
    this.events.with(event, door).add();
  }

  private allRefusals(): ReadonlyMap<ErrorKind, number> {
    const all = new Map(this.refusals);
    for (const { byKind } of this.meters.values()) {
      for (const [kind, { status, count }] of byKind) {
        if (status === 'refused') all.set(kind, (all.get(kind) ?? 0) + count);
      }
    }
    return all;
  }
}
