import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuthWorld, TOKEN } from '../../../test/support/auth-world.js';
import { type TemporaryFolder, temporaryFolder } from '../../../test/support/places.js';
import type { Principal } from '../principal.js';
import { LiveRoles } from '../roles/live-roles.js';
import { Permissions } from '../roles/permissions.js';
import type { KeyRequest } from './api-keys.js';
import { KeyGrants } from './key-grants.js';

const ROLES = `
roles:
  keeper:
    inherits: [viewer]
    permissions: [read:keys, manage:keys]
  careful:
    inherits: [keeper]
    deny: ["tool:drop_*"]
  root:
    inherits: [admin]
    permissions: ['*']
  all-managing:
    permissions: ['*']
`;

const caller = (roles: readonly string[], scopes?: readonly string[]): Principal => ({
  issuer: 'gatehouse',
  subject: 'kim',
  roles,
  isAuthenticated: true,
  ...(scopes && { scopes }),
});

describe('KeyGrants: a manager of keys', () => {
  let folder: TemporaryFolder;
  let world: AuthWorld;
  let grants: KeyGrants;

  beforeAll(async () => {
    folder = await temporaryFolder();
    const rolesFile = join(folder.path, 'roles.yaml');
    await writeFile(rolesFile, ROLES);
    world = await AuthWorld.open({ policy: { rolesFile }, auth: { tokens: `boss:admin:${TOKEN}` } });
    const roles = await LiveRoles.open(world.config);
    grants = new KeyGrants(world.config, world.parts.ring, roles, new Permissions(roles));
  });

  afterAll(() => folder.remove());

  const refusal = (
    who: Principal,
    key: Pick<KeyRequest, 'roles' | 'scopes'> & { name?: string },
  ): string | undefined => {
    try {
      grants.check(who, { name: 'job', ...key });
      return undefined;
    } catch (error) {
      expect(error).toMatchObject({ kind: 'permission_denied' });
      return (error as Error).message;
    }
  };

  it('hands out the roles that they have, or inherit', () => {
    for (const roles of [['keeper'], ['viewer'], ['viewer', 'keeper']]) {
      expect(refusal(caller(['keeper']), { roles })).toBeUndefined();
    }
  });

  it('hands out no role that they do not have, alone or among others', () => {
    for (const roles of [['admin'], ['operator'], ['keeper', 'admin'], ['all-managing'], ['no-role']]) {
      expect(refusal(caller(['keeper']), { roles })).toMatch(/^You do not have the role/);
    }
  });

  it('may do everything to the server, and still hands out only what they have, unless they are an admin', () => {
    expect(refusal(caller(['all-managing']), { roles: ['admin'] })).toMatch(/the role "admin"/);
    expect(refusal(caller(['root']), { roles: ['careful'] })).toBeUndefined();
    expect(refusal(caller(['admin']), { roles: ['all-managing'] })).toBeUndefined();
  });

  it('loses no rule that denies them something on the way', () => {
    expect(refusal(caller(['careful']), { roles: ['careful'] })).toBeUndefined();
    expect(refusal(caller(['careful']), { roles: ['viewer', 'careful'] })).toBeUndefined();
    expect(refusal(caller(['careful']), { roles: ['keeper'] })).toMatch(/leave out rule careful\.deny\[0\]/);
  });

  it('makes no key in the name of somebody who has more: of a token, and of a key', async () => {
    const { keys } = world.parts;
    const { key } = await keys.create({ name: 'olga', roles: ['operator'] }, 'gatehouse/boss');
    await keys.create({ name: 'vera', roles: ['viewer'] }, 'gatehouse/boss');
    for (const name of ['boss', 'olga']) {
      expect(refusal(caller(['keeper']), { name, roles: ['viewer'] })).toMatch(/^Somebody of this name/);
      expect(refusal(caller(['admin']), { name, roles: ['viewer'] })).toBeUndefined();
    }
    expect(refusal(caller(['keeper']), { name: 'vera', roles: ['viewer'] })).toBeUndefined();
    await keys.revoke(key.id, 'gatehouse/boss');
    expect(refusal(caller(['keeper']), { name: 'olga', roles: ['viewer'] })).toBeUndefined();
  });

  it('whom scopes limit makes no key that they limit less, be it an admin', () => {
    const limited = caller(['admin'], ['files:read', 'files:write']);
    expect(refusal(limited, { roles: ['viewer'] })).toMatch(/^Scopes limit your credential/);
    expect(refusal(limited, { roles: ['viewer'], scopes: ['files:read', 'all'] })).toMatch(/^Scopes limit/);
    expect(refusal(limited, { roles: ['viewer'], scopes: ['files:read'] })).toBeUndefined();
    expect(refusal(caller(['admin']), { roles: ['viewer'], scopes: ['any'] })).toBeUndefined();
  });
});
