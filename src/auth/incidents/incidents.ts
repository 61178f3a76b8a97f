import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { Clock, isJsonObject, printable, ProtocolError } from '../../common/index.js';
import { Bus, DurableStore, SharedRecords } from '../../store/index.js';
import { CredentialWatch } from '../credential-watch.js';
import { type Incident, incidentId, type IncidentScope, subjectKey } from './incident.js';
import { IncidentBoard } from './incident-board.js';

const SWEEP_MS = 1_000;
const DEFAULT_MS = 3_600_000;
/** What lasts longer is no incident but a rule: it belongs into the roles file. */
const MAX_MS = 30 * 24 * 3_600_000;
const MAX_REASON_CHARS = 500;
const MAX_INCIDENTS = 1_000;

/** What an operator asks for. */
export interface IncidentOrder {
  readonly scope: IncidentScope;
  /** Why, 1 to 500 characters: people read it in logs, in lists and in refusals. */
  readonly reason: string;
  /** Who asks: `issuer/subject`. */
  readonly by: string;
  /** When it goes back by itself, ms since the epoch: an hour from now when left out, 30 days at most. */
  readonly until?: number | undefined;
}

/** What happened, for those who have to act on it. */
export interface IncidentChange {
  readonly incident: Incident;
  readonly change: 'started' | 'ended';
}

/**
 * The incident switch: read-only mode, and quarantine of a principal or of a tool. It holds at once in this process,
 * within 5 s at most at every other (D-10), outlasts a restart, and goes back by itself, within a second. One timer for
 * all.
 */
@Injectable()
export class Incidents implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Incidents.name);
  private readonly active = new Map<string, Incident>();
  private readonly listeners = new Set<(change: IncidentChange) => void>();
  private readonly records: SharedRecords<Incident>;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly board: IncidentBoard,
    store: DurableStore,
    private readonly security: SecurityLog,
    private readonly credentials: CredentialWatch,
    private readonly clock: Clock,
    bus: Bus,
  ) {
    const read = (value: unknown): Incident | undefined => (isIncident(value) ? value : undefined);
    const adopt = (records: ReadonlyMap<string, Incident>): void => this.adopt(records);
    this.records = new SharedRecords({ store, bus, clock, namespace: 'incidents', read, adopt });
  }

  /** Takes up what was on when the server ended. */
  async onModuleInit(): Promise<void> {
    await this.records.open();
    for (const { id, until } of this.active.values()) {
      this.logger.warn(`Incident ${printable(id)} is still on, until ${new Date(until).toISOString()}`);
    }
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.records.close();
  }

  /** What is on, the oldest first. */
  list(): readonly Incident[] {
    return [...this.active.values()];
  }

  /**
   * Throws the switch; where it is thrown already, with the new reason and the new end. It holds at once, and outlasts
   * the process when the promise resolves.
   * @throws ProtocolError invalid_params: no reason, or an end that is past or too far off; server_busy: too many are on
   * @throws ProtocolError store_unavailable: it holds, and may not outlast the process
   */
  async start(order: IncidentOrder): Promise<Incident> {
    const incident = this.incidentOf(order);
    const { id, by, reason, until } = incident;
    this.active.set(id, incident);
    this.board.set(this.active.values());
    this.security.emit('incident_started', { incident: id, principal: by, reason, until });
    this.cutOff(incident);
    this.tell({ incident, change: 'started' });
    await this.durably(this.records.insist(id, incident, until));
    return incident;
  }

  /**
   * Puts the switch back.
   * @param id as the list has it
   * @returns false where none of this name is on
   * @throws ProtocolError store_unavailable: it is still on
   */
  async end(id: string, by: string): Promise<boolean> {
    const incident = this.active.get(id);
    if (!incident) return false;
    // First where it lasts: a switch that is back here and comes on again after a restart would surprise.
    await this.durably(this.records.delete(id));
    if (this.active.get(id) === incident) this.over(incident, by, 'ended');
    return true;
  }

  /** Calls back after each change, which holds by then. @returns what ends that */
  onChange(listener: (change: IncidentChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Puts back what has lasted long enough. Its record in the store ends by itself. */
  sweep(): void {
    this.records.sweep();
    if (!this.board.isActive) return;
    const now = this.clock.now();
    for (const incident of [...this.active.values()]) {
      if (incident.until <= now) this.over(incident, incident.by, 'expired');
    }
  }

  /** Does what was asked here or elsewhere. It is written down where it was asked. */
  private adopt(records: ReadonlyMap<string, Incident>): void {
    const now = this.clock.now();
    const changes: IncidentChange[] = [];
    for (const incident of records.values()) {
      const { id, since, until } = incident;
      const known = this.active.get(id);
      if (until <= now || (known?.since === since && known.until === until)) continue;
      this.active.set(id, incident);
      changes.push({ incident, change: 'started' });
    }
    for (const incident of [...this.active.values()]) {
      if (records.has(incident.id)) continue;
      this.active.delete(incident.id);
      changes.push({ incident, change: 'ended' });
    }
    if (changes.length === 0) return;
    this.board.set(this.active.values());
    for (const change of changes) {
      if (change.change === 'started') this.cutOff(change.incident);
      this.tell(change);
    }
  }

  private over(incident: Incident, by: string, why: 'ended' | 'expired'): void {
    this.active.delete(incident.id);
    this.board.set(this.active.values());
    this.security.emit('incident_ended', { incident: incident.id, principal: by, reason: why });
    this.tell({ incident, change: 'ended' });
  }

  private incidentOf({ scope, reason, by, until }: IncidentOrder): Incident {
    const since = this.clock.now();
    const end = until ?? since + DEFAULT_MS;
    const id = incidentId(scope);
    if (reason.trim() === '' || reason.length > MAX_REASON_CHARS) {
      throw new ProtocolError('invalid_params', `An incident needs a reason of 1 to ${MAX_REASON_CHARS} characters`);
    }
    if (!(end > since && end <= since + MAX_MS)) {
      throw new ProtocolError('invalid_params', 'An incident ends in the future, and within 30 days');
    }
    if (this.active.size >= MAX_INCIDENTS && !this.active.has(id)) {
      throw new ProtocolError('server_busy', `${MAX_INCIDENTS} incidents are on: end one, or use the roles file`);
    }
    return { id, scope, reason, by, since, until: end };
  }

  /** What a principal has open ends at once: what they opened is theirs no more. */
  private cutOff({ scope }: Incident): void {
    if (scope.kind !== 'principal') return;
    const key = subjectKey(scope);
    this.credentials.revoke((principal) => subjectKey(principal) === key);
  }

  private tell(change: IncidentChange): void {
    for (const listener of this.listeners) {
      try {
        listener(change);
      } catch (error) {
        this.logger.error('An incident was not acted on', error instanceof Error ? error.stack : String(error));
      }
    }
  }

  private async durably(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (cause) {
      throw new ProtocolError('store_unavailable', 'The change could not be made to outlast the server: try again', {
        cause,
      });
    }
  }
}

/** Records are this program's own, but perhaps of an older version of it. */
function isIncident(value: unknown): value is Incident {
  return (
    isJsonObject(value) &&
    isJsonObject(value['scope']) &&
    typeof value['id'] === 'string' &&
    typeof value['by'] === 'string' &&
    typeof value['reason'] === 'string' &&
    typeof value['until'] === 'number'
  );
}
