import { Module } from '@nestjs/common';
import { AuditModule, SecurityLog } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { Clock } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { DispatchModule } from '../dispatch/index.js';
import { SessionModule } from '../session/index.js';
import { ToolsModule } from '../tools/index.js';
import { Doors } from './door.js';
import { HttpAdmission } from './http/http-admission.js';
import { HttpCallers } from './http/http-callers.js';
import { HttpDoor } from './http/http-door.js';
import { HttpLane } from './http/http-lane.js';
import { HttpPosts } from './http/http-posts.js';
import { ModernHeaders } from './http/modern-headers.js';
import { OpenExchanges } from './http/open-exchanges.js';
import { SessionStreams } from './http/session-streams.js';
import { StreamLogs } from './http/stream-logs.js';
import { StreamableHttp } from './http/streamable-http.js';
import { StdioTransport } from './stdio/stdio.transport.js';
import { TlsContexts } from './tls/tls-contexts.js';
import { TransportService } from './transport.service.js';

@Module({
  imports: [AuditModule, AuthModule, DispatchModule, SessionModule, ToolsModule],
  providers: [
    Doors,
    HttpAdmission,
    HttpCallers,
    HttpDoor,
    HttpLane,
    HttpPosts,
    ModernHeaders,
    SessionStreams,
    StreamLogs,
    OpenExchanges,
    StdioTransport,
    StreamableHttp,
    TransportService,
    {
      provide: TlsContexts,
      inject: [AppConfig, SecurityLog, Clock],
      useFactory: (config: AppConfig, security: SecurityLog, clock: Clock): Promise<TlsContexts> =>
        TlsContexts.open({ config, security, clock }),
    },
  ],
  exports: [HttpAdmission],
})
export class TransportModule {}
