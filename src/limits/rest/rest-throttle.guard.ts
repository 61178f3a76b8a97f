import { type CanActivate, type CustomDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';

/** Metadata of routes that are not counted. */
export const UNTHROTTLED = 'gatehouse:unthrottled';

/** Leaves a route, or all of a controller, out of the limit: for probes. */
export const Unthrottled = (): CustomDecorator => SetMetadata(UNTHROTTLED, true);

/** Holds REST requests to their limit. */
export abstract class RestThrottle {
  /** @throws HttpException 429, problem+json */
  abstract admit(context: ExecutionContext): Promise<boolean>;
}

/**
 * Holds REST routes to one limit for each caller, over all of them: by principal, else by address. To stand after the
 * guard that finds out who calls.
 */
@Injectable()
export class RestThrottleGuard implements CanActivate {
  constructor(private readonly throttle: RestThrottle) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    return context.getType() !== 'http' || this.throttle.admit(context);
  }
}
