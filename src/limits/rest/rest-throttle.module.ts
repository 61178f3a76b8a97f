import { type DynamicModule, type InjectionToken, Module, type ModuleMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuditModule, SecurityLog } from '../../audit/index.js';
import { LiveSettings } from '../../config/index.js';
import { LimitsModule } from '../limits.module.js';
import { RateViolations } from '../rate-violations.js';
import { type FindRestSender, LibraryThrottle } from './library-throttle.js';
import { RestThrottle, RestThrottleGuard } from './rest-throttle.guard.js';
import { WindowThrottlerStorage } from './window-throttler-storage.js';

const FIND_REST_SENDER = Symbol('FIND_REST_SENDER');

/** How the guard finds out who calls. */
export interface RestThrottleOptions {
  /** Modules that export what is injected below. */
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject?: readonly InjectionToken[];
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever is injected, in its order
  readonly useFactory: (...injected: any[]) => FindRestSender;
}

/**
 * {@link RestThrottleGuard} and what it needs, for modules whose controllers carry it. In place of `ThrottlerModule`,
 * which is global and would put its options on the guards of a host application.
 */
@Module({})
export class RestThrottleModule {
  static forRoot({ imports = [], inject = [], useFactory }: RestThrottleOptions): DynamicModule {
    return {
      module: RestThrottleModule,
      imports: [AuditModule, LimitsModule, ...imports],
      providers: [
        RestThrottleGuard,
        WindowThrottlerStorage,
        { provide: FIND_REST_SENDER, inject: [...inject], useFactory },
        {
          provide: RestThrottle,
          inject: [LiveSettings, WindowThrottlerStorage, Reflector, FIND_REST_SENDER, SecurityLog, RateViolations],
          useFactory: loadThrottle,
        },
      ],
      exports: [RestThrottle, RestThrottleGuard],
    };
  }
}

type Parts = [LiveSettings, WindowThrottlerStorage, Reflector, FindRestSender, SecurityLog, RateViolations];

function loadThrottle(...[settings, storage, reflector, find, security, violations]: Parts): Promise<RestThrottle> {
  return LibraryThrottle.load({ settings, storage, reflector, find, security, violations });
}
