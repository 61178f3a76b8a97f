import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { DispatchWorld, TestExchange } from '../../../test/support/dispatch-world.js';
import { type TemporaryFolder, temporaryFolder } from '../../../test/support/places.js';
import { principalOf } from '../../../test/support/tool-world.js';
import { ApiKeys, Incidents, KnownPrincipals, type Principal } from '../../auth/index.js';
import { Prompt } from '../../prompts/index.js';
import { ResourceTemplate } from '../../resources/index.js';
import { Tool, ToolStates } from '../../tools/index.js';
import { Explainer } from './explainer.js';
import type { ExplainCheck, Explanation, ExplainStep } from './explanation.js';

const INPUT = { type: 'object', properties: { n: { type: 'number' } }, additionalProperties: false };

@Injectable()
class Things {
  isBroken = false;
  readonly ends: (() => void)[] = [];

  @Tool({ input: INPUT, runsPerMinute: 3 })
  work(): string {
    if (this.isBroken) throw new Error('broken');
    return 'done';
  }

  @Tool({ input: INPUT, scopes: ['s'] })
  scoped(): string {
    return 'done';
  }

  @Tool({ concurrency: 1, queue: 0 })
  narrow(): Promise<string> {
    return new Promise((resolve) => this.ends.push(() => resolve('done')));
  }

  @Tool({ totalRunsPerMinute: 1 })
  scarce(): string {
    return 'done';
  }

  @Tool({ roles: ['admin'] })
  kept(): string {
    return 'kept';
  }

  @ResourceTemplate({ uriTemplate: 'doc://{space}/{page}' })
  page(): string {
    return 'text';
  }

  @Prompt({ arguments: [{ name: 'topic' }] })
  essay(): string {
    return 'write';
  }
}

let folder: TemporaryFolder;
let world: DispatchWorld;

