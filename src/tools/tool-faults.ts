import type { ToolSourceEntry } from './tool-definition.js';

/** Names that every client and model provider takes. @see MCP 2025-11-25, server/tools, "Tool Names" (SEP-986) */
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** Bounds of what an author may set, as the docstrings of ToolOptions give them. */
const BOUNDS = [
  ['timeoutMs', 1, 3_600_000],
  ['concurrency', 1, 100],
  ['queue', 0, 10_000],
  ['runsPerMinute', 1, 10_000],
] as const;

/** @returns what is wrong with a tool's options besides its schemas, a sentence each */
export function faultsOfOptions({ options, origin }: ToolSourceEntry): readonly string[] {
  const faults: string[] = [];
  if (!NAME.test(options.name)) {
    faults.push(`${origin}: "${options.name}" is not a tool name: use 1 to 128 of A-Z a-z 0-9 _ - .`);
  }
  for (const [key, min, max] of BOUNDS) {
    const value = options[key];
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) continue;
    faults.push(`${origin}: ${key} of tool "${options.name}" must be a whole number from ${min} to ${max}`);
  }
  return faults;
}
