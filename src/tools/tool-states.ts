import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { Clock, isJsonObject, printable, ProtocolError } from '../common/index.js';
import { Bus, DurableStore, SharedRecords } from '../store/index.js';
import type { RegisteredTool } from './tool-definition.js';
import { ToolRegistry, unknownTool } from './tool-registry.js';

const SWEEP_MS = 1_000;
const MAX_REASON_CHARS = 500;
/** Who stands in events for a tool's own code. */
const AUTHOR = 'plug-in';

/** What an operator says about a tool. */
export interface ToolOrder {
  /** Who says it: `issuer/subject`. */
  readonly by: string;
  /** Why, up to 500 characters; people read it in lists and logs. */
  readonly reason?: string | undefined;
  /** Until when it holds, ms since the epoch; until something else is said when left out. */
  readonly until?: number | undefined;
}

/** An order as it is kept. */
interface KeptOrder extends ToolOrder {
  readonly isEnabled: boolean;
  /** ms since the epoch. */
  readonly since: number;
}

/** Whether a tool is switched on, and by whose word. */
export interface ToolState {
  readonly name: string;
  readonly isEnabled: boolean;
  /** An operator's word stands over that of the tool's own code, and that over the settings. */
  readonly decidedBy: 'operator' | 'author' | 'settings';
  readonly order?: Omit<KeptOrder, 'isEnabled'>;
}

/**
 * Which tools are switched on. What an operator says holds at once, at every replica within 5 s at most (D-10), and
 * outlasts a restart; with an end, it goes back by itself, within a second. One timer for all.
 */
