export { Announcements, legacyListener } from './announcements.js';
export { Catalogue } from './catalogue.js';
export { Dispatcher } from './dispatcher.js';
export { DispatchModule } from './dispatch.module.js';
export { LiveServerFacts } from './live-server-facts.js';
export { type Door, Exchange } from './exchange.js';
export { ConnectionCalls, type RunningCalls } from './running-calls.js';
export { RunningWork } from './running-work.js';
export { errorReply, type Failure, type Reply } from './reply.js';
