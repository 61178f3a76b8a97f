import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type AppConfig, ConfigReload, type PreparedReload, Reloadable } from '../config/index.js';
import { ToolRegistry } from './tool-registry.js';

/** Has tools take over their limits when the settings are read again. */
@Injectable()
export class ToolReload extends Reloadable implements OnModuleInit {
  constructor(
    private readonly reloads: ConfigReload,
    private readonly registry: ToolRegistry,
  ) {
    super();
  }

  onModuleInit(): void {
    this.reloads.join(this);
  }

  override prepare(next: AppConfig): PreparedReload {
    return { changed: [], commit: () => this.registry.reconfigure(next) };
  }
}
