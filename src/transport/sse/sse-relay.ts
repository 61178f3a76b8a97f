import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock, ProtocolError } from '../../common/index.js';
import { decode } from '../../protocol/index.js';
import { Bus, Replicas, StoreHealth } from '../../store/index.js';
import { SseStreams, type StreamOwner } from './sse-streams.js';

/** How long to wait for the replica that has the stream. */
const ANSWER_MS = 5_000;
const SWEEP_MS = 1_000;

/** What became of a message. */
export type Delivery = 'queued' | 'full' | 'unknown';

/** A message on its way to the replica that has its stream. */
interface Forwarded {
  readonly id: string;
  readonly owner: StreamOwner;
  readonly text: string;
  readonly from: string;
  readonly number: number;
}

interface Delivered {
  readonly number: number;
  readonly delivery: Delivery;
}

interface Waiting {
  readonly until: number;
  readonly resolve: (delivery: Delivery) => void;
  readonly reject: (error: Error) => void;
}

/** Takes the POSTs of legacy HTTP+SSE to the replica that has their stream, which the id of the stream names. */
@Injectable()
export class SseRelay implements OnModuleInit, OnApplicationShutdown {
  private readonly waiting = new Map<number, Waiting>();
  private timer: NodeJS.Timeout | undefined;
  private sent = 0;

  constructor(
    private readonly streams: SseStreams,
    private readonly bus: Bus,
    private readonly replicas: Replicas,
    private readonly health: StoreHealth,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    if (!this.replicas.areMany) return;
    const { ownId: id } = this.replicas;
    this.bus.subscribe(messagesTo(id), (message) => this.deliver(JSON.parse(message) as Forwarded));
    this.bus.subscribe(answersTo(id), (message) => this.answered(JSON.parse(message) as Delivered));
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Whether a stream is at another replica, if it is anywhere. */
  isElsewhere(id: string): boolean {
    const replica = this.streams.replicaOf(id);
    return this.replicas.areMany && replica !== undefined && replica !== this.replicas.ownId;
  }

  /**
   * @param text one message that decodes, as it was posted
   * @throws ProtocolError store_unavailable: the other replica could not be asked, or did not answer in time
   */
  async post(id: string, owner: StreamOwner, text: string): Promise<Delivery> {
    if (this.health.state === 'down') throw new ProtocolError('store_unavailable', UNREACHED);
    const to = this.streams.replicaOf(id);
    if (to === undefined || !(await this.replicas.isAlive(to))) return 'unknown';
    this.sent += 1;
    const [number, from] = [this.sent, this.replicas.ownId];
    const { issuer, subject } = owner;
    const forwarded: Forwarded = { id, owner: { issuer, subject }, text, from, number };
    return new Promise<Delivery>((resolve, reject) => {
      this.waiting.set(number, { until: this.clock.monotonic() + ANSWER_MS, resolve, reject });
      this.bus.publish(messagesTo(to), JSON.stringify(forwarded));
    });
  }

  sweep(): void {
    const now = this.clock.monotonic();
    for (const [number, waiting] of this.waiting) {
      if (waiting.until > now) continue;
      this.waiting.delete(number);
      waiting.reject(new ProtocolError('store_unavailable', UNREACHED));
    }
  }

  private deliver({ id, owner, text, from, number }: Forwarded): void {
    const delivered: Delivered = { number, delivery: this.streams.take(id, owner, () => decode(text)) };
    this.bus.publish(answersTo(from), JSON.stringify(delivered));
  }

  private answered({ number, delivery }: Delivered): void {
    this.waiting.get(number)?.resolve(delivery);
    this.waiting.delete(number);
  }
}

const UNREACHED = 'The replica that has your stream did not answer: whether it took the message is not known';

function messagesTo(replica: string): string {
  return `sse:${replica}`;
}

function answersTo(replica: string): string {
  return `sse-answers:${replica}`;
}
