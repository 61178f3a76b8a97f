import { Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '../docs/api-decorators.js';
import { RequiresPermission } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';

/** The settings that the server runs with (S4-10): secrets never leave it (W-37). */
@ApiTags('server')
@RestController('config')
export class ConfigController {
  constructor(private readonly config: AppConfig) {}

  @ApiOperation({ summary: 'Settings by group, and where each came from' })
  @RequiresPermission('read:config')
  @Get()
  show(): object {
    const config: Record<string, Record<string, unknown>> = {};
    const sources: Record<string, string> = {};
    for (const { key, value, source } of this.config.describe()) {
      const at = key.lastIndexOf('.');
      const [group, property] = [key.slice(0, at), key.slice(at + 1)];
      config[group] = { ...config[group], [property]: value ?? null };
      sources[key] = source;
    }
    return { config, sources, warnings: this.config.warnings };
  }
}
