import { Injectable } from '@nestjs/common';
import { type SecretPaths, secretPathsOf } from '../audit/index.js';
import { ProtocolError } from '../common/index.js';
import { AppConfig, type LiveSettings } from '../config/index.js';
import { Breaker, BreakerWatch, Bulkhead } from '../limits/index.js';
import { OFFERED_BY_SETTING, PROGRAMS_BY_SETTING } from './builtin/index.js';
import { CallGate } from './call-gate.js';
import { toolTarget } from './feature-target.js';
import { headerParametersOf } from './header-parameters.js';
import { compileSchema } from './schema/compile-schema.js';
import type { RegisteredTool, ToolSourceEntry } from './tool-definition.js';
import { faultsOfOptions } from './tool-faults.js';
import { limitsOf } from './tool-limits.js';

/** The tools there are, ready to be called, in a stable order. */
@Injectable()
export class ToolRegistry {
  private readonly tools = new Map<string, RegisteredTool>();
  private readonly listeners = new Set<(tool: RegisteredTool) => void>();
  private changes = 0;
  private nextOrdinal = 0;

  constructor(
    private readonly config: AppConfig,
    private readonly gate: CallGate,
    private readonly breakers: BreakerWatch,
  ) {}

  /** Grows with every change of what can be listed. */
  get version(): number {
    return this.changes;
  }

  get(name: string): RegisteredTool | undefined {
    return this.tools.get(name);
  }

  /** Every tool, switched off or not, in the order of their ordinals. */
  all(): readonly RegisteredTool[] {
    return [...this.tools.values()];
  }

  enabled(): readonly RegisteredTool[] {
    return this.all().filter((tool) => tool.isEnabled);
  }

  /**
   * Adds a tool.
   * @returns what is wrong with it, a sentence each; with any fault it is not added
   */
  add(entry: ToolSourceEntry): readonly string[] {
    const faults = [...faultsOfOptions(entry)];
    const other = this.tools.get(entry.options.name);
    if (other) faults.push(`${entry.origin}: tool "${entry.options.name}" is already defined by ${other.origin}`);
    const input = this.compile(entry, 'input', faults);
    const output = entry.options.output === undefined ? undefined : this.compile(entry, 'output', faults);
    if (faults.length > 0 || !input) return faults;
    const tool = this.register(entry, input, output);
    this.tools.set(tool.name, tool);
    this.changed(tool);
    return [];
  }

  /**
   * Switches a tool on or off, at once and for every caller.
   * @throws ProtocolError unknown_tool
   */
  setEnabled(name: string, isEnabled: boolean): void {
    const tool = this.tools.get(name);
    if (!tool) throw unknownTool(name);
    if (tool.isEnabled === isEnabled) return;
    // A map keeps the place of a key that is set again.
    this.tools.set(name, { ...tool, isEnabled });
    this.changed(tool);
  }

  /** @returns names of the settings' include and exclude lists that no tool has */
  unknownNames(): readonly string[] {
    const { include, exclude } = this.config.tools;
    return [...new Set([...include, ...exclude])].filter((name) => !this.tools.has(name));
  }

  /** Calls back after each change. @returns what ends that */
  onChange(listener: (tool: RegisteredTool) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private changed(tool: RegisteredTool): void {
    this.changes += 1;
    for (const listener of this.listeners) listener(tool);
  }

  private compile(
    entry: ToolSourceEntry,
    side: 'input' | 'output',
    faults: string[],
  ): ReturnType<typeof compileSchema> | undefined {
    try {
      const compiled = compileSchema(entry.options[side], side);
      if (side === 'input') headerParametersOf(compiled.json);
      return compiled;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      faults.push(`${entry.origin}: the ${side} schema of tool "${entry.options.name}" cannot be compiled: ${why}`);
      return undefined;
    }
  }

  private register(
    entry: ToolSourceEntry,
    input: RegisteredTool['input'],
    output: RegisteredTool['output'],
  ): RegisteredTool {
    const { options, origin, run } = entry;
    const { name } = options;
    const { timeoutMs, rates, bulkhead, breaker } = limitsOf(options, this.config, this.config);
    const rules = { ...rates, secrets: secretsOf(input.json) };
    return {
      name,
      options,
      origin,
      ordinal: this.nextOrdinal++,
      isEnabled: this.isEnabledAtStart(options),
      input,
      output,
      headerParameters: headerParametersOf(input.json),
      timeoutMs,
      programs: options.programs ?? PROGRAMS_BY_SETTING.get(name)?.(this.config.tools) ?? [],
      target: this.gate.target(toolTarget(name, options), () => unknownTool(name), rules),
      bulkhead: new Bulkhead(bulkhead),
      breaker: new Breaker(breaker, (transition) => this.breakers.changed(name, transition)),
      run,
    };
  }

  /** Exclude wins over include; what is off by default needs its own setting, not just a place on a list (W-2). */
  isEnabledAtStart({ name, enabled }: ToolSourceEntry['options']): boolean {
    const { include, exclude } = this.config.tools;
    if (exclude.includes(name) || (include.length > 0 && !include.includes(name))) return false;
    return this.offeredBySetting(name) ?? enabled ?? true;
  }

  /** Whether a setting of its own offers the tool; undefined where it needs none (W-2). */
  offeredBySetting(name: string): boolean | undefined {
    return OFFERED_BY_SETTING.get(name)?.(this.config.tools);
  }

  /** Takes over what settings say of limits, for calls from now on; what was counted stays. */
  reconfigure(settings: LiveSettings): void {
    for (const tool of this.tools.values()) {
      const { timeoutMs, rates, bulkhead, breaker } = limitsOf(tool.options, this.config, settings);
      tool.bulkhead.resize(bulkhead);
      tool.breaker.retune(breaker);
      this.tools.set(tool.name, { ...tool, timeoutMs, target: { ...tool.target, ...rates } });
    }
  }
}

/** What a caller is told about a name that is no tool for them. */
export function unknownTool(name: string): ProtocolError {
  return new ProtocolError('unknown_tool', `Unknown tool: ${name}`);
}

/** A schema that is secret as a whole has nothing to show of its arguments by name: each is one by itself. */
function secretsOf(schema: object): SecretPaths | undefined {
  const secrets = secretPathsOf(schema);
  return secrets === true ? undefined : secrets;
}
