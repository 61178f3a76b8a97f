import {
  type DynamicModule,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AuditModule } from '../../audit/index.js';
import { AccessGuard, AuthModule, type GuardedRequest } from '../../auth/index.js';
import { LimitsModule, type RestSender, RestThrottleGuard, RestThrottleModule } from '../../limits/index.js';
import { TransportModule } from '../../transport/index.js';
import { AdminAudit } from './admin-audit.js';
import { NoteChange } from './note-change.guard.js';
import { ProblemFilter } from './problem.filter.js';
import { RestAdmission } from './rest-admission.js';
import { RestEdge } from './rest-edge.middleware.js';
import { RestRequests } from './rest-requests.js';

/** Where the edge stands: before the controllers of ours, or before every route of the application. */
export type RestRoutes = readonly Type[] | 'all';

const ROUTES = Symbol('REST_ROUTES');

/** What all REST routes share. */
@Module({})
export class RestModule implements NestModule {
  constructor(@Inject(ROUTES) private readonly routes: RestRoutes) {}

  /**
   * @param routes `all` on a server of our own: there a route that declares nothing is closed, whoever brought it, and
   *   every error is problem+json. In a host application only our own controllers are touched.
   */
  static forRoot(routes: RestRoutes): DynamicModule {
    const everywhere = [
      { provide: APP_GUARD, useExisting: NoteChange },
      { provide: APP_GUARD, useClass: AccessGuard },
      { provide: APP_GUARD, useExisting: RestThrottleGuard },
      { provide: APP_FILTER, useClass: ProblemFilter },
    ];
    const throttle = RestThrottleModule.forRoot({ useFactory: () => senderOf });
    return {
      module: RestModule,
      global: true,
      imports: [AuditModule, AuthModule, LimitsModule, TransportModule, throttle],
      providers: [
        AdminAudit,
        NoteChange,
        ProblemFilter,
        RestAdmission,
        RestEdge,
        RestRequests,
        { provide: ROUTES, useValue: routes },
        ...(routes === 'all' ? everywhere : []),
      ],
      exports: [AuthModule, NoteChange, ProblemFilter, RestRequests, throttle],
    };
  }

  configure(consumer: MiddlewareConsumer): void {
    const edge = consumer.apply(RestEdge);
    if (this.routes === 'all') edge.exclude('health', 'health/{*path}').forRoutes('{*path}');
    else if (this.routes.length > 0) edge.forRoutes(...this.routes);
  }
}

function senderOf({ principal, address }: GuardedRequest): RestSender {
  return { caller: principal, address };
}
