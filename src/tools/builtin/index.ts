import { EchoTool } from './echo.tool.js';
import { ListFilesTool } from './list-files.tool.js';
import { MathTool } from './math.tool.js';
import { RunCommandTool } from './run-command.tool.js';
import { TimeTool } from './time.tool.js';

/** The providers of the tools that come with the server, in the order in which they are listed. */
export const BUILTIN_TOOLS = [EchoTool, TimeTool, ListFilesTool, MathTool, RunCommandTool] as const;
