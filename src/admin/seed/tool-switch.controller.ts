import type { IncomingMessage } from 'node:http';
import { HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../docs/api-decorators.js';
import { callerOf, nameOf, RequiresPermission } from '../../auth/index.js';
import { type ToolState, ToolStates } from '../../tools/index.js';
import { Changes } from '../rest/changes.decorator.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { inWordsOfRest } from './tool-door.js';

/** What switching a tool answers. */
interface Switched {
  readonly message: string;
  readonly tool: string;
}

/** Switches tools on and off, for every caller, at once and over restarts (S4-7). */
@ApiTags('tools')
@RestController('tools')
export class ToolSwitchController {
  constructor(private readonly states: ToolStates) {}

  @ApiOperation({ summary: 'Switches a tool on' })
  @RequiresPermission('manage:tools')
  @Changes('tool.enable', 'tool')
  @HttpCode(200)
  @Post(':name/enable')
  async enable(@Param('name') tool: string, @Req() req: IncomingMessage): Promise<Switched> {
    await attempt(tool, () => this.states.enable(tool, { by: nameOf(callerOf(req)) }));
    return { message: `Tool ${tool} enabled`, tool };
  }

  @ApiOperation({ summary: 'Switches a tool off; running calls go on' })
  @RequiresPermission('manage:tools')
  @Changes('tool.disable', 'tool')
  @HttpCode(200)
  @Post(':name/disable')
  async disable(@Param('name') tool: string, @Req() req: IncomingMessage): Promise<Switched> {
    await attempt(tool, () => this.states.disable(tool, { by: nameOf(callerOf(req)) }));
    return { message: `Tool ${tool} disabled`, tool };
  }
}

async function attempt(tool: string, change: () => Promise<ToolState>): Promise<void> {
  try {
    await change();
  } catch (error) {
    throw inWordsOfRest(error, tool);
  }
}
