import type { IncomingMessage } from 'node:http';
import { HttpCode, Post, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../docs/api-decorators.js';
import { RequiresPermission } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { ConfigReload } from '../../config/index.js';
import { Changes } from '../rest/changes.decorator.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { RestRequests } from '../rest/rest-requests.js';

/** The settings of the running server. */
@ApiTags('server')
@RestController('admin/settings')
export class SettingsController {
  constructor(
    private readonly reloads: ConfigReload,
    private readonly requests: RestRequests,
  ) {}

  @ApiOperation({ summary: 'Reads settings and roles again, as SIGHUP does: all that can change does, or nothing' })
  @RequiresPermission('manage:config')
  @Changes('settings.reload')
  @HttpCode(200)
  @Post('reload')
  async reload(@Req() req: IncomingMessage): Promise<object> {
    const outcome = await this.reloads.reload();
    if (!outcome.isAccepted) {
      const { faults } = outcome;
      throw new ProtocolError('invalid_params', 'The settings have faults: those before stay', { data: { faults } });
    }
    const { changed, needsRestart } = outcome;
    this.requests.note(req, { target: 'settings', details: { changed: changed.join(' ') } });
    return { changed, needsRestart };
  }
}
