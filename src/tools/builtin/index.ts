import type { ToolSettings } from '../../config/index.js';
import { EchoTool } from './echo.tool.js';
import { ListFilesTool } from './list-files.tool.js';
import { MathTool } from './math.tool.js';
import { isRunCommandOffered, RunCommandTool } from './run-command.tool.js';
import { TimeTool } from './time.tool.js';

/** The providers of the tools that come with the server, in the order in which they are listed. */
export const BUILTIN_TOOLS = [EchoTool, TimeTool, ListFilesTool, MathTool, RunCommandTool] as const;

/** Tools that are off unless a setting of their own offers them: a place on a list does not (W-2). */
export const OFFERED_BY_SETTING: ReadonlyMap<string, (settings: ToolSettings) => boolean> = new Map([
  ['run_command', isRunCommandOffered],
]);

/** Programs of tools that take them from a setting. */
export const PROGRAMS_BY_SETTING: ReadonlyMap<string, (settings: ToolSettings) => readonly string[]> = new Map([
  ['run_command', ({ runCommandAllow }: ToolSettings) => runCommandAllow],
]);
