import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CanActivate, type ExecutionContext, HttpException, HttpStatus } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import type { ThrottlerLimitDetail, ThrottlerStorage } from '@nestjs/throttler';
import type { SecurityLog } from '../../audit/index.js';
import type { LiveSettings } from '../../config/index.js';
import { addressKey } from '../address-key.js';
import { principalKey } from '../caller-key.js';
import type { RateViolations } from '../rate-violations.js';
import { RestThrottle, UNTHROTTLED } from './rest-throttle.guard.js';

const MS_PER_SEC = 1_000;

/** Who sends a REST request, as far as its limit is concerned. */
export interface RestCaller {
  readonly issuer: string;
  readonly subject: string;
  /** Whether a credential proved it: who is unproven is counted by address. */
  readonly isAuthenticated: boolean;
}

/** Where a REST request comes from. */
export interface RestSender {
  /** Undefined where nobody knows. */
  readonly caller: RestCaller | undefined;
  /** Of the client, behind trusted proxies; undefined leaves it to the application and the socket. */
  readonly address?: string | undefined;
}

/** Finds out who sends a request. */
export type FindRestSender = (req: IncomingMessage) => RestSender;

type RestRequest = IncomingMessage & { readonly ip?: string };

/** What the limit is made of. */
export interface ThrottleParts {
  readonly settings: LiveSettings;
  readonly storage: ThrottlerStorage;
  readonly reflector: Reflector;
  readonly find: FindRestSender;
  readonly security: SecurityLog;
  readonly violations: RateViolations;
}

/** The guard of `@nestjs/throttler` over our storage. */
export class LibraryThrottle extends RestThrottle {
  /** A request that passes two guards, one of the application and one of a controller, counts once. */
  private readonly counted = new WeakSet<IncomingMessage>();

  private constructor(private readonly guard: CanActivate) {
    super();
  }

  /** Loads the library: only a process that serves REST pays for it. */
  static async load(parts: ThrottleParts): Promise<LibraryThrottle> {
    const { ThrottlerGuard } = await import('@nestjs/throttler');
    const { settings, storage, reflector } = parts;

    class CallerThrottlerGuard extends ThrottlerGuard {
      protected override async shouldSkip(context: ExecutionContext): Promise<boolean> {
        if (!settings.rate.enabled) return true;
        const places = [context.getHandler(), context.getClass()];
        return reflector.getAllAndOverride<boolean | undefined>(UNTHROTTLED, places) ?? false;
      }

      protected override async getTracker(req: Record<string, unknown>): Promise<string> {
        return keyOf(req as unknown as RestRequest, parts.find);
      }

      protected override generateKey(_context: ExecutionContext, tracker: string): string {
        return tracker;
      }

      protected override async throwThrottlingException(
        context: ExecutionContext,
        detail: ThrottlerLimitDetail,
      ): Promise<void> {
        refuse(context, detail, parts);
      }
    }

    const throttlers = [{ limit: () => settings.rate.maxRestRequests, ttl: () => settings.rate.windowMs }];
    const guard = new CallerThrottlerGuard({ throttlers }, storage, reflector);
    await guard.onModuleInit();
    return new LibraryThrottle(guard);
  }

  override async admit(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<RestRequest>();
    if (this.counted.has(request)) return true;
    this.counted.add(request);
    return (await this.guard.canActivate(context)) as boolean;
  }
}

function keyOf(request: RestRequest, find: FindRestSender): string {
  const { caller, address } = find(request);
  return caller?.isAuthenticated ? principalKey(caller) : addressKey(address ?? addressOf(request));
}

/** As the application trusts proxies: Express's word where it has one. */
function addressOf({ ip, socket }: RestRequest): string | undefined {
  return ip ?? socket.remoteAddress;
}

/** @throws HttpException 429 @see RFC 9457 */
function refuse(
  context: ExecutionContext,
  { limit, ttl, timeToBlockExpire }: ThrottlerLimitDetail,
  { find, security, violations }: ThrottleParts,
): never {
  const http = context.switchToHttp();
  const request = http.getRequest<RestRequest>();
  const { caller, address } = find(request);
  const ip = address ?? addressOf(request);
  const retryAfterMs = timeToBlockExpire * MS_PER_SEC;
  const facts = { transport: 'http', ip, principal: caller?.subject, bucket: 'rest', limit, windowMs: ttl };
  security.emit('rate_limit_exceeded', { ...facts, retryAfterMs });
  violations.note(ip);
  http.getResponse<ServerResponse>().setHeader('Content-Type', 'application/problem+json');
  const message = `Rate limit exceeded: try again in ${timeToBlockExpire} s`;
  const problem = {
    type: 'urn:mcp-gatehouse:error:rate_limited',
    title: 'Too Many Requests',
    status: HttpStatus.TOO_MANY_REQUESTS,
    detail: message,
    message,
    kind: 'rate_limited',
    retryAfterMs,
  };
  throw new HttpException(problem, HttpStatus.TOO_MANY_REQUESTS);
}
