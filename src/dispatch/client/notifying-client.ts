import { ProtocolError, type JsonObject } from '../../common/index.js';
import { encodeNotification, LOG_SEVERITIES, type LogSeverity } from '../../protocol/index.js';
import type { ClientCapability } from '../../tools/index.js';
import type { Exchange } from '../exchange.js';
import type { Peer } from '../peer.js';

const SEVERITY: ReadonlyMap<string, number> = new Map(LOG_SEVERITIES.map((level, rank) => [level, rank]));

/** What both eras have in common: notifications of the request that is being served, and what the client can do. */
export abstract class NotifyingClient {
  private lastProgress = Number.NEGATIVE_INFINITY;

  constructor(
    protected readonly exchange: Exchange,
    protected readonly peer: Peer,
  ) {}

  get wantsProgress(): boolean {
    return this.peer.progressToken !== undefined;
  }

  /** The specification demands that progress grows, and JSON that it is finite: a step that is not so is dropped. */
  progress(progress: number, total: number | undefined, message: string | undefined): void {
    if (!Number.isFinite(progress) || progress <= this.lastProgress) return;
    this.lastProgress = progress;
    const { progressToken, rules } = this.peer;
    this.notify('notifications/progress', {
      progressToken,
      progress,
      ...(Number.isFinite(total) && { total }),
      ...(message !== undefined && rules.toolAnnotations && { message }),
    });
  }

  log(level: LogSeverity, data: unknown, logger: string | undefined): void {
    const { logLevel } = this.peer;
    if (logLevel === undefined || (SEVERITY.get(level) ?? -1) < (SEVERITY.get(logLevel) ?? 0)) return;
    this.notify('notifications/message', { level, ...(logger !== undefined && { logger }), data: data ?? null });
  }

  notify(method: string, params: JsonObject | undefined): void {
    this.exchange.send(encodeNotification(method, params));
  }

  /** What the client declares, and its revision knows. */
  supports(capability: ClientCapability): boolean {
    const { capabilities, rules } = this.peer;
    switch (capability) {
      case 'elicitation':
        return capabilities.elicitationForm && rules.elicits;
      case 'elicitation.url':
        return capabilities.elicitationUrl && rules.asksRichly;
      case 'sampling':
        return capabilities.sampling;
      case 'sampling.tools':
        return capabilities.samplingTools && rules.asksRichly;
      case 'roots':
        return capabilities.roots;
    }
  }

  /** @throws ProtocolError missing_capability */
  protected require(capability: ClientCapability): void {
    if (this.supports(capability)) return;
    throw new ProtocolError('missing_capability', `This needs a client that can do ${capability}`, {
      data: { requiredCapabilities: DECLARED[capability] },
    });
  }
}

/** How a client declares each capability. @see MCP 2026-07-28, schema, ClientCapabilities */
const DECLARED: Readonly<Record<ClientCapability, JsonObject>> = {
  elicitation: { elicitation: { form: {} } },
  'elicitation.url': { elicitation: { url: {} } },
  sampling: { sampling: {} },
  'sampling.tools': { sampling: { tools: {} } },
  roots: { roots: {} },
};
