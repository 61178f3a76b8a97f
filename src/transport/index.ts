export type { Door } from './door.js';
export { attachGatehouse } from './http/attach-gatehouse.js';
export { ConnectionAdmission } from './connections/connection-admission.js';
export { HttpAdmission } from './http/http-admission.js';
export { HttpCallers } from './http/http-callers.js';
export { HttpLane } from './http/http-lane.js';
export { MCP_PATH, MESSAGE_PATH, SSE_PATH, WS_PATH } from './http/paths.js';
export { type HttpFamilies, httpFamilies, needsHttp } from './families.js';
export { claimStdout } from './stdio/claim-stdout.js';
export { StdioTransport } from './stdio/stdio.transport.js';
export { handshakeOptions } from './tls/handshake-options.js';
export { TlsContexts } from './tls/tls-contexts.js';
export { Connections } from './connections/connections.js';
export { type Ticket, Tickets } from './connections/tickets.js';
export { TcpListener } from './tcp/tcp-listener.js';
export { TransportService } from './transport.service.js';
export { TransportModule } from './transport.module.js';
export {
  type ActiveRequest,
  type MultiClientMetrics,
  type SessionContext,
  SessionsSeen,
} from './status/sessions-seen.js';
