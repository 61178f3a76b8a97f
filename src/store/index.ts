export { Bus } from './bus.js';
export { defaultStateFolder, type StatePlace } from './default-state-folder.js';
export { type DurableRecord, DurableStore, type ListedNamespace } from './durable-store.js';
export { EmbeddedState, type EmbeddedStateOptions } from './embedded-state.js';
export { EventLog, type EventRetention, type LoggedEvents, type StreamEvent } from './event-log.js';
export { DurableSessionStore } from './memory/durable-session-store.js';
export { type BoundedSet, type PlaceRefusal, Places } from './places.js';
export { Replica } from './replica.js';
export { Replicas } from './replicas.js';
export { SessionKeys } from './session-keys.js';
export { type SessionRecord, SessionStore } from './session-store.js';
export {
  type BucketOutcome,
  type KeptPlaces,
  type PermitOutcome,
  type PermitRequest,
  type PlaceOutcome,
  SharedCounters,
  type SharedBucket,
  type SharedPlace,
  type SharedWindow,
  type WindowState,
} from './shared-counters.js';
export { SharedLook } from './shared-look.js';
export { SharedRecords } from './shared-records.js';
export { StoreBackend } from './store-backend.js';
export { StoreHealth, type StoreState } from './store-health.js';
export { StateHeldError } from './state-folder.js';
export { openState, openStateFolder, stateFolderOf, StoreModule, type StoreModuleOptions } from './store.module.js';
