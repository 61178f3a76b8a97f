import { Injectable } from '@nestjs/common';
import { ProtocolError } from '../common/index.js';
import { AppConfig, toolOverrideKey } from '../config/index.js';
import { Breaker, Bulkhead } from '../limits/index.js';
import { OFFERED_BY_SETTING, PROGRAMS_BY_SETTING } from './builtin/index.js';
import { CallGate } from './call-gate.js';
import { headerParametersOf } from './header-parameters.js';
import { compileSchema } from './schema/compile-schema.js';
import type { RegisteredTool, ToolSourceEntry } from './tool-definition.js';
import { faultsOfOptions } from './tool-faults.js';

/** Runs at once of a tool that sets no number: light work, K-31. */
const LIGHT_CONCURRENCY = 64;
const MS_PER_SEC = 1_000;

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
    const override = this.config.toolOverrides.get(toolOverrideKey(name)) ?? {};
    const { breaker, limits, rate, tools } = this.config;
    const defaults = options.command
      ? { concurrency: tools.defaultConcurrency, runsPerMinute: rate.toolRunsPerMinute }
      : { concurrency: LIGHT_CONCURRENCY, runsPerMinute: undefined };
    const target = this.gate.target(
      { kind: 'tool', name, tags: options.tags ?? [], roles: options.roles },
      () => unknownTool(name),
      override.runsPerMinute ?? options.runsPerMinute ?? defaults.runsPerMinute,
    );
    return {
      name,
      options,
      origin,
      ordinal: this.nextOrdinal++,
      isEnabled: this.isEnabledAtStart(options),
      input,
      output,
      headerParameters: headerParametersOf(input.json),
      timeoutMs: override.timeoutSec === undefined ? options.timeoutMs : override.timeoutSec * MS_PER_SEC,
      programs: options.programs ?? PROGRAMS_BY_SETTING.get(name)?.(tools) ?? [],
      target,
      bulkhead: new Bulkhead(
        override.concurrency ?? options.concurrency ?? defaults.concurrency,
        options.queue ?? limits.maxQueue,
      ),
      breaker: new Breaker(breaker.failureThreshold, breaker.recoverySec * MS_PER_SEC),
      run,
    };
  }

  /** Exclude wins over include; what is off by default needs its own setting, not just a place on a list (W-2). */
  private isEnabledAtStart({ name, enabled }: ToolSourceEntry['options']): boolean {
    const { include, exclude } = this.config.tools;
    if (exclude.includes(name) || (include.length > 0 && !include.includes(name))) return false;
    return OFFERED_BY_SETTING.get(name)?.(this.config.tools) ?? enabled ?? true;
  }
}

/** What a caller is told about a name that is no tool for them. */
export function unknownTool(name: string): ProtocolError {
  return new ProtocolError('unknown_tool', `Unknown tool: ${name}`);
}
