import type { ToolSourceEntry } from './tool-definition.js';

/** Names that every client and model provider takes. @see MCP 2025-11-25, server/tools, "Tool Names" (SEP-986) */
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** Bounds of what an author may set, as the docstrings of ToolOptions give them. */
const BOUNDS = [
  ['timeoutMs', 1, 3_600_000],
  ['concurrency', 1, 100],
  ['perCaller', 1, 100],
  ['queue', 0, 10_000],
  ['runsPerMinute', 1, 10_000],
  ['totalRunsPerMinute', 1, 100_000],
] as const;
const BREAKER_BOUNDS = [
  ['threshold', 1, 100],
  ['recoverySec', 1, 600],
] as const;

/** @returns what is wrong with a tool's options besides its schemas, a sentence each */
export function faultsOfOptions({ options, origin }: ToolSourceEntry): readonly string[] {
  const faults: string[] = [];
  if (!NAME.test(options.name)) {
    faults.push(`${origin}: "${options.name}" is not a tool name: use 1 to 128 of A-Z a-z 0-9 _ - .`);
  }
  const check = (key: string, value: number | undefined, min: number, max: number): void => {
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return;
    faults.push(`${origin}: ${key} of tool "${options.name}" must be a whole number from ${min} to ${max}`);
  };
  for (const [key, min, max] of BOUNDS) check(key, options[key], min, max);
  for (const [key, min, max] of BREAKER_BOUNDS) check(`breaker.${key}`, options.breaker?.[key], min, max);
  return faults;
}
