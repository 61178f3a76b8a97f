import {
  type AdminEntry,
  type AuditEntry,
  AuditLog,
  type SecurityDetails,
  type SecurityEvent,
  SecurityLog,
} from '../../src/audit/index.js';
import { Policy, type Principal } from '../../src/auth/index.js';
import { IncidentBoard } from '../../src/auth/incidents/incident-board.js';
import { LiveRoles } from '../../src/auth/roles/live-roles.js';
import { RolePolicy } from '../../src/auth/roles/role-policy.js';
import { ProtocolError } from '../../src/common/index.js';
import { AppConfig, type ConfigOverrides } from '../../src/config/index.js';
import { MemoryAddressBlocks } from '../../src/limits/address-blocks.js';
import { BreakerWatch, RateRules, RateViolations } from '../../src/limits/index.js';
import { MemoryRateLimiter } from '../../src/limits/rate-limiter.js';
import { type CallFigures, type CallStatus } from '../../src/metrics/index.js';
import { MemoryMetricsRecorder } from '../../src/metrics/metrics-recorder.js';
import { LocalBus } from '../../src/store/bus.js';
import type { Bus, DurableStore } from '../../src/store/index.js';
import { MemoryDurableStore } from '../../src/store/memory/memory-durable-store.js';
import { Replica } from '../../src/store/replica.js';
import { Replicas } from '../../src/store/replicas.js';
import { EmbeddedStoreHealth, type StoreHealth } from '../../src/store/store-health.js';
import { CallGate } from '../../src/tools/call-gate.js';
import { type CallOrigin, CallScope } from '../../src/tools/call-scope.js';
import type { ClientPort } from '../../src/tools/client-port.js';
import { KeyedCalls } from '../../src/tools/idempotency/keyed-calls.js';
import { KeyedRecords } from '../../src/tools/idempotency/keyed-records.js';
import { Deadlines } from '../../src/tools/deadlines.js';
import { FeatureRunner } from '../../src/tools/feature-runner.js';
import type { ToolSourceEntry } from '../../src/tools/tool-definition.js';
import { ToolExecutor } from '../../src/tools/tool-executor.js';
import { ToolRegistry } from '../../src/tools/tool-registry.js';
import type { ToolResult } from '../../src/tools/tool-result.js';
import { FakeClock } from './fake-clock.js';

/** Keeps what would be written down. */
export class RecordingAuditLog extends AuditLog {
  readonly entries: AuditEntry[] = [];

  readonly admin: AdminEntry[] = [];
  available = true;
  starts = false;

  override record(entry: AuditEntry): void {
    this.entries.push(entry);
  }

  override recordAdmin(entry: AdminEntry): void {
    this.admin.push(entry);
  }

  override get isToldOfStarts(): boolean {
    return this.starts;
  }

  override get isAvailable(): boolean {
    return this.available;
  }
}

/** Keeps what operators would see. */
export class RecordingSecurityLog extends SecurityLog {
  readonly events: { readonly event: SecurityEvent; readonly details: SecurityDetails }[] = [];

  override emit(event: SecurityEvent, details: SecurityDetails): void {
    this.events.push({ event, details });
  }

  get names(): SecurityEvent[] {
    return this.events.map(({ event }) => event);
  }
}

/** Keeps what a call tells its caller. */
export class RecordingClient implements ClientPort {
  readonly sent: unknown[][] = [];
  readonly isRetry = false;
  suspension: ClientPort['suspension'];

  constructor(readonly wantsProgress = true) {}

  notify(...args: unknown[]): void {
    this.sent.push(['notify', ...args]);
  }

  supports(): boolean {
    return false;
  }

  ask(): Promise<never> {
    return Promise.reject(new ProtocolError('missing_capability', 'This client answers nothing'));
  }

  async once<T>(_key: string, work: () => T | Promise<T>): Promise<T> {
    return work();
  }

  async becomeTask(): Promise<void> {
    this.sent.push(['becomeTask']);
  }

  closeStream(): void {
    this.sent.push(['closeStream']);
  }

  progress(...args: unknown[]): void {
    this.sent.push(['progress', ...args]);
  }

