import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { ChainAuthenticator } from './chain-authenticator.js';
import { assertSomebodyMayCome } from './credential-sources.js';
import { CredentialWatch } from './credential-watch.js';
import { KeyRing } from './keys/key-ring.js';
import { isAbout, Revocations } from './revocations.js';

/** How late other processes may learn of a revocation (D-10). */
const REFRESH_MS = 5_000;

/**
 * The one timer of authentication: reads again what other processes may have changed, as it does whenever one says that
 * it has; closes what ended with its credential, and writes when keys were used.
 */
@Injectable()
export class AuthUpkeep implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(AuthUpkeep.name);
  private readonly stops: readonly (() => void)[];
  private timer: NodeJS.Timeout | undefined;
  private isFailing = false;

  constructor(
    private readonly config: AppConfig,
    private readonly ring: KeyRing,
    private readonly revocations: Revocations,
    watch: CredentialWatch,
    private readonly chain: ChainAuthenticator,
  ) {
    revocations.onRevoked((revocation) => watch.revoke((principal) => isAbout(revocation, principal)));
    ring.whenChanged((ended, isOver) => {
      chain.forget((principal) => principal === ended);
      if (isOver) watch.revoke((principal) => principal === ended);
    });
    this.stops = [ring, revocations].map((shared) => shared.onNews(() => void this.read()));
  }

  /** @throws StartError nobody could be let in */
  onModuleInit(): void {
    assertSomebodyMayCome(this.config, this.ring.hasUsable);
    this.timer = setInterval(() => void this.run(), REFRESH_MS).unref();
  }

  onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    for (const stop of this.stops) stop();
    return this.ring.writeUses();
  }

  async run(): Promise<void> {
    this.chain.sweep();
    this.ring.sweep();
    await this.read();
    await this.ring.writeUses();
  }

  /** While the store is out of reach, what was known holds. */
  private async read(): Promise<void> {
    try {
      await Promise.all([this.ring.refresh(), this.revocations.refresh()]);
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.logger.error(`Keys and revocations cannot be read again: ${String(error)}`);
      this.isFailing = true;
    }
  }
}
