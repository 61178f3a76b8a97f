import { hostname, userInfo } from 'node:os';
import { access, readFile } from 'node:fs/promises';
import { Logger } from '@nestjs/common';
import { StderrSecurityLog } from '../../audit/index.js';
import { localAccessPath, openApiKeys, readLocalAccess } from '../../auth/index.js';
import { StartError, SystemClock } from '../../common/index.js';
import { type AppConfig, hostStateRoot } from '../../config/index.js';
import { openState, openStateFolder, StateHeldError, stateFolderOf } from '../../store/index.js';
import { doorless } from '../doorless.js';
import { StderrLogger } from '../stderr-logger.js';
import type { KeyAdmin } from './key-admin.js';
import { RemoteKeys } from './remote-keys.js';

/**
 * Works on the keys of the server that the settings mean: of the running one, which then knows at once; in its state
 * folder where none runs; in Redis, where every replica hears of it.
 * @throws StartError none can be had
 */
export async function withKeys<T>(config: AppConfig, work: (keys: KeyAdmin) => Promise<T>): Promise<T> {
  try {
    return await inStore(config, work);
  } catch (error) {
    if (!(error instanceof StateHeldError)) throw error;
    return work(await running(stateFolderOf(config, place()), error));
  }
}

/** Whether there is a store in which the keys of these settings could be. */
export async function hasKeys(config: AppConfig): Promise<boolean> {
  if (config.redis.url !== undefined) return true;
  try {
    await access(stateFolderOf(config, place()));
    return true;
  } catch {
    // No server and no command of these settings has run yet.
    return false;
  }
}

function place(): { readonly stateRoot?: string } {
  const stateRoot = hostStateRoot();
  return stateRoot === undefined ? {} : { stateRoot };
}

async function inStore<T>(config: AppConfig, work: (keys: KeyAdmin) => Promise<T>): Promise<T> {
  // stdout is for what the command has to say.
  Logger.overrideLogger(new StderrLogger(config.logging));
  const clock = new SystemClock();
  const isAlone = config.redis.url === undefined;
  const state = await (isAlone ? openStateFolder : openState)(config, clock, place());
  // Servers that are up write into the file of security events: it has one writer.
  const security = new StderrSecurityLog(isAlone ? config : doorless(config), clock);
  try {
    const by = `local/${userName()}@${hostname()}`;
    const keys = await openApiKeys({ config, state, clock, security });
    return await work({
      create: (request) => keys.create(request, by),
      list: () => Promise.resolve(keys.list()),
      rotate: (id, overlapMs) => keys.rotate(id, by, overlapMs),
      revoke: (id) => keys.revoke(id, by),
    });
  } finally {
    await security.onApplicationShutdown();
    await state.close();
  }
}

async function running(stateFolder: string, held: StateHeldError): Promise<KeyAdmin> {
  let text: string;
  try {
    text = await readFile(localAccessPath(stateFolder), 'utf8');
  } catch (error) {
    throw noWayIn(held, error);
  }
  const found = readLocalAccess(text);
  if (!found) throw noWayIn(held);
  return new RemoteKeys(found);
}

function noWayIn(held: StateHeldError, cause?: unknown): StartError {
  const error = new StartError(held.message, [
    'It left no admin.token there for this user: use the user that it runs as, wait until it is up, or stop it.',
  ]);
  return Object.assign(error, { cause });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list, as containers have.
    return 'unknown';
  }
}
