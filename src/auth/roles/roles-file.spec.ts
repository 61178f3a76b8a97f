import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type TemporaryFolder, temporaryFolder } from '../../../test/support/places.js';
import { PERMISSIONS } from './permission.js';
import type { Role } from './role.js';
import { parseRoles, readRolesFile } from './roles-file.js';

async function faultsOf(text: string): Promise<readonly string[]> {
  return (await parseRoles(text, 'roles.yaml')).faults ?? [];
}

async function roleOf(text: string, name: string): Promise<Role> {
  const { book, faults } = await parseRoles(text, 'roles.yaml');
  const role = book?.all.find((known) => known.name === name);
  if (!role) throw new Error(`There is no role ${name}: ${faults?.join('; ')}`);
  return role;
}

describe('a roles file', () => {
  it('holds roles: what they inherit, allow, deny, may manage, and how often they may run', async () => {
    const role = await roleOf(
      `
roles:
  dba:
    description: Works on databases
    inherits: viewer
    allow:
      - tool:db_*
      - target: [tool:db_write, prompt:report]
        readOnly: false
        tags: [database, sql]
        scopes: [db:write]
        args:
          table: { enum: [users, 3, true, null] }
          /where/limit: { min: 1, max: 100, optional: true }
          /a~1b/c~0d: { prefix: /srv/, pattern: "*.sql" }
    deny: resource:server://config
    permissions: [read:metrics, manage:*]
    messages: 250
    rates: { "tool:db_*": 30, "*": 600 }
`,
      'dba',
    );
    expect(role).toMatchObject({ name: 'dba', place: 'roles.yaml:3', inherits: ['viewer'], messages: 250 });
    expect(role.allow.map(({ id, place }) => [id, place])).toEqual([
      ['dba.allow[0]', 'roles.yaml:7'],
      ['dba.allow[1]', 'roles.yaml:8'],
    ]);
    const [, rule] = role.allow;
    expect(rule).toMatchObject({ hints: { readOnly: false }, tags: ['database', 'sql'], scopes: ['db:write'] });
    expect(rule?.targets.map(({ kind, name }) => [kind, name.text])).toEqual([
      ['tool', 'db_write'],
      ['prompt', 'report'],
    ]);
    const args = { table: 3, where: { limit: 5 }, 'a/b': { 'c~d': '/srv/x.sql' } };
    expect(rule?.args.map((argument) => argument.allows(args))).toEqual([true, true, true]);
    expect(role.deny).toMatchObject([{ id: 'dba.deny[0]', targets: [{ kind: 'resource' }] }]);
    expect(role.permissions).toEqual([
      'read:metrics',
      ...PERMISSIONS.filter((permission) => permission.startsWith('manage:')),
    ]);
    expect(role.rates.map(({ target, runsPerMinute }) => [target.kind, target.name.text, runsPerMinute])).toEqual([
      ['tool', 'db_*', 30],
      ['*', '*', 600],
    ]);
  });

  it('is, as an example, in docs/policy.md, with the lines that are shown there', async () => {
    const doc = await readFile(join(ROOT, 'docs', 'policy.md'), 'utf8');
    const [, text = ''] = /```yaml\n([^]*?)```/.exec(doc) ?? [];
    const { book, faults } = await parseRoles(text, 'roles.yaml');
    expect([faults, book?.names.slice(3)]).toEqual([undefined, ['analyst', 'dba', 'on-call']]);
    const dba = book?.all.find(({ name }) => name === 'dba');
    expect([dba?.place, dba?.allow[0]?.place]).toEqual(['roles.yaml:13', 'roles.yaml:16']);
    expect(doc).toContain(`dba (${dba?.place}), analyst (roles.yaml:2), viewer (built-in)`);
    expect(doc).toContain(`Rule dba.allow[0] (${dba?.allow[0]?.place}) allows it`);
    for (const permission of PERMISSIONS) expect(doc).toContain(`\`${permission.split(':')[1]}\``);
  });

  it('stands for a built-in viewer or operator, and beside the others', async () => {
    const { book } = await parseRoles('{"roles":{"viewer":{"allow":["tool:echo"]},"mine":{}}}', 'roles.json');
    expect(book?.names).toEqual(['viewer', 'operator', 'admin', 'mine']);
    expect(book?.all.find(({ name }) => name === 'viewer')?.place).toBe('roles.json:1');
  });

  it('knows aliases and where they are written', async () => {
    const text = 'roles:\n  a: &a\n    allow:\n      - tool:x\n  b: *a\n';
    expect((await roleOf(text, 'b')).allow[0]).toMatchObject({ id: 'b.allow[0]', place: 'roles.yaml:4' });
  });

  it.each<[string, string, readonly string[]]>([
    ['text', 'hello', ['roles.yaml:1 the document must be an object with "roles"']],
    ['nothing', '', ['roles.yaml:1 the document must be an object with "roles"']],
    ['another key', 'rules: {}', ['roles.yaml:1 rules is not known here; known are: roles']],
    ['a list of roles', 'roles: [a]', ['roles.yaml:1 roles must be an object']],
    ['a role that is text', 'roles:\n  a: x', ['roles.yaml:2 roles.a must be an object']],
    [
      'a bad name',
      'roles:\n  "a b": {}',
      [
        'roles.yaml:2 roles."a b" is no name of a role: 1 to 64 of A-Z a-z 0-9 _ . : - that begins with a letter or digit',
      ],
    ],
    [
      'admin',
      'roles: { admin: {} }',
      ['roles.yaml:1 roles.admin is built in and cannot be changed: give the role another name'],
    ],
    [
      'a slip in a key',
      'roles:\n  a:\n    alow: []',
      [
        'roles.yaml:3 roles.a.alow is not known here; known are: description, inherits, allow, deny, permissions, messages, rates',
      ],
    ],
    [
      'a description that is none',
      'roles: { a: { description: 5 } }',
      ['roles.yaml:1 roles.a.description must be text'],
    ],
    [
      'an unknown parent',
      'roles:\n  a: { inherits: [vewer] }',
      ['roles.yaml:2 roles.a.inherits names no role: vewer; there are: viewer, operator, admin, a'],
    ],
    [
      'a circle',
      'roles:\n  a: { inherits: b }\n  b: { inherits: c }\n  c: { inherits: b }',
      [
        'roles.yaml:3 roles.b.inherits leads back to the role itself',
        'roles.yaml:4 roles.c.inherits leads back to the role itself',
      ],
    ],
    [
      'a target without a kind',
      'roles:\n  a:\n    allow:\n      - echo',
      ['roles.yaml:4 roles.a.allow[0] must be "*", or tool:, resource: or prompt: and a name, at most 256 characters'],
    ],
    [
      'a rule without a target',
      'roles: { a: { allow: [{ tags: [x] }] } }',
      ['roles.yaml:1 roles.a.allow[0].target is missing: say what the rule is about'],
    ],
    [
      'a rule that is a number',
      'roles: { a: { allow: [5] } }',
      [
        'roles.yaml:1 roles.a.allow[0] must be an object',
        'roles.yaml:1 roles.a.allow[0].target is missing: say what the rule is about',
      ],
    ],
    [
      'an empty tag',
      'roles: { a: { allow: [{ target: "*", tags: [""] }] } }',
      ['roles.yaml:1 roles.a.allow[0].tags[0] must be a tag'],
    ],
    [
      'a hint that is text',
      'roles: { a: { allow: [{ target: "*", readOnly: "yes" }] } }',
      ['roles.yaml:1 roles.a.allow[0].readOnly must be true or false'],
    ],
    [
      'a scope with a space',
      'roles: { a: { allow: [{ target: "*", scopes: ["a b"] }] } }',
      ['roles.yaml:1 roles.a.allow[0].scopes[0] must be a scope'],
    ],
    [
      'scopes in a deny rule',
      'roles: { a: { deny: [{ target: "*", scopes: [a] }] } }',
      ['roles.yaml:1 roles.a.deny[0].scopes has no place in a deny rule'],
    ],
    [
      'arguments of everything',
      'roles: { a: { allow: [{ target: "*", args: { x: { max: 1 } } }] } }',
      ['roles.yaml:1 roles.a.allow[0].args needs targets that have arguments: tool: or prompt:'],
    ],
    [
      'arguments without a name',
      'roles: { a: { allow: [{ target: "tool:a", args: { "": { max: 1 } } }] } }',
      [
        'roles.yaml:1 roles.a.allow[0].args."" must be named: the name of an argument, or a pointer such as /query/table',
      ],
    ],
    [
      'limits that say nothing',
      'roles: { a: { allow: [{ target: "tool:a", args: { x: { optional: true } } }] } }',
      ['roles.yaml:1 roles.a.allow[0].args.x says nothing: give one of enum, pattern, prefix, min, max'],
    ],
    [
      'limits that take nothing',
      'roles: { a: { allow: [{ target: "tool:a", args: { x: { min: 2, max: 1 } } }] } }',
      ['roles.yaml:1 roles.a.allow[0].args.x takes nothing: min 2 is above max 1'],
    ],
    [
      'an enumeration of objects',
      'roles: { a: { allow: [{ target: "tool:a", args: { x: { enum: [{}] } } }] } }',
      [
        'roles.yaml:1 roles.a.allow[0].args.x.enum[0] must be text, a number, true, false or null',
        'roles.yaml:1 roles.a.allow[0].args.x.enum must hold a value',
      ],
    ],
    [
      'an infinite bound',
      'roles: { a: { allow: [{ target: "tool:a", args: { x: { min: .inf } } }] } }',
      [
        'roles.yaml:1 roles.a.allow[0].args.x.min must be a number',
        'roles.yaml:1 roles.a.allow[0].args.x says nothing: give one of enum, pattern, prefix, min, max',
      ],
    ],
    [
      'an unknown permission',
      'roles: { a: { permissions: [manage:everything] } }',
      ['roles.yaml:1 roles.a.permissions[0] must be a permission such as read:metrics, manage:tools, read:* or *'],
    ],
    [
      'a rate of none',
      'roles: { a: { rates: { "tool:x": 0 } } }',
      ['roles.yaml:1 roles.a.rates."tool:x" must be a whole number from 1 to 10000, runs a minute'],
    ],
    [
      'messages of part of one',
      'roles: { a: { messages: 1.5 } }',
      ['roles.yaml:1 roles.a.messages must be a whole number from 1 to 100000, messages in one window'],
    ],
    [
      'a rate of nothing',
      'roles: { a: { rates: { echo: 5 } } }',
      [
        'roles.yaml:1 roles.a.rates.echo must be "*", or tool:, resource: or prompt: and a name, at most 256 characters',
      ],
    ],
    [
      'bad YAML',
      'roles: {\n  a: [',
      ['roles.yaml:2 is not valid YAML (BAD_INDENT)', 'roles.yaml:2 is not valid YAML (BAD_INDENT)'],
    ],
    ['a key twice', 'roles:\n  a: {}\n  a: {}', ['roles.yaml:3 is not valid YAML (DUPLICATE_KEY)']],
  ])('is refused with %s, and says where', async (_, text, faults) => {
    expect((await faultsOf(text)).map((fault) => fault.replace(/MISSING_CHAR/, 'BAD_INDENT'))).toEqual(faults);
  });

  it('K-24 lists every fault at once', async () => {
    const text = 'roles:\n  a: { allow: [x], inherits: nobody }\n  b: { permissions: [all] }\n';
    expect((await faultsOf(text)).map((fault) => fault.split(' ', 2).join(' '))).toEqual([
      'roles.yaml:2 roles.a.allow[0]',
      'roles.yaml:3 roles.b.permissions[0]',
      'roles.yaml:2 roles.a.inherits',
    ]);
  });

  it('is bounded', async () => {
    const many = (count: number, make: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => make(i)).join('');
    expect(await faultsOf(`roles:\n${many(1_001, (i) => `  r${i}: {}\n`)}`)).toEqual([
      'roles.yaml:1 roles holds more than 1000 roles',
    ]);
    expect(await faultsOf(`roles:\n  a:\n    deny:\n${many(1_001, () => '      - tool:x\n')}`)).toEqual([
      'roles.yaml:3 roles.a.deny holds more than 1000 rules',
    ]);
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b]\nroles: [*c, *c, *c, *c, *c, *c, *c, *c]\n`;
    expect(await faultsOf(bomb)).toContain('roles.yaml:1 has too many aliases');
  });

  describe('on disk', () => {
    let folder: TemporaryFolder;

    beforeEach(async () => {
      folder = await temporaryFolder();
    });

    afterEach(() => folder.remove());

    it('is read, and named in messages by its last part', async () => {
      const path = join(folder.path, 'team.yaml');
      await writeFile(path, 'roles: { a: { allow: [x] } }');
      expect((await readRolesFile(path)).faults).toEqual([expect.stringMatching(/^team\.yaml:1 roles\.a\.allow\[0\]/)]);
      await writeFile(path, 'roles: { a: {} }');
      expect((await readRolesFile(path)).book?.has('a')).toBe(true);
    });

    it('need not be there where none is named; else it must', async () => {
      expect((await readRolesFile(undefined)).book?.names).toEqual(['viewer', 'operator', 'admin']);
      const path = join(folder.path, 'none.yaml');
      expect((await readRolesFile(path)).faults).toEqual([`The roles file ${path} cannot be read (ENOENT)`]);
    });

    it('is no larger than a file of roles can be', async () => {
      const path = join(folder.path, 'huge.yaml');
      await writeFile(path, ' '.repeat(1_048_577));
      expect((await readRolesFile(path)).faults).toEqual([`The roles file ${path} is larger than 1048576 bytes`]);
    });
  });
});
