import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Socket } from 'node:net';
import { Controller, type ExecutionContext, Get, Logger } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { ClientAddresses } from '../../limits/index.js';
import { ProtocolError } from '../../common/index.js';
import { Authenticator, type Credentials } from '../authenticator.js';
import { IncidentBoard } from '../incidents/incident-board.js';
import type { Principal } from '../principal.js';
import { LiveRoles } from '../roles/live-roles.js';
import { Permissions } from '../roles/permissions.js';
import { AnyCaller, GatehouseController, Public, RequiresPermission, Roles, Scopes } from './access.decorators.js';
import { AccessGuard } from './access.guard.js';
import { accessRuleOf } from './access-rule.js';
import { RequestCredentials } from './request-credentials.js';
import { callerOf, type GuardedRequest, RouteAccess } from './route-access.js';
import { undeclaredRoutes } from './undeclared-routes.js';

@GatehouseController('things')
class Things {
  @Public()
  @Get()
  open(): void {}

  @Roles('operator')
  @Scopes('a', 'b')
  @Get()
  both(): void {}

  @RequiresPermission('manage:keys')
  @Get()
  keys(): void {}

  @AnyCaller()
  @Get()
  anyone(): void {}

  @RequiresPermission('read:metrics')
  @Get()
  figures(): void {}

  @Get()
  forgotten(): void {}

  helper(): void {}
}

@Roles('admin')
@GatehouseController()
class Guarded {
  @Get()
  plain(): void {}

  @Public()
  @Get()
  open(): void {}

  @Scopes('a')
  @Get()
  scoped(): void {}

  @AnyCaller()
  @Get()
  anyone(): void {}
}

@Public()
@GatehouseController()
class Open {
  @Get()
  plain(): void {}

  @Roles('admin')
  @Get()
  kept(): void {}
}

@Controller('host')
class Foreign {
  @Public()
  @Get()
  mine(): void {}
}

const principal: Principal = { issuer: 'i', subject: 's', roles: ['operator'], isAuthenticated: true };
let current: Principal;
const seen: Credentials[] = [];

class OneCaller extends Authenticator {
  override isRequired = true;

  override authenticate(credentials: Credentials): Principal {
    seen.push(credentials);
    if (credentials.authorization === 'bad') throw new ProtocolError('auth_failed', 'Authentication failed');
    return current;
  }

  override local(): Principal {
    return current;
  }
}

const credentials = new RequestCredentials(
  new ClientAddresses(AppConfig.of({ server: { trustedProxies: ['10.0.0.9'] } })),
);
let board: IncidentBoard;
let authenticator: OneCaller;
let access: RouteAccess;
let guard: AccessGuard;

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  current = principal;
  seen.length = 0;
  board = new IncidentBoard();
  authenticator = new OneCaller();
  access = new RouteAccess(authenticator, new Permissions(new LiveRoles()), board, credentials);
  guard = new AccessGuard(access);
});

type Class = abstract new () => object;

async function pass(type: Class, name: string, request: Partial<GuardedRequest> = {}): Promise<GuardedRequest> {
  const full: GuardedRequest = Object.assign(request, {
    headers: request.headers ?? {},
    socket: request.socket ?? ({} as Socket),
  });
  const context = {
    getType: () => 'http',
    getHandler: () => (type.prototype as Record<string, unknown>)[name],
    getClass: () => type,
    switchToHttp: () => ({ getRequest: () => full }),
  } as unknown as ExecutionContext;
  expect(await guard.canActivate(context)).toBe(true);
  return full;
}

