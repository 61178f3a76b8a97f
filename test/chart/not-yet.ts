// What the chart is ready for, and the program is not yet. A name that has come is taken off this list: a test says so.

export const SETTINGS_TO_COME: ReadonlySet<string> = new Set(['MCP_MANAGEMENT_PORT']);

export const PATHS_TO_COME: ReadonlySet<string> = new Set(['/health/ready']);
