import { Module } from '@nestjs/common';
import { AuditModule, SecurityLog } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { Clock } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { DispatchModule } from '../dispatch/index.js';
import { LimitsModule } from '../limits/index.js';
import { SessionModule } from '../session/index.js';
import { ToolsModule } from '../tools/index.js';
import { ConnectionAdmission } from './connections/connection-admission.js';
import { ConnectionJournal } from './connections/connection-journal.js';
import { Connections } from './connections/connections.js';
import { Doorkeeper } from './connections/doorkeeper.js';
import { Tickets } from './connections/tickets.js';
import { Doors } from './door.js';
import { DoorGauges } from './door-gauges.js';
import { Conversations } from './duplex/conversations.js';
import { Attachment } from './http/attachment.js';
import { Challenges } from './http/challenges.js';
import { HttpAdmission } from './http/http-admission.js';
import { HttpCallers } from './http/http-callers.js';
import { HttpDoor } from './http/http-door.js';
import { HttpLane } from './http/http-lane.js';
import { HttpSockets } from './http/http-sockets.js';
import { LaneFront } from './http/lane-front.js';
import { LaneRoutes } from './http/lane-routes.js';
import { HttpPosts } from './http/http-posts.js';
import { ModernHeaders } from './http/modern-headers.js';
import { OpenExchanges } from './http/open-exchanges.js';
import { ResourceMetadata } from './http/resource-metadata.js';
import { SessionStreams } from './http/session-streams.js';
import { StreamLogs } from './http/stream-logs.js';
import { StreamableHttp } from './http/streamable-http.js';
import { LegacySse } from './sse/legacy-sse.js';
import { LoneMessages } from './sse/lone-messages.js';
import { SseMessages } from './sse/sse-messages.js';
import { SseStreams } from './sse/sse-streams.js';
import { SessionsSeen } from './status/sessions-seen.js';
import { StdioTransport } from './stdio/stdio.transport.js';
import { TcpDoor } from './tcp/tcp-door.js';
import { TcpListener } from './tcp/tcp-listener.js';
import { TlsContexts } from './tls/tls-contexts.js';
import { TransportService } from './transport.service.js';
import { McpGateway } from './websocket/mcp.gateway.js';
import { WsUpgrades } from './websocket/ws-upgrades.js';

@Module({
  imports: [AuditModule, AuthModule, DispatchModule, LimitsModule, SessionModule, ToolsModule],
  providers: [
    Doors,
    DoorGauges,
    ConnectionAdmission,
    ConnectionJournal,
    Connections,
    Conversations,
    Doorkeeper,
    Tickets,
    Attachment,
    Challenges,
    HttpAdmission,
    HttpCallers,
    HttpDoor,
    HttpLane,
    HttpSockets,
    HttpPosts,
    LaneFront,
    LaneRoutes,
    LegacySse,
    LoneMessages,
    SseMessages,
    SseStreams,
    ModernHeaders,
    ResourceMetadata,
    SessionStreams,
    StreamLogs,
    OpenExchanges,
    SessionsSeen,
    StdioTransport,
    StreamableHttp,
    TcpDoor,
    TcpListener,
    TransportService,
    {
      provide: TlsContexts,
      inject: [AppConfig, SecurityLog, Clock],
      useFactory: (config: AppConfig, security: SecurityLog, clock: Clock): Promise<TlsContexts> =>
        TlsContexts.open({ config, security, clock }),
    },
    McpGateway,
    WsUpgrades,
  ],
  exports: [ConnectionAdmission, Connections, HttpAdmission, HttpCallers, HttpLane, SessionsSeen, Tickets],
})
export class TransportModule {}
