import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ProtocolError } from '../../common/index.js';
import { Authenticator, type Credentials } from '../authenticator.js';
import type { Principal } from '../principal.js';
import { type Permission, Public, RequiresPermission } from './access.decorators.js';
import { AccessGuard } from './access.guard.js';
import { RouteAccess } from './route-access.js';

/** Takes a role for a credential. */
class RoleAuthenticator extends Authenticator {
  asked = 0;

  constructor(override readonly isRequired = true) {
    super();
  }

  override authenticate({ authorization }: Credentials): Principal {
    this.asked += 1;
    if (authorization === 'bad') throw new ProtocolError('auth_failed', 'Authentication failed');
    if (authorization === undefined && this.isRequired)
      throw new ProtocolError('auth_required', 'Authentication required');
    return { issuer: 'i', subject: 's', roles: [authorization ?? 'operator'], isAuthenticated: true };
  }

  override local(): Principal {
    return this.authenticate({});
  }
}

class Routes {
  @Public()
  open(this: void): void {}

  @RequiresPermission('read:metrics')
  reading(this: void): void {}

  undeclared(this: void): void {}
}

@RequiresPermission('manage:tools')
class Managing {
  inherits(this: void): void {}

  @RequiresPermission('use:tools')
  own(this: void): void {}
}

const request = (authorization?: string): IncomingMessage =>
  ({
    headers: { ...(authorization !== undefined && { authorization }) },
    socket: { remoteAddress: '10.0.0.1' },
  }) as IncomingMessage;

function world(isRequired = true) {
  const authenticator = new RoleAuthenticator(isRequired);
  const access = new RouteAccess(authenticator);
  const guard = new AccessGuard(new Reflector(), access);
  const enter = (route: object, handler: () => void, req: IncomingMessage, type = 'http'): Promise<boolean> => {
    const context = {
      getType: () => type,
      getHandler: () => handler,
      getClass: () => route,
      switchToHttp: () => ({ getRequest: () => req }),
    };
    return guard.canActivate(context as unknown as ExecutionContext);
  };
  return { authenticator, access, enter };
}

const { open, reading, undeclared } = Routes.prototype;
const { inherits, own } = Managing.prototype;

describe('AccessGuard', () => {
  it('lets everyone into a public route, and asks nobody who they are', async () => {
    const { enter, authenticator } = world();
    expect(await enter(Routes, open, request())).toBe(true);
    expect(authenticator.asked).toBe(0);
  });

  it('closes a route that declares nobody, to admins too', async () => {
    await expect(world().enter(Routes, undeclared, request('admin'))).rejects.toMatchObject({
      kind: 'permission_denied',
    });
  });

  it('closes what is no HTTP route', async () => {
    expect(await world().enter(Routes, open, request('admin'), 'ws')).toBe(false);
  });

  it.each<[string | undefined, string]>([
    [undefined, 'auth_required'],
    ['bad', 'auth_failed'],
    ['viewer', 'permission_denied'],
    ['nonesuch', 'permission_denied'],
  ])('refuses %s with %s', async (authorization, kind) => {
    await expect(world().enter(Routes, reading, request(authorization))).rejects.toMatchObject({ kind });
  });

  it('takes what a route says over what its controller says', async () => {
    const { enter } = world();
    expect(await enter(Managing, inherits, request('admin'))).toBe(true);
    await expect(enter(Managing, inherits, request('operator'))).rejects.toMatchObject({ kind: 'permission_denied' });
    expect(await enter(Managing, own, request('viewer'))).toBe(true);
  });
});

describe('RouteAccess', () => {
  it.each<[string, Permission, boolean]>([
    ['viewer', 'use:tools', true],
    ['viewer', 'read:tools', false],
    ['operator', 'read:audit', true],
    ['operator', 'manage:tools', false],
    ['admin', 'manage:keys', true],
  ])('D-11 %s and %s: %s', async (role, permission, isAllowed) => {
    const admitted = world().access.admit(request(role), permission);
    if (isAllowed) await expect(admitted).resolves.toBeUndefined();
    else await expect(admitted).rejects.toMatchObject({ kind: 'permission_denied' });
  });

  it('finds out once who sends a request', async () => {
    const { access, authenticator } = world();
    const req = request('admin');
    expect(() => access.requireCaller(req)).toThrow('credential');
    await access.admit(req, 'read:tools');
    await access.admit(req, 'manage:tools');
    expect(access.requireCaller(req).roles).toEqual(['admin']);
    expect(authenticator.asked).toBe(1);
  });

  it('D-21 the management listener serves health and metrics without a credential, and nothing else', async () => {
    const { access } = world();
    const req = request();
    access.fromManagement(req);
    await access.admit(req, 'read:metrics');
    expect(await access.mayAlso(req, 'read:health')).toBe(true);
    await expect(access.admit(req, 'read:config')).rejects.toMatchObject({ kind: 'auth_required' });
  });

  it('a public route tells more to those who may, and a wrong credential is refused there too', async () => {
    const { access } = world();
    expect(await access.mayAlso(request(), 'read:health')).toBe(false);
    expect(await access.mayAlso(request('viewer'), 'read:health')).toBe(false);
    expect(await access.mayAlso(request('operator'), 'read:health')).toBe(true);
    await expect(access.mayAlso(request('bad'), 'read:health')).rejects.toMatchObject({ kind: 'auth_failed' });
    expect(await world(false).access.mayAlso(request(), 'read:health')).toBe(true);
  });
});
