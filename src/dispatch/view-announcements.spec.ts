import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { DispatchWorld, envelope, TestExchange } from '../../test/support/dispatch-world.js';
import { type TemporaryFolder, temporaryFolder } from '../../test/support/places.js';
import { principalOf } from '../../test/support/tool-world.js';
import { Incidents, type IncidentScope, type Principal } from '../auth/index.js';
import { ConfigReload } from '../config/index.js';
import { Prompt } from '../prompts/index.js';
import { Resource } from '../resources/index.js';
import { SessionService } from '../session/index.js';
import { Tool, type ToolContext } from '../tools/index.js';
import { type Announcement, Announcements } from './announcements.js';

const FREE = { type: 'object' };

@Injectable()
class Everything {
  @Tool({ readOnly: true })
  look(): string {
    return 'seen';
  }

  @Tool()
  change(): string {
    return 'changed';
  }

  @Tool({ input: FREE })
  wait(_args: unknown, { signal }: ToolContext): Promise<string> {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve('ended')));
  }

  @Resource({ uri: 'a://1' })
  one(): string {
    return 'one';
  }

  @Prompt()
  ask(): string {
    return 'why?';
  }
}

let folder: TemporaryFolder;
let rolesFile: string;
let world: DispatchWorld;

beforeEach(async () => {
  for (const level of ['log', 'debug', 'error', 'warn'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  folder = await temporaryFolder();
  rolesFile = join(folder.path, 'roles.yaml');
  await writeFile(rolesFile, 'roles: { team: { allow: "tool:look" } }');
  world = await DispatchWorld.open({ providers: [Everything], settings: { policy: { rolesFile } } });
});

afterEach(async () => {
  await world.close();
  await folder.remove();
  jest.restoreAllMocks();
});

async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

function listen(principal: Principal): Announcement[] {
  const heard: Announcement[] = [];
  world.get(Announcements).listen({ principal, wants: () => true, hear: (one) => void heard.push(one) });
  return heard;
}

const begin = (scope: IncidentScope): Promise<unknown> =>
  world.get(Incidents).start({ scope, reason: 'a test', by: 'i/root' });
const call = (exchange: TestExchange, name: string): Promise<unknown> =>
  world.ask('tools/call', { name, arguments: {} }, exchange);
const names = async (exchange: TestExchange): Promise<unknown> =>
  ((await world.ask('tools/list', {}, exchange)).result?.['tools'] as { name: string }[]).map(({ name }) => name);

describe('an incident', () => {
  it('D-13 is told to those whose lists change, at its begin and at its end', async () => {
    const [operator, viewer] = [listen(principalOf('operator')), listen(principalOf('viewer'))];
    await begin({ kind: 'read_only' });
    await settled();
    expect([operator, viewer]).toEqual([[{ kind: 'tools' }], []]);
    await world.get(Incidents).end('read_only', 'i/root');
    await settled();
    expect([operator, viewer]).toEqual([[{ kind: 'tools' }, { kind: 'tools' }], []]);
    await begin({ kind: 'tool', tool: 'look' });
    await settled();
    expect([operator.length, viewer.length]).toEqual([3, 1]);
    await begin({ kind: 'principal', issuer: 'i', subject: 'nobody' });
    await settled();
    expect([operator.length, viewer.length]).toEqual([3, 1]);
  });

  it('keeps from lists what it keeps from calls, and only that', async () => {
    const exchange = await world.connect();
    expect(await names(exchange)).toEqual(expect.arrayContaining(['look', 'change']));
    await begin({ kind: 'read_only' });
    expect(await names(exchange)).not.toContain('change');
    expect(await call(exchange, 'change')).toMatchObject({ error: { data: { kind: 'read_only' } } });
    expect(await call(exchange, 'look')).toMatchObject({ result: { content: [{ text: 'seen' }] } });
    expect(world.security.events.at(-1)).toMatchObject({
      event: 'tool_denied',
      details: { target: 'tool:change', reason: 'read_only' },
    });
    expect(world.audit.entries.at(-2)).toMatchObject({ target: 'tool:change', outcome: 'refused', kind: 'read_only' });
    await world.get(Incidents).end('read_only', 'i/root');
    expect(await names(exchange)).toContain('change');
  });

  it('quarantine of a tool ends its running calls, and no others', async () => {
    const exchange = await world.connect();
    const waiting = call(exchange, 'wait');
    await begin({ kind: 'tool', tool: 'look' });
    await begin({ kind: 'read_only' });
    const outcome = jest.fn();
    void waiting.then(outcome);
    await settled();
    expect(outcome).not.toHaveBeenCalled();
    await begin({ kind: 'tool', tool: 'wait' });
    expect(await waiting).toMatchObject({ error: { data: { kind: 'quarantined' } } });
  });

  it('quarantine of a principal ends calls and sessions, and refuses every message, in both eras', async () => {
    const [ada, bob] = [principalOf('admin'), { ...principalOf('admin'), subject: 'bob' }];
    const [hers, his] = [await world.connect(), await world.connect('2025-11-25', {}, new TestExchange(bob))];
    const [waiting, other] = [call(hers, 'wait'), call(his, 'wait')];
    const ends = [jest.fn(), jest.fn()];
    for (const [i, principal] of [ada, bob].entries()) {
      world
        .get(Announcements)
        .listen({ principal, wants: () => true, hear: () => undefined, end: ends[i] as () => void });
    }
    await begin({ kind: 'principal', issuer: ada.issuer, subject: ada.subject });
    // Whichever of call and session ends first tells the caller why.
    expect(await waiting).toMatchObject({ error: { data: { kind: expect.any(String) as unknown } } });
    expect(ends.map((end) => end.mock.calls.length)).toEqual([1, 0]);
    expect([hers.session?.isEnded, his.session?.isEnded, world.get(SessionService).count]).toEqual([true, false, 1]);
    const refused = { error: { data: { kind: 'quarantined', requestId: expect.any(String) as unknown } } };
    expect(await world.ask('tools/list', {}, hers)).toMatchObject(refused);
    expect(await world.ask('initialize', {}, new TestExchange(ada))).toMatchObject(refused);
    const modern = await world.ask('tools/list', { _meta: envelope() }, new TestExchange(ada));
    expect(modern.error).toMatchObject({ code: 40308, data: { kind: 'quarantined' } });
    expect(await world.send({ method: 'notifications/initialized' }, hers)).toBeUndefined();
    expect(await names(his)).toContain('look');

    await world.get(Incidents).end(`principal:${ada.issuer}/${ada.subject}`, 'i/root');
    await world.connect('2025-11-25', {}, hers);
    expect(await names(hers)).toContain('look');
    his.calls.cancelAll('the end');
    void other;
  });
});

describe('other roles', () => {
  it('D-13 S4-38 are told to those whose lists change, and for the lists that do', async () => {
    const [team, operator] = [listen(principalOf('team')), listen(principalOf('operator'))];
    await writeFile(rolesFile, 'roles: { team: { allow: ["tool:look", "prompt:*"] } }');
    await world.get(ConfigReload).reload();
    expect([team, operator]).toEqual([[{ kind: 'prompts' }], []]);
    await writeFile(rolesFile, 'roles: { team: { allow: ["resource:*", "tool:change"] }, operator: {} }');
    await world.get(ConfigReload).reload();
    expect(team.slice(1)).toEqual([{ kind: 'tools' }, { kind: 'resources' }, { kind: 'prompts' }]);
    expect(operator).toEqual([{ kind: 'tools' }, { kind: 'resources' }, { kind: 'prompts' }]);
  });

  it('hold for the next call, and tell of rules that name nothing', async () => {
    const exchange = await world.connect('2025-11-25', {}, new TestExchange(principalOf('team')));
    expect(await names(exchange)).toEqual(['look']);
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    await writeFile(rolesFile, 'roles: { team: { allow: ["tool:change", "tool:chagne"] } }');
    await world.get(ConfigReload).reload();
    expect(await names(exchange)).toEqual(['change']);
    expect(await call(exchange, 'look')).toMatchObject({ error: { data: { kind: 'unknown_tool' } } });
    expect(warn).toHaveBeenCalledWith(
      'Rule team.allow[1] (roles.yaml:1) names no tool, resource or prompt that there is',
    );
  });
});