  log(...args: unknown[]): void {
    this.sent.push(['log', ...args]);
  }
}

export function principalOf(...roles: string[]): Principal {
  return { issuer: 'https://idp', subject: 'ada', roles, isAuthenticated: true };
}

/** The policy of the built-in roles, where no incident is on. */
export function builtInPolicy(): RolePolicy {
  return new RolePolicy(new LiveRoles(), new IncidentBoard());
}

export const OPERATOR = principalOf('operator');

export function callScope(origin: Partial<CallOrigin> = {}): CallScope {
  return new CallScope({
    requestId: 'req-1',
    principal: OPERATOR,
    callerKey: 'ada',
    door: 'stdio',
    client: new RecordingClient(),
    ...origin,
  });
}

/** What replicas have in common. */
export interface SharedState {
  readonly store: DurableStore;
  readonly bus: Bus;
  readonly health: StoreHealth;
  readonly replica: Replica;
}

/** Everything that a call goes through, without Nest and without time. */
export class ToolWorld {
  readonly clock = new FakeClock();
  readonly audit = new RecordingAuditLog();
  readonly security = new RecordingSecurityLog();
  readonly metrics = new MemoryMetricsRecorder();
  readonly rateRules = new RateRules();
  readonly breakers = new BreakerWatch(this.clock);
  readonly deadlines = new Deadlines(this.clock);
  readonly config: AppConfig;
  readonly rates: MemoryRateLimiter;
  readonly gate: CallGate;
  readonly registry: ToolRegistry;
  readonly executor: ToolExecutor;
  readonly runner: FeatureRunner;
  keyedRecords!: KeyedRecords;

  constructor(settings: ConfigOverrides = {}, policy: Policy = builtInPolicy(), shared: Partial<SharedState> = {}) {
    this.config = AppConfig.of(settings);
    this.rateRules.use(policy);
    const violations = new RateViolations(this.config, new MemoryAddressBlocks(this.clock));
    this.rates = new MemoryRateLimiter(this.config, this.clock, this.rateRules, violations);
    this.gate = new CallGate(policy, this.rates, this.audit, this.security, this.metrics, this.clock);
    this.registry = new ToolRegistry(this.config, this.gate, this.breakers);
    this.executor = new ToolExecutor(
      this.registry,
      this.gate,
      this.deadlines,
      this.config,
      this.clock,
      this.keyedCalls(shared),
    );
    this.runner = new FeatureRunner(this.gate, this.deadlines, this.config, this.clock);
  }

  private keyedCalls({
    store = new MemoryDurableStore(this.clock),
    bus = new LocalBus(),
    health = new EmbeddedStoreHealth(),
    replica = new Replica(),
  }: Partial<SharedState>): KeyedCalls {
    const replicas = new Replicas(replica, store, health, this.clock);
    this.keyedRecords = new KeyedRecords(store, bus, replica);
    return new KeyedCalls(this.keyedRecords, replicas, this.config, this.clock);
  }

  /** Adds a tool, which takes anything unless its options say otherwise. */
  add(options: Partial<ToolSourceEntry['options']>, run: ToolSourceEntry['run']): this {
    const entry = { options: { name: 'tool', input: { type: 'object' }, ...options }, origin: 'Spec.tool', run };
    const faults = this.registry.add(entry);
    if (faults.length > 0) throw new Error(faults.join('; '));
    return this;
  }

  call(args: unknown = {}, scope: CallScope = callScope(), name = 'tool'): Promise<ToolResult> {
    return this.executor.execute(name, args, scope);
  }

  /** Lets time go on, and ends what is over. */
  pass(ms: number): void {
    this.clock.advance(ms);
    this.deadlines.sweep();
  }

  figures(label = 'tool:tool'): CallFigures {
    const figures = this.metrics.calls().get(label);
    if (!figures) throw new Error(`Nothing is known of ${label}`);
    return figures;
  }

  /** How the calls so far ended, for metrics: only what is not zero. */
  outcomes(label = 'tool:tool'): Partial<Record<CallStatus, number>> {
    return Object.fromEntries(Object.entries(this.figures(label).byStatus).filter(([, count]) => count > 0));
  }
}
