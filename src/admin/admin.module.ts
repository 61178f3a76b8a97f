import { Module, type Type } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { DispatchModule } from '../dispatch/index.js';
import { LimitsModule } from '../limits/index.js';
import { SessionModule } from '../session/index.js';
import { ToolsModule } from '../tools/index.js';
import { TransportModule } from '../transport/index.js';
import { AuditController } from './manage/audit.controller.js';
import { AuditReading } from './manage/audit-reading.js';
import { BlocksController } from './manage/blocks.controller.js';
import { ExplainController } from './manage/explain.controller.js';
import { IncidentsController } from './manage/incidents.controller.js';
import { KeysController } from './manage/keys.controller.js';
import { LimitsController } from './manage/limits.controller.js';
import { LimitsReport } from './manage/limits-report.js';
import { NoticesController } from './manage/notices.controller.js';
import { SessionsController } from './manage/sessions.controller.js';
import { SettingsController } from './manage/settings.controller.js';
import { ToolStatesController } from './manage/tool-states.controller.js';

/** Everything under `/admin`. */
export const ADMIN_CONTROLLERS: readonly Type[] = [
  AuditController,
  BlocksController,
  ExplainController,
  IncidentsController,
  KeysController,
  LimitsController,
  NoticesController,
  SessionsController,
  SettingsController,
  ToolStatesController,
];

/** Management by REST: one small controller for each noun. */
@Module({
  imports: [AuditModule, AuthModule, DispatchModule, LimitsModule, SessionModule, ToolsModule, TransportModule],
  controllers: [...ADMIN_CONTROLLERS],
  providers: [AuditReading, LimitsReport],
})
export class AdminModule {}