@Injectable()
export class ToolStates implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(ToolStates.name);
  private readonly orders = new Map<string, KeptOrder>();
  /** What the code of tools says of them: gone with the process, which asks it again. */
  private readonly authors = new Map<string, boolean>();
  private readonly records: SharedRecords<KeptOrder>;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly registry: ToolRegistry,
    store: DurableStore,
    private readonly security: SecurityLog,
    private readonly clock: Clock,
    bus: Bus,
  ) {
    const read = (value: unknown): KeptOrder | undefined => (isKept(value) ? value : undefined);
    const adopt = (records: ReadonlyMap<string, KeptOrder>): void => this.adopt(records);
    this.records = new SharedRecords({ store, bus, clock, namespace: 'tool-states', read, adopt });
  }

  /** Takes up what was said before, now that every tool is there. */
  async onApplicationBootstrap(): Promise<void> {
    await this.records.open();
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.records.close();
  }

  /**
   * Switches a tool on, for every caller, at once and over restarts.
   * @throws ProtocolError unknown_tool, invalid_params; permission_denied: a setting of its own must offer it (W-2)
   * @throws ProtocolError store_unavailable: nothing has changed
   */
  async enable(name: string, order: ToolOrder): Promise<ToolState> {
    const kept = this.orderOf(name, order, true);
    if (this.registry.offeredBySetting(name) === false) {
      throw new ProtocolError(
        'permission_denied',
        `Tool ${name} needs a setting of its own before it can be switched on`,
      );
    }
    // What is not sure to last is not switched on: fail closed.
    await this.lasting(this.records.put(name, kept, kept.until));
    this.orders.set(name, kept);
    this.change(name, order.by, order.reason);
    return this.stateOf(name);
  }

  /**
   * Switches a tool off, for every caller, at once and over restarts. Calls that run go on.
   * @throws ProtocolError unknown_tool, invalid_params
   * @throws ProtocolError store_unavailable: it is off, and may not be so after a restart
   */
  async disable(name: string, order: ToolOrder): Promise<ToolState> {
    const kept = this.orderOf(name, order, false);
    this.orders.set(name, kept);
    this.change(name, order.by, order.reason);
    await this.lasting(this.records.insist(name, kept, kept.until));
    return this.stateOf(name);
  }

  /** What the code of a tool says of it. @throws ProtocolError unknown_tool */
  setByAuthor(name: string, isEnabled: boolean): void {
    this.toolOf(name);
    this.authors.set(name, isEnabled);
    this.change(name, AUTHOR, undefined);
  }

  /** @throws ProtocolError unknown_tool */
  stateOf(name: string): ToolState {
    const { isEnabled } = this.toolOf(name);
    const order = this.orders.get(name);
    if (order) {
      const { isEnabled: _said, ...kept } = order;
      return { name, isEnabled, decidedBy: 'operator', order: kept };
    }
    return { name, isEnabled, decidedBy: this.authors.has(name) ? 'author' : 'settings' };
  }

  /** The state of every tool, in the order of the list. */
  all(): readonly ToolState[] {
    return this.registry.all().map(({ name }) => this.stateOf(name));
  }

  /** Puts back what holds no longer. Its record in the store ends by itself. */
  sweep(): void {
    this.records.sweep();
    if (this.orders.size === 0) return;
    const now = this.clock.now();
    for (const [name, { until, by }] of [...this.orders]) {
      if (until === undefined || until > now) continue;
      this.orders.delete(name);
      if (this.registry.get(name)) this.change(name, by, 'expired');
    }
  }

  /** Applies what holds now, and says so where that changes anything. */
  private change(name: string, by: string, reason: string | undefined): void {
    if (!this.apply(name)) return;
    const event = this.toolOf(name).isEnabled ? 'tool_enabled' : 'tool_disabled';
    const until = this.orders.get(name)?.until;
    this.security.emit(event, { tool: name, principal: by, reason, until });
  }

  /** @returns whether the tool changed */
  private apply(name: string): boolean {
    const { options, isEnabled } = this.toolOf(name);
    const wanted =
      this.orders.get(name)?.isEnabled ?? this.authors.get(name) ?? this.registry.isEnabledAtStart(options);
    // No word stands for a setting that the tool needs (W-2).
    const isOn = wanted && this.registry.offeredBySetting(name) !== false;
    this.registry.setEnabled(name, isOn);
    return isOn !== isEnabled;
  }

  private orderOf(name: string, { by, reason, until }: ToolOrder, isEnabled: boolean): KeptOrder {
    this.toolOf(name);
    const since = this.clock.now();
    if (reason !== undefined && reason.length > MAX_REASON_CHARS) {
      throw new ProtocolError('invalid_params', `The reason has ${MAX_REASON_CHARS} characters at most`);
    }
    if (until !== undefined && !(until > since)) {
      throw new ProtocolError('invalid_params', 'The end of the state must be in the future');
    }
    return { isEnabled, by, since, ...(reason !== undefined && { reason }), ...(until !== undefined && { until }) };
  }

  private async lasting(write: Promise<void>): Promise<void> {
    try {
      await write;
    } catch (cause) {
      throw new ProtocolError('store_unavailable', 'The state could not be made to outlast the server: try again', {
        cause,
      });
    }
  }

  /** Does what was said here or elsewhere. It is written down where it was said. */
  private adopt(records: ReadonlyMap<string, KeptOrder>): void {
    const now = this.clock.now();
    for (const name of new Set([...this.orders.keys(), ...records.keys()])) {
      const said = records.get(name);
      const next = said?.until !== undefined && said.until <= now ? undefined : said;
      if (isSame(this.orders.get(name), next)) continue;
      if (next) this.orders.set(name, next);
      else this.orders.delete(name);
      if (this.registry.get(name)) this.apply(name);
      else this.logger.warn(`There is a kept state of the tool ${printable(name)}, and no such tool`);
    }
  }

  private toolOf(name: string): RegisteredTool {
    const tool = this.registry.get(name);
    if (!tool) throw unknownTool(name);
    return tool;
  }
}

function isSame(one: KeptOrder | undefined, other: KeptOrder | undefined): boolean {
  return (
    one?.isEnabled === other?.isEnabled &&
    one?.since === other?.since &&
    one?.until === other?.until &&
    one?.by === other?.by
  );
}

/** Records are this program's own, but perhaps of an older version of it. */
function isKept(value: unknown): value is KeptOrder {
  return (
    isJsonObject(value) &&
    typeof value['isEnabled'] === 'boolean' &&
    typeof value['by'] === 'string' &&
    typeof value['since'] === 'number'
  );
}
