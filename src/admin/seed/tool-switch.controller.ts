import type { IncomingMessage } from 'node:http';
import { HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { SecurityLog } from '../../audit/index.js';
import { callerOf, RequiresPermission } from '../../auth/index.js';
import { Catalogue } from '../../dispatch/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { inWordsOfRest } from './tool-door.js';

/** What switching a tool answers. */
interface Switched {
  readonly message: string;
  readonly tool: string;
}

/** Switches tools on and off, for every caller and at once (S4-7). */
@ApiTags('tools')
@RestController('tools')
export class ToolSwitchController {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly security: SecurityLog,
  ) {}

  @ApiOperation({ summary: 'Switches a tool on' })
  @RequiresPermission('manage:tools')
  @HttpCode(200)
  @Post(':name/enable')
  enable(@Param('name') tool: string, @Req() req: IncomingMessage): Switched {
    this.attempt(tool, () => this.catalogue.enableTool(tool));
    this.security.emit('tool_enabled', { transport: 'http', tool, principal: callerOf(req).subject });
    return { message: `Tool ${tool} enabled`, tool };
  }

  @ApiOperation({ summary: 'Switches a tool off; running calls go on' })
  @RequiresPermission('manage:tools')
  @HttpCode(200)
  @Post(':name/disable')
  disable(@Param('name') tool: string, @Req() req: IncomingMessage): Switched {
    this.attempt(tool, () => this.catalogue.disableTool(tool));
    this.security.emit('tool_disabled', { transport: 'http', tool, principal: callerOf(req).subject });
    return { message: `Tool ${tool} disabled`, tool };
  }

  private attempt(tool: string, change: () => void): void {
    try {
      change();
    } catch (error) {
      throw inWordsOfRest(error, tool);
    }
  }
}