describe('AccessGuard', () => {
  it('lets anybody to what is public, and asks for no credential', async () => {
    await pass(Things, 'open');
    expect(seen).toEqual([]);
  });

  it('is shut to what is no HTTP', async () => {
    const context = { getType: () => 'ws' } as unknown as ExecutionContext;
    expect(await guard.canActivate(context)).toBe(false);
  });

  it('lets every caller to what is for any, but not who is in quarantine', async () => {
    current = { ...principal, roles: [] };
    expect((await pass(Things, 'anyone')).principal).toBe(current);
    board.set([
      { id: 'x', scope: { kind: 'principal', issuer: 'i', subject: 's' }, reason: 'r', by: 'b', since: 0, until: 1 },
    ]);
    await expect(pass(Things, 'anyone')).rejects.toMatchObject({ kind: 'quarantined' });
  });

  it('is shut where a route declares nothing', async () => {
    await expect(pass(Things, 'forgotten')).rejects.toMatchObject({ kind: 'permission_denied' });
    expect(seen).toEqual([]);
  });

  it('says who calls, by the one chain of all doors', async () => {
    current = { ...principal, roles: ['admin'] };
    const from = (remoteAddress: string): Socket => ({ remoteAddress }) as Socket;
    const headers = { authorization: 'Bearer x', 'x-forwarded-for': '203.0.113.7' };
    expect((await pass(Things, 'keys', { headers, socket: from('10.0.0.1') })).principal).toBe(current);
    await pass(Things, 'keys', { headers, socket: from('10.0.0.9') });
    const shown = { authorization: 'Bearer x', certificate: undefined, door: 'rest' };
    // W-13: what a proxy says of its clients counts where the proxy is trusted.
    expect(seen).toEqual([
      { ...shown, address: '10.0.0.1' },
      { ...shown, address: '203.0.113.7' },
    ]);
  });

  it('asks for the permission, which use does not bring', async () => {
    await expect(pass(Things, 'keys')).rejects.toMatchObject({
      kind: 'permission_denied',
      message: 'Your role does not have the permission manage:keys.',
    });
  });

  it('asks for a role and for every scope', async () => {
    await pass(Things, 'both');
    current = { ...principal, scopes: ['b', 'a'] };
    await pass(Things, 'both');
    current = { ...principal, scopes: ['a'] };
    await expect(pass(Things, 'both')).rejects.toMatchObject({
      kind: 'insufficient_scope',
      data: { requiredScopes: ['a', 'b'] },
    });
    current = { ...principal, roles: ['viewer'] };
    await expect(pass(Things, 'both')).rejects.toMatchObject({ kind: 'permission_denied' });
  });

  it('refuses whoever is in quarantine, whatever their role', async () => {
    current = { ...principal, roles: ['admin'] };
    const scope = { kind: 'principal', issuer: 'i', subject: 's' } as const;
    board.set([{ id: 'x', scope, reason: 'r', by: 'b', since: 0, until: 1 }]);
    await expect(pass(Things, 'keys')).rejects.toMatchObject({ kind: 'quarantined' });
    await pass(Things, 'open');
  });
});

describe('RouteAccess', () => {
  it('asks once who calls, and knows it also of those who are refused', async () => {
    const request: Partial<GuardedRequest> = {};
    expect(() => callerOf(request as GuardedRequest)).toThrow('credential');
    await pass(Things, 'anyone', request);
    await expect(pass(Things, 'keys', request)).rejects.toMatchObject({ kind: 'permission_denied' });
    expect([seen.length, callerOf(request as GuardedRequest)]).toEqual([1, principal]);
  });

  it('D-21 lets the management listener to health and metrics without a credential, and to nothing else', async () => {
    const request: GuardedRequest = { headers: {}, socket: {} as Socket };
    access.fromManagement(request);
    await pass(Things, 'figures', request);
    expect([seen.length, await access.mayAlso(request, 'read:health'), access.isFromManagement(request)]).toEqual([
      0,
      true,
      true,
    ]);
    await expect(pass(Things, 'keys', request)).rejects.toMatchObject({ kind: 'permission_denied' });
  });

  it('tells more on a public route to those who may, and refuses a wrong credential there too', async () => {
    const more = (authorization?: string): Promise<boolean> =>
      access.mayAlso(
        { headers: authorization === undefined ? {} : { authorization }, socket: {} as Socket },
        'read:health',
      );
    expect([await more(), await more('Bearer x'), seen.length]).toEqual([false, true, 1]);
    current = { ...principal, roles: ['viewer'] };
    expect(await more('Bearer x')).toBe(false);
    await expect(more('bad')).rejects.toMatchObject({ kind: 'auth_failed' });
    current = principal;
    authenticator.isRequired = false;
    expect(await more()).toBe(true);
    board.set([
      { id: 'x', scope: { kind: 'principal', issuer: 'i', subject: 's' }, reason: 'r', by: 'b', since: 0, until: 1 },
    ]);
    expect(await more()).toBe(false);
  });
});

describe('the rule of a route', () => {
  const of = (type: Class, name: string): unknown =>
    accessRuleOf((type.prototype as Record<string, object>)[name] as object, type);

  it('is what class and method say together, the method above the class', () => {
    expect(of(Guarded, 'plain')).toEqual({ roles: ['admin'] });
    expect(of(Guarded, 'scoped')).toEqual({ roles: ['admin'], scopes: ['a'] });
    expect(of(Things, 'both')).toEqual({ roles: ['operator'], scopes: ['a', 'b'] });
  });

  it('never mixes public with anything', () => {
    expect(of(Guarded, 'open')).toEqual({ isPublic: true });
    expect(of(Guarded, 'anyone')).toEqual({ isForAnyCaller: true });
    expect(of(Open, 'plain')).toEqual({ isPublic: true });
    expect(of(Open, 'kept')).toEqual({ roles: ['admin'] });
  });

  it('is missing where a route declares none, or its controller is not behind the guard', () => {
    expect(undeclaredRoutes([Things, Guarded, Open, Foreign])).toEqual(['Things.forgotten', 'Foreign.mine']);
  });
});
