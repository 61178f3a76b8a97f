import { Injectable } from '@nestjs/common';
import { type KnownPrincipal, nameOf, type Principal } from '../../auth/index.js';
import { Clock, type ErrorKind } from '../../common/index.js';
import { principalKey } from '../../limits/index.js';
import { CallGate, type GateTarget, type RegisteredTool, ToolRegistry, ToolStates } from '../../tools/index.js';
import type { Explanation, ExplainStep } from './explanation.js';
import { FeatureTargets } from './feature-targets.js';
import { PolicySteps } from './policy-steps.js';

/**
 * Says why a caller may call something or may not, by asking what the gate asks, in its order. A dry run: nothing is
 * counted, taken or written down, and nothing runs but the checks of the schema.
 */
@Injectable()
export class Explainer {
  constructor(
    private readonly policySteps: PolicySteps,
    private readonly gate: CallGate,
    private readonly tools: ToolRegistry,
    private readonly states: ToolStates,
    private readonly features: FeatureTargets,
    private readonly clock: Clock,
  ) {}

  /**
   * @param name `tool:nmap`, `resource:server://info`, `prompt:server-overview`; a bare name is that of a tool
   * @param args of the call; without them, rules and schema are not held against any
   */
  async explain(principal: KnownPrincipal, name: string, args?: unknown): Promise<Explanation> {
    const label = /^(?:tool|resource|prompt):/.test(name) ? name : `tool:${name}`;
    const tool = label.startsWith('tool:') ? this.tools.get(label.slice('tool:'.length)) : undefined;
    const target = tool?.target ?? this.features.find(label);
    const who = this.policySteps.caller(principal);
    const steps = target
      ? [
          ...who,
          ...(await this.policySteps.admission(principal, target)),
          ...(await this.work(principal, target, { tool, args })),
        ]
      : [...who, missing(label)];
    const isSwitchedOn = tool ? tool.isEnabled : true;
    const kind = steps.find((step) => step.kind)?.kind;
    return {
      principal: nameOf(principal),
      target: label,
      isListed: !principal.refusal && isSwitchedOn && target !== undefined && this.gate.isListed(target, principal),
      isAllowed: kind === undefined,
      kind,
      steps,
    };
  }

  /** What comes after the gate has let the call in. */
  private async work(
    principal: Principal,
    target: GateTarget,
    { tool, args }: { readonly tool: RegisteredTool | undefined; readonly args: unknown },
  ): Promise<readonly ExplainStep[]> {
    if (!tool) return args === undefined ? [] : [this.policySteps.arguments(principal, target, args)];
    const state = this.state(tool);
    const fits = args === undefined ? undefined : await this.schema(tool, args);
    const checked = fits?.value ?? args;
    const rules = this.policySteps.arguments(principal, target, checked);
    return [state, ...(fits?.step ? [fits.step] : [rules]), this.breaker(tool), this.bulkhead(tool, principal)];
  }

  private state({ name, isEnabled }: RegisteredTool): ExplainStep {
    const { decidedBy, order } = this.states.stateOf(name);
    const why = order?.reason === undefined ? '' : `: ${order.reason}`;
    const detail = `The tool is switched ${isEnabled ? 'on' : 'off'}, by ${order?.by ?? `its ${decidedBy}`}${why}`;
    return { check: 'state', kind: isEnabled ? undefined : 'tool_disabled', detail, data: { decidedBy, ...order } };
  }

  /** @returns the step where the arguments do not fit, else what the schema makes of them */
  private async schema(
    { input }: RegisteredTool,
    args: unknown,
  ): Promise<{ readonly step?: ExplainStep; readonly value?: unknown }> {
    const checked = await input.check(args);
    if (checked.isValid) return { value: checked.value };
    const detail = `The arguments do not fit the schema: ${checked.faults.join('; ')}`;
    return { step: { check: 'arguments', kind: 'invalid_params', detail, data: { faults: checked.faults } } };
  }

  private breaker({ breaker }: RegisteredTool): ExplainStep {
    const restMs = Math.ceil(breaker.restMs(this.clock.monotonic()));
    const kind: ErrorKind | undefined = restMs > 0 ? 'breaker_open' : undefined;
    const detail = kind ? `The tool failed too often and rests for ${restMs} ms` : 'The breaker lets calls through';
    return { check: 'breaker', kind, detail, data: { state: breaker.state, restMs } };
  }

  private bulkhead({ bulkhead }: RegisteredTool, principal: Principal): ExplainStep {
    const { runningCount: running, waitingCount: waiting } = bulkhead;
    const { limit, queue, perCaller } = bulkhead.rules;
    const detail = `${running} of ${limit} places are taken, ${waiting} of ${queue} calls wait`;
    return {
      check: 'bulkhead',
      kind: bulkhead.hasRoomFor(principalKey(principal)) ? undefined : 'server_busy',
      detail,
      data: { running, limit, waiting, queue, perCaller },
    };
  }
}

const UNKNOWN: Readonly<Record<string, ErrorKind>> = {
  tool: 'unknown_tool',
  prompt: 'unknown_prompt',
  resource: 'resource_not_found',
};

function missing(label: string): ExplainStep {
  const kind = UNKNOWN[label.slice(0, label.indexOf(':'))];
  return { check: 'rule', kind, detail: `There is no ${label}`, data: {} };
}
