import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TemporaryFolder, temporaryFolder } from '../../../test/support/places.js';
import { AppConfig } from '../../config/index.js';
import type { Principal } from '../principal.js';
import { LiveRoles } from './live-roles.js';

const caller = (...roles: string[]): Principal => ({ issuer: 'i', subject: 's', roles, isAuthenticated: true });

let folder: TemporaryFolder;
let path: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'roles.yaml');
});

afterEach(() => folder.remove());

const config = (server: { stdioRole?: string; anonymousRole?: string } = {}): AppConfig =>
  AppConfig.of({ policy: { rolesFile: path }, server });

describe('LiveRoles', () => {
  it('are the built-in ones without a file', async () => {
    expect((await LiveRoles.open(AppConfig.of())).book.names).toEqual(['viewer', 'operator', 'admin']);
  });

  it('K-24 do not open with faults, and tell them all, roles of the settings among them', async () => {
    await writeFile(path, 'roles: { a: { allow: [x], deny: [y] } }');
    await expect(LiveRoles.open(config())).rejects.toMatchObject({
      faults: [expect.any(String), expect.any(String)],
      exitCode: 78,
    });
    await writeFile(path, 'roles: { team: {} }');
    await expect(LiveRoles.open(config({ stdioRole: 'teem', anonymousRole: 'team' }))).rejects.toMatchObject({
      faults: ['server.stdioRole is "teem", which is no role; there are: viewer, operator, admin, team'],
    });
    expect((await LiveRoles.open(config({ anonymousRole: 'team' }))).book.has('team')).toBe(true);
  });

  it('S4-38 take others over when the reload is committed, and not before', async () => {
    await writeFile(path, 'roles: { a: { allow: "tool:x" } }');
    const roles = await LiveRoles.open(config());
    const changed = jest.fn();
    const stop = roles.onChange(changed);
    const before = roles.book;
    await writeFile(path, 'roles: { b: {} }');
    const prepared = await roles.prepare(config());
    expect([roles.book, prepared.changed]).toEqual([before, ['policy.rolesFile']]);
    prepared.commit();
    expect([roles.book.has('a'), roles.book.has('b'), changed.mock.calls]).toEqual([false, true, [[before]]]);
    stop();
    await writeFile(path, 'roles: {}');
    (await roles.prepare(config())).commit();
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it('S4-38 stay where the file is bad, or takes away a role that the settings give', async () => {
    await writeFile(path, 'roles: { team: {} }');
    const roles = await LiveRoles.open(config({ anonymousRole: 'team' }));
    for (const bad of ['roles: {', 'roles: { other: {} }']) {
      await writeFile(path, bad);
      await expect(roles.prepare(config())).rejects.toThrow('The roles have faults');
    }
    expect(roles.book.has('team')).toBe(true);
  });

  it('change nothing where the file says the same', async () => {
    await writeFile(path, 'roles: { a: {} }');
    const roles = await LiveRoles.open(config());
    const [before, changed] = [roles.book, jest.fn()];
    roles.onChange(changed);
    const prepared = await roles.prepare(config());
    prepared.commit();
    expect([prepared.changed, roles.book, changed.mock.calls]).toEqual([[], before, []]);
  });

  it('go on knowing the roles that targets name, also those that the file once knew', async () => {
    await writeFile(path, 'roles: { billing: {} }');
    const roles = await LiveRoles.open(config());
    const target = { kind: 'tool', name: 'invoice', tags: [], roles: ['billing', 'other'] } as const;
    roles.book.learn(target);
    const sees = (): boolean[] =>
      ['billing', 'other'].map((role) => roles.book.setOf(caller(role)).rulesFor(target).isVisible);
    expect(sees()).toEqual([false, true]);
    await writeFile(path, 'roles: {}');
    (await roles.prepare(config())).commit();
    expect(sees()).toEqual([true, true]);
  });
});
