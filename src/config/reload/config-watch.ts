import { stat } from 'node:fs/promises';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AppConfig } from '../app-config.js';
import { ConfigReload } from './config-reload.js';

const POLL_MS = 1_000;

/**
 * Reloads the settings when one of their files changes (S4-38), by looking at their times: that works on every file
 * system, also where a file is a link that is turned to another, as a mounted ConfigMap is. A file that is still being
 * written is left alone until it has been the same for two looks.
 */
@Injectable()
export class ConfigWatch implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(ConfigWatch.name);
  private timer: NodeJS.Timeout | undefined;
  /** As it was when the settings were last read. */
  private read = '';
  private seen = '';
  private isLooking = false;

  constructor(
    private readonly config: AppConfig,
    private readonly reloads: ConfigReload,
  ) {}

  async onModuleInit(): Promise<void> {
    if (!this.config.server.watchConfig) return;
    this.read = this.seen = await this.stamp();
    this.timer = setInterval(() => void this.look(), POLL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Looks once, and reloads where there is something new. */
  async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const stamp = await this.stamp();
      const isSettled = stamp === this.seen;
      this.seen = stamp;
      if (!isSettled || stamp === this.read) return;
      this.read = stamp;
      await this.reloads.reload();
    } catch (error) {
      this.logger.error('The settings could not be watched', error instanceof Error ? error.stack : String(error));
    } finally {
      this.isLooking = false;
    }
  }

  private async stamp(): Promise<string> {
    const stamps = this.reloads.files.map(async (file) => {
      const facts = await stat(file).catch(() => undefined);
      return facts ? `${file} ${facts.mtimeMs} ${facts.size} ${facts.ino}` : `${file} -`;
    });
    return (await Promise.all(stamps)).join('\n');
  }
}
