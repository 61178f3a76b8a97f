import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { LimitsModule } from '../limits/index.js';
import { PromptsModule } from '../prompts/index.js';
import { ResourcesModule } from '../resources/index.js';
import { SessionModule } from '../session/index.js';
import { ToolsModule } from '../tools/index.js';
import { Announcements } from './announcements.js';
import { Catalogue } from './catalogue.js';
import { CatalogueLoader } from './catalogue-loader.js';
import { ClientQuestions } from './client-questions.js';
import { Cursors } from './cursors.js';
import { Dispatcher } from './dispatcher.js';
import { LiveGauges } from './live-gauges.js';
import type { MethodHandler } from './method-handler.js';
import { CompletionHandler } from './methods/completion.handler.js';
import { DiscoverHandler } from './methods/discover.handler.js';
import { InitializeHandler } from './methods/initialize.handler.js';
import { ListenHandler } from './methods/listen.handler.js';
import { PromptsHandler } from './methods/prompts.handler.js';
import { ResourcesHandler } from './methods/resources.handler.js';
import { SessionHandler } from './methods/session.handler.js';
import { TasksHandler } from './methods/tasks.handler.js';
import { ToolsHandler } from './methods/tools.handler.js';
import { EventCounts } from './event-counts.js';
import { Explainer } from './explain/explainer.js';
import { GuardGauges } from './guard-gauges.js';
import { FeatureTargets } from './explain/feature-targets.js';
import { PolicySteps } from './explain/policy-steps.js';
import { MessageGate } from './message-gate.js';
import { Pages } from './pages.js';
import { METHOD_HANDLERS, RequestServer } from './request-server.js';
import { Rounds } from './rounds.js';
import { RunningRequests } from './running-requests.js';
import { RunningWork } from './running-work.js';
import { RuleReview } from './rule-review.js';
import { ServerIdentity } from './server-identity.js';
import { ViewAnnouncements } from './view-announcements.js';
import { TaskPlaces } from './tasks/task-places.js';
import { TaskStarter } from './tasks/task-starter.js';
import { Tasks } from './tasks/tasks.js';

const HANDLERS = [
  ToolsHandler,
  ResourcesHandler,
  PromptsHandler,
  CompletionHandler,
  SessionHandler,
  DiscoverHandler,
  ListenHandler,
  TasksHandler,
];

@Module({
  imports: [AuditModule, AuthModule, LimitsModule, SessionModule, ToolsModule, ResourcesModule, PromptsModule],
  providers: [
    Announcements,
    Catalogue,
    CatalogueLoader,
    ClientQuestions,
    Cursors,
    Dispatcher,
    EventCounts,
    Explainer,
    FeatureTargets,
    GuardGauges,
    InitializeHandler,
    LiveGauges,
    MessageGate,
    Pages,
    PolicySteps,
    RequestServer,
    Rounds,
    RunningRequests,
    RunningWork,
    RuleReview,
    ServerIdentity,
    TaskPlaces,
    Tasks,
    TaskStarter,
    ViewAnnouncements,
    ...HANDLERS,
    {
      provide: METHOD_HANDLERS,
      inject: HANDLERS,
      useFactory: (...handlers: MethodHandler[]): MethodHandler[] => handlers,
    },
  ],
  exports: [Announcements, Catalogue, Dispatcher, Explainer, RunningRequests, RunningWork],
})
export class DispatchModule {}