beforeEach(async () => {
  for (const level of ['log', 'debug', 'error', 'warn'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  folder = await temporaryFolder();
  const rolesFile = join(folder.path, 'roles.yaml');
  await writeFile(
    rolesFile,
    `roles:
  team:
    allow:
      - { target: ["tool:*", "prompt:*"], args: { n: { max: 5, optional: true }, topic: { enum: [cats], optional: true } } }
      - "resource:doc://open/*"
    deny: "tool:narrow"
    rates: { "tool:scoped": 7 }
`,
  );
  world = await DispatchWorld.open({
    providers: [Things],
    settings: { policy: { rolesFile }, breaker: { failureThreshold: 1 } },
  });
});

afterEach(async () => {
  await world.close();
  await folder.remove();
  jest.restoreAllMocks();
});

const ask = (principal: Principal, name: string, args?: unknown): Promise<Explanation> =>
  world.get(Explainer).explain(principal, name, args);

function step({ steps }: Explanation, check: ExplainCheck): ExplainStep {
  const found = steps.filter((one) => one.check === check);
  expect(found).toHaveLength(1);
  return found[0] as ExplainStep;
}

const OPERATOR = principalOf('operator');
const TEAM = principalOf('team');

describe('Explainer', () => {
  it('S4-7 gives every look of the gate, in its order, with its reasons', async () => {
    const { steps, ...rest } = await ask(OPERATOR, 'work', { n: 1 });
    expect(rest).toEqual({ principal: 'https://idp/ada', target: 'tool:work', isListed: true, isAllowed: true });
    expect(steps.map(({ check }) => check)).toEqual([
      'credential',
      'roles',
      'messages',
      'rule',
      'incident',
      'scopes',
      'record',
      'rate',
      'state',
      'arguments',
      'breaker',
      'bulkhead',
    ]);
    expect(steps.every(({ kind }) => kind === undefined)).toBe(true);
  });

  it('D-10 says of a key that has ended that nobody comes in with it, whatever its roles', async () => {
    const keys = world.get(ApiKeys);
    const { key } = await keys.create({ name: 'ci', roles: ['operator'] }, 'spec');
    const find = async () => (await world.get(KnownPrincipals).find(key.id)) as Principal;
    expect(await ask(await find(), 'work')).toMatchObject({ isListed: true, isAllowed: true });
    await keys.revoke(key.id, 'spec');
    const refused = await ask(await find(), 'work');
    expect(refused).toMatchObject({ isListed: false, isAllowed: false, kind: 'auth_failed' });
    expect(step(refused, 'credential').detail).toBe(`The key ${key.id} is revoked`);
  });

  it('names rule, file and line', async () => {
    const denied = await ask(TEAM, 'narrow');
    expect(denied).toMatchObject({ isListed: false, isAllowed: false, kind: 'unknown_tool' });
    expect(step(denied, 'rule')).toMatchObject({
      detail: 'Rule team.deny[0] (roles.yaml:6) denies it',
      data: { reason: 'denied', rule: 'team.deny[0]', place: 'roles.yaml:6' },
    });
    expect(step(await ask(TEAM, 'work'), 'rule').detail).toBe('Rule team.allow[0] (roles.yaml:4) allows it');
    expect(step(await ask(OPERATOR, 'kept'), 'rule').detail).toBe('Its author keeps it for the roles admin');
    expect(step(await ask(principalOf('ghost'), 'work'), 'rule').detail).toBe('No rule allows it');
    expect(step(await ask(principalOf('ghost'), 'work'), 'roles')).toMatchObject({
      detail: 'The roles, with what they inherit, are none; no roles file knows ghost',
      data: { unknown: ['ghost'], permissions: [] },
    });
  });

  it('is a dry run: it takes no run, and tells how many are left', async () => {
    const exchange = await world.connect();
    const left = async (): Promise<unknown> => step(await ask(OPERATOR, 'work'), 'rate').data['left'];
    for (let i = 0; i < 5; i++) expect(await left()).toBe(3);
    for (let i = 0; i < 3; i++) await world.ask('tools/call', { name: 'work' }, exchange);
    expect(await left()).toBe(0);
    const explanation = await ask(OPERATOR, 'work');
    expect([explanation.kind, step(explanation, 'rate').detail]).toEqual([
      'rate_limited',
      '3 runs a minute, by the target; 0 are left',
    ]);
    expect(step(await ask(TEAM, 'scoped'), 'rate').detail).toBe('7 runs a minute, by a role; 7 are left');
    expect(step(await ask({ ...OPERATOR, isAuthenticated: false }, 'work'), 'rate').detail).toBe(
      '3 runs a minute, by the target, for each session',
    );
    expect(step(await ask(OPERATOR, 'narrow'), 'rate').detail).toBe('Runs are not limited');
  });

  it('tells what is left for all callers together, also of who is unproven', async () => {
    const whole = await ask(OPERATOR, 'scarce');
    expect(step(whole, 'rate')).toMatchObject({
      detail: '1 runs a minute of all callers; 1 are left',
      data: { totalRunsPerMinute: 1, leftOfTotal: 1 },
    });
    await world.ask('tools/call', { name: 'scarce' }, await world.connect());
    const used = await ask({ ...TEAM, subject: 'bob', isAuthenticated: false }, 'scarce');
    expect([used.kind, step(used, 'rate').data['leftOfTotal']]).toEqual(['rate_limited', 0]);
  });

  it('tells that nothing runs while what must be written down cannot be', async () => {
    world.audit.available = false;
    const explanation = await ask(OPERATOR, 'narrow');
    expect([explanation.isAllowed, explanation.kind, step(explanation, 'record').kind]).toEqual([
      false,
      'audit_unavailable',
      'audit_unavailable',
    ]);
  });

  it('sees scopes, states, incidents, breakers and full bulkheads', async () => {
    const scoped = { ...OPERATOR, scopes: ['t'], credentialId: 'key-1' };
    const lacking = await ask(scoped, 'scoped');
    expect([lacking.isListed, lacking.kind]).toEqual([true, 'insufficient_scope']);
    expect(step(lacking, 'scopes').data).toEqual({ requiredScopes: ['s'] });
    expect(step(lacking, 'credential')).toMatchObject({
      detail: 'https://idp/ada is proven by credential key-1',
      data: { isAuthenticated: true, credentialId: 'key-1', scopes: ['t'] },
    });
    expect(step(await ask({ ...scoped, scopes: ['s'] }, 'scoped'), 'scopes').detail).toBe(
      'The credential has the scopes',
    );

    await world.get(ToolStates).disable('scoped', { by: 'i/root', reason: 'too loud' });
    const off = await ask(OPERATOR, 'scoped');
    expect([off.isListed, off.kind]).toEqual([false, 'tool_disabled']);
    expect(step(off, 'state')).toMatchObject({
      detail: 'The tool is switched off, by i/root: too loud',
      data: { decidedBy: 'operator', by: 'i/root', reason: 'too loud' },
    });

    const exchange = await world.connect();
    void world.ask('tools/call', { name: 'narrow' }, exchange);
    while (world.get(Things).ends.length === 0) await Promise.resolve();
    expect(step(await ask(OPERATOR, 'narrow'), 'bulkhead')).toMatchObject({
      kind: 'server_busy',
      data: { running: 1, limit: 1, waiting: 0, queue: 0 },
    });
    world.get(Things).ends.forEach((end) => end());

    world.get(Things).isBroken = true;
    await world.ask('tools/call', { name: 'work' }, exchange);
    expect(step(await ask(OPERATOR, 'work'), 'breaker')).toMatchObject({
      kind: 'breaker_open',
      data: { state: 'open' },
    });

    await world.get(Incidents).start({ scope: { kind: 'read_only' }, reason: 'a leak', by: 'i/root' });
    const readOnly = await ask(OPERATOR, 'work');
    expect([readOnly.isListed, readOnly.kind]).toEqual([false, 'read_only']);
    expect(step(readOnly, 'incident').detail).toMatch(/^Incident read_only, by i\/root, until .*: a leak$/);
    const scope = { kind: 'principal', issuer: OPERATOR.issuer, subject: OPERATOR.subject } as const;
    await world.get(Incidents).start({ scope, reason: 'a leak', by: 'i/root' });
    expect((await ask(OPERATOR, 'work')).kind).toBe('quarantined');
  });

  it('holds arguments against the schema, then against the rules', async () => {
    expect(step(await ask(TEAM, 'work'), 'arguments').detail).toBe(
      'No arguments were given; rules on them: team.allow[0] (roles.yaml:4)',
    );
    expect((await ask(TEAM, 'work', { n: 4 })).isAllowed).toBe(true);
    const broken = await ask(TEAM, 'work', { n: 6 });
    expect([broken.isListed, broken.kind]).toEqual([true, 'permission_denied']);
    expect(step(broken, 'arguments')).toMatchObject({
      detail: 'Rule team.allow[0] does not allow these arguments: n must be at most 5.',
      data: { rule: 'team.allow[0]' },
    });
    expect((await ask(TEAM, 'work', { n: 'four' })).kind).toBe('invalid_params');
    expect((await ask(TEAM, 'prompt:essay', { topic: 'dogs' })).kind).toBe('permission_denied');
    expect((await ask(TEAM, 'prompt:essay', { topic: 'cats' })).isAllowed).toBe(true);
  });

  it('knows resources, as they are read through a template, and what does not exist', async () => {
    expect(await ask(TEAM, 'resource:doc://open/1')).toMatchObject({ isAllowed: true });
    expect(await ask(TEAM, 'resource:doc://shut/1')).toMatchObject({ isAllowed: false, kind: 'resource_not_found' });
    expect(await ask(TEAM, 'nothing')).toMatchObject({ isListed: false, kind: 'unknown_tool', target: 'tool:nothing' });
    expect((await ask(TEAM, 'prompt:nothing')).kind).toBe('unknown_prompt');
    expect((await ask(TEAM, 'resource:x://y')).kind).toBe('resource_not_found');
  });

  it('D-13 says what a call is told, whoever calls what', async () => {
    await world.get(ToolStates).disable('narrow', { by: 'i/root' });
    const callers: Principal[] = [
      OPERATOR,
      TEAM,
      principalOf('viewer'),
      principalOf('admin'),
      principalOf('ghost'),
      { ...OPERATOR, subject: 'bob', scopes: [] },
      { ...TEAM, subject: 'eve', scopes: ['s'] },
    ];
    for (const principal of callers) {
      const exchange = await world.connect('2025-06-18', {}, new TestExchange(principal));
      for (const [name, args] of [
        ['work', { n: 1 }],
        ['work', { n: 9 }],
        ['scoped', {}],
        ['narrow', {}],
        ['kept', {}],
        ['nothing', {}],
        ['run_command', { command: 'ls' }],
      ] as const) {
        const said = await ask(principal, name, args);
        const { error, result } = await world.ask('tools/call', { name, arguments: args }, exchange);
        const failed = result?.['_meta'] as Record<string, { readonly kind: string }> | undefined;
        const told = error?.data['kind'] ?? failed?.['mcp-gatehouse/error']?.kind;
        expect([principal.subject, name, told]).toEqual([principal.subject, name, said.kind]);
        const listed = (await world.ask('tools/list', {}, exchange)).result?.['tools'] as { name: string }[];
        expect(listed.some((tool) => tool.name === name)).toBe(said.isListed);
      }
    }
  });
});

describe('KnownPrincipals', () => {
  it('are those of the settings, and one for each role', async () => {
    const known = world.get(KnownPrincipals);
    expect(await known.find('local')).toMatchObject({ subject: 'local', roles: ['operator'] });
    expect(await known.find('gatehouse/local')).toMatchObject({ subject: 'local' });
    expect(await known.find('gatehouse/anonymous')).toMatchObject({ subject: 'anonymous', isAuthenticated: false });
    expect(await known.find('team')).toMatchObject({ subject: 'role:team', roles: ['team'], isAuthenticated: true });
    expect(await known.find('nobody')).toBeUndefined();
    expect(await known.names()).toEqual(['anonymous', 'local', 'viewer', 'operator', 'admin', 'team']);
  });

  it('are those with a key too, by its id and by name; a role goes before a key of its name', async () => {
    const known = world.get(KnownPrincipals);
    const keys = world.get(ApiKeys);
    const { key: old } = await keys.create({ name: 'ci', roles: ['viewer'] }, 'spec');
    const { key } = await keys.create({ name: 'ci', roles: ['operator'], scopes: ['a'] }, 'spec');
    await keys.create({ name: 'team', roles: ['viewer'] }, 'spec');
    await keys.revoke(old.id, 'spec');
    const ci = { issuer: 'gatehouse', subject: 'ci', isAuthenticated: true };
    const current = { ...ci, roles: ['operator'], scopes: ['a'], credentialId: key.id };
    for (const name of ['ci', 'gatehouse/ci', key.id]) expect(await known.find(name)).toEqual(current);
    expect(await known.find(old.id)).toEqual({
      ...ci,
      roles: ['viewer'],
      credentialId: old.id,
      refusal: { kind: 'auth_failed', detail: `The key ${old.id} is revoked` },
    });
    expect(await known.find('team')).toMatchObject({ subject: 'role:team' });
    expect(await known.find('gatehouse/team')).toMatchObject({ subject: 'team', roles: ['viewer'] });
    expect(await known.names()).toContain('ci');
  });
});
