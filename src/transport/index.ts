export type { Door } from './door.js';
export { attachGatehouse } from './http/attach-gatehouse.js';
export { MCP_PATH } from './http/http-lane.js';
export { claimStdout } from './stdio/claim-stdout.js';
export { StdioTransport } from './stdio/stdio.transport.js';
export { handshakeOptions } from './tls/handshake-options.js';
export { TlsContexts } from './tls/tls-contexts.js';
export { TransportService } from './transport.service.js';
export { TransportModule } from './transport.module.js';
