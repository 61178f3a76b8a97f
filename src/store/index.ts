export { defaultStateFolder, type StatePlace } from './default-state-folder.js';
export { type DurableRecord, DurableStore } from './durable-store.js';
export { EmbeddedState, type EmbeddedStateOptions } from './embedded-state.js';
export { DurableSessionStore } from './memory/durable-session-store.js';
export { SessionKeys } from './session-keys.js';
export { type SessionRecord, SessionStore } from './session-store.js';
export { StateHeldError } from './state-folder.js';
export { openState, openStateFolder, stateFolderOf, StoreModule, type StoreModuleOptions } from './store.module.js';
