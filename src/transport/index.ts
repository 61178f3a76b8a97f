export { attachGatehouse } from './http/attach-gatehouse.js';
export { HttpAdmission } from './http/http-admission.js';
export { MCP_PATH } from './http/http-lane.js';
export { claimStdout } from './stdio/claim-stdout.js';
export { StdioTransport } from './stdio/stdio.transport.js';
export { TransportService } from './transport.service.js';
export { TransportModule } from './transport.module.js';
