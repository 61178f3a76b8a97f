import { Injectable } from '@nestjs/common';
import { Clock, VERSION } from '../common/index.js';
import { AppConfig, LiveSettings } from '../config/index.js';
import { BREAKER_STATE_VALUES, BREAKER_TRANSITIONS, type BreakerState } from '../limits/index.js';
import { Instruments, type Sample } from '../metrics/index.js';
import { SessionService } from '../session/index.js';
import { type RegisteredTool, ToolRegistry } from '../tools/index.js';

const BREAKER_STATES = Object.keys(BREAKER_STATE_VALUES) as readonly BreakerState[];

/** Figures that nobody has to count, as somebody knows them already: read when they are wanted. */
@Injectable()
export class LiveGauges {
  constructor(
    private readonly instruments: Instruments,
    private readonly tools: ToolRegistry,
    private readonly sessions: SessionService,
    private readonly config: AppConfig,
    private readonly settings: LiveSettings,
    private readonly clock: Clock,
  ) {
    this.addServer();
    this.addTools();
    this.addBreakers();
  }

  private addServer(): void {
    const { instruments, config, settings, sessions } = this;
    instruments.gauge({ name: 'mcp_build_info', help: 'Always 1.', labels: ['version', 'node'] }, () => [
      { labels: { version: VERSION, node: process.version }, value: 1 },
    ]);
    instruments.gauge({ name: 'mcp_sessions_active', help: 'Sessions that are open in this process.' }, () => [
      { labels: {}, value: sessions.count },
    ]);
    instruments.gauge({ name: 'mcp_limit', help: 'What the settings allow at most.', labels: ['limit'] }, () =>
      limitsOf(config, settings).map(([limit, value]) => ({ labels: { limit }, value })),
    );
  }

  private addTools(): void {
    const { instruments } = this;
    instruments.gauge({ name: 'mcp_tool_enabled', help: '1 where it can be called.', labels: ['tool'] }, () =>
      this.each(({ isEnabled }) => Number(isEnabled)),
    );
    instruments.gauge({ name: 'mcp_tool_queue_depth', help: 'Calls that wait for their turn.', labels: ['tool'] }, () =>
      this.each(({ bulkhead }) => bulkhead.waitingCount),
    );
    instruments.gauge({ name: 'mcp_tool_concurrency_limit', help: 'Calls that run at once.', labels: ['tool'] }, () =>
      this.each(({ bulkhead }) => bulkhead.rules.limit),
    );
  }

  private addBreakers(): void {
    this.instruments.gauge(
      { name: 'mcp_circuit_breaker_state', help: '1 for the state that it is in.', labels: ['tool', 'state'] },
      () => {
        const now = this.clock.monotonic();
        return this.tools.all().flatMap(({ name: tool, breaker }) => {
          const current = breaker.stateAt(now);
          return BREAKER_STATES.map((state) => ({ labels: { tool, state }, value: Number(state === current) }));
        });
      },
    );
    this.instruments.total(
      {
        name: 'mcp_circuit_breaker_transitions_total',
        help: 'Changes of state.',
        labels: ['tool', 'from_state', 'to_state'],
      },
      () =>
        this.tools.all().flatMap(({ name: tool, breaker }) =>
          BREAKER_TRANSITIONS.map(([from_state, to_state], at) => ({
            labels: { tool, from_state, to_state },
            value: breaker.transitions[at] ?? 0,
          })),
        ),
    );
  }

  private each(read: (tool: RegisteredTool) => number): Sample[] {
    return this.tools.all().map((tool) => ({ labels: { tool: tool.name }, value: read(tool) }));
  }
}

function limitsOf({ sessions, limits }: AppConfig, { rate }: LiveSettings): readonly (readonly [string, number])[] {
  return [
    ['sessions', sessions.max],
    ['sessions_per_client', sessions.maxPerClient],
    ['in_flight_per_session', limits.maxInFlight],
    ['message_bytes', limits.maxMessageBytes],
    ['body_bytes', limits.maxBodyBytes],
    ['messages_per_window', rate.maxMessages + rate.burst],
    ['rate_window_ms', rate.windowMs],
  ];
}
