import { StartError } from '../../common/index.js';
import type { AppConfig } from '../app-config.js';
import { changedSettings } from './changed-settings.js';
import type { ConfigSource } from './config-source.js';
import { type CurrentSettings, isLive } from './live-settings.js';
import type { PreparedReload, Reloadable } from './reloadable.js';

/** What came of a reload. */
export type ReloadOutcome =
  | {
      readonly isAccepted: true;
      /** Keys of what holds now, and did not before. */
      readonly changed: readonly string[];
      /** Keys of what differs, and holds only after a restart. */
      readonly needsRestart: readonly string[];
    }
  | {
      readonly isAccepted: false;
      /** Everything that is wrong, a sentence each, without secrets. */
      readonly faults: readonly string[];
    };

/**
 * Reads the settings again while the server runs: all that can change does so at once, or, where anything is wrong,
 * nothing does, and the good settings stay (S4-38). One reload at a time; one that is asked for meanwhile comes after.
 */
export class ConfigReload {
  private readonly parts = new Set<Reloadable>();
  private readonly listeners = new Set<(outcome: ReloadOutcome) => void>();
  private running: Promise<unknown> = Promise.resolve();
  private current: AppConfig;

  constructor(
    private readonly atStart: AppConfig,
    private readonly source: ConfigSource,
    private readonly live: CurrentSettings,
  ) {
    this.current = atStart;
  }

  /** Files whose change is a reason to reload. */
  get files(): readonly string[] {
    return this.source.files(this.current);
  }

  /** Has a part of the server take part in every reload. @returns what ends that */
  join(part: Reloadable): () => void {
    this.parts.add(part);
    return () => this.parts.delete(part);
  }

  /** Calls back after each reload. @returns what ends that */
  onOutcome(listener: (outcome: ReloadOutcome) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Never rejects: what is wrong with the settings is its outcome. */
  reload(): Promise<ReloadOutcome> {
    const outcome = this.running.then(() => this.once());
    this.running = outcome;
    return outcome;
  }

  private async once(): Promise<ReloadOutcome> {
    const outcome = await this.attempt();
    for (const listener of this.listeners) listener(outcome);
    return outcome;
  }

  private async attempt(): Promise<ReloadOutcome> {
    const faults: string[] = [];
    const next = await told(() => this.source.load(), faults);
    if (!next) return { isAccepted: false, faults };
    const prepared: PreparedReload[] = [];
    for (const part of this.parts) {
      const ready = await told(async () => part.prepare(next), faults);
      if (ready) prepared.push(ready);
    }
    if (faults.length > 0) return { isAccepted: false, faults };
    const differing = changedSettings(this.current, next).filter(isLive);
    const changed = new Set([...differing, ...prepared.flatMap((part) => part.changed)]);
    this.current = next;
    this.live.replace(next);
    for (const part of prepared) part.commit();
    const needsRestart = changedSettings(this.atStart, next).filter((key) => !isLive(key) && !changed.has(key));
    return { isAccepted: true, changed: [...changed], needsRestart };
  }
}

/** @returns undefined where it failed: then `faults` has the reasons */
async function told<T>(work: () => Promise<T>, faults: string[]): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StartError)) faults.push(error instanceof Error ? error.message : String(error));
    else faults.push(...(error.faults.length > 0 ? error.faults : [error.message]));
    return undefined;
  }
}
