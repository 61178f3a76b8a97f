import { Injectable } from '@nestjs/common';
import { Policy, type Principal } from '../auth/index.js';
import { VERSION } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { MetricsRecorder } from '../metrics/index.js';
import { ResourceRegistry } from '../resources/index.js';
import { SessionService } from '../session/index.js';
import { ServerFacts, type ToolFacts, ToolRegistry } from '../tools/index.js';

/** What the server says of itself, read when asked. */
@Injectable()
export class LiveServerFacts extends ServerFacts {
  override readonly version = VERSION;

  constructor(
    private readonly config: AppConfig,
    private readonly tools: ToolRegistry,
    private readonly resources: ResourceRegistry,
    private readonly sessions: SessionService,
    private readonly metrics: MetricsRecorder,
    private readonly policy: Policy,
  ) {
    super();
  }

  override get name(): string {
    return this.config.server.name;
  }

  override enabledTools(principal: Principal): readonly ToolFacts[] {
    return this.tools
      .enabled()
      .filter(({ target }) => this.policy.isListed(principal, target))
      .map(({ name, options }) => ({ name, description: options.description }));
  }

  override resourceCount(principal: Principal): number {
    return this.resources.resources().filter(({ target }) => this.policy.isListed(principal, target)).length;
  }

  override get sessionCount(): number {
    return this.sessions.count;
  }

  override get callCount(): number {
    let executions = 0;
    for (const [label, figures] of this.metrics.calls()) {
      if (label.startsWith('tool:')) executions += figures.executions;
    }
    return executions;
  }
}
