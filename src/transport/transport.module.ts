import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { DispatchModule } from '../dispatch/index.js';
import { SessionModule } from '../session/index.js';
import { ToolsModule } from '../tools/index.js';
import { HttpAdmission } from './http/http-admission.js';
import { HttpCallers } from './http/http-callers.js';
import { HttpLane } from './http/http-lane.js';
import { HttpPosts } from './http/http-posts.js';
import { ModernHeaders } from './http/modern-headers.js';
import { OpenExchanges } from './http/open-exchanges.js';
import { SessionStreams } from './http/session-streams.js';
import { StreamLogs } from './http/stream-logs.js';
import { StreamableHttp } from './http/streamable-http.js';
import { StdioTransport } from './stdio/stdio.transport.js';
import { TransportService } from './transport.service.js';

@Module({
  imports: [AuditModule, AuthModule, DispatchModule, SessionModule, ToolsModule],
  providers: [
    HttpAdmission,
    HttpCallers,
    HttpLane,
    HttpPosts,
    ModernHeaders,
    SessionStreams,
    StreamLogs,
    OpenExchanges,
    StdioTransport,
    StreamableHttp,
    TransportService,
  ],
  exports: [HttpAdmission],
})
export class TransportModule {}
