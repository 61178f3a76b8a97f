import { describe, expect, it, jest } from '@jest/globals';
import { callScope, principalOf, RecordingClient, ToolWorld } from '../../test/support/tool-world.js';
import { Policy, type PolicyDecision } from '../auth/index.js';
import { type ErrorKind, ProtocolError, ToolError } from '../common/index.js';
import type { GateTarget } from './call-gate.js';

const unknown = (): ProtocolError => new ProtocolError('unknown_tool', 'Unknown tool: nmap');

function targetIn(world: ToolWorld, roles?: readonly string[], runsPerMinute?: number): GateTarget {
  return world.gate.target({ kind: 'tool', name: 'nmap', tags: ['net'], roles }, unknown, {
    runsPerMinute,
  });
}

describe('CallGate', () => {
  it('lets a call through, and settles it once', async () => {
    const world = new ToolWorld();
    const work = jest.fn(() => {
      world.clock.advance(2.5);
      expect(world.figures('tool:nmap').active).toBe(1);
      return { value: 'done' };
    });
    const scope = callScope({ requestId: 'req-9', door: 'http', sessionHash: 'ab12' });
    expect(await world.gate.through(targetIn(world), scope, work)).toBe('done');
    expect(world.audit.entries).toEqual([
      {
        requestId: 'req-9',
        door: 'http',
        principal: 'https://idp/ada',
        session: 'ab12',
        target: 'tool:nmap',
        outcome: 'success',
        kind: undefined,
        durationMs: 2.5,
      },
    ]);
    expect(world.figures('tool:nmap')).toMatchObject({ executions: 1, active: 0, totalMs: 2.5 });
    expect(world.security.events).toEqual([]);
  });

  it('D-12 D-13 asks who may see it first: to whom may not, it does not exist', async () => {
    const world = new ToolWorld();
    const work = jest.fn(() => ({ value: 1 }));
    const target = targetIn(world, ['admin'], 1);
    for (let i = 0; i < 3; i++) {
      await expect(world.gate.through(target, callScope(), work)).rejects.toMatchObject({
        kind: 'unknown_tool',
        message: 'Unknown tool: nmap',
      });
    }
    expect(work).not.toHaveBeenCalled();
    expect(world.security.events[0]).toEqual({
      event: 'tool_denied',
      details: { target: 'tool:nmap', principal: 'ada', reason: 'role' },
    });
    expect(world.audit.entries.map(({ outcome, kind }) => [outcome, kind])).toEqual(
      Array.from({ length: 3 }, () => ['refused', 'unknown_tool']),
    );
    // Who may not see it uses up nobody's rate.
    const admin = callScope({ principal: principalOf('admin') });
    expect(await world.gate.through(target, admin, work)).toBe(1);
  });

  it('D-12 K-9 counts runs next, by caller', async () => {
    const world = new ToolWorld();
    const work = jest.fn(() => ({ value: 1 }));
    const target = targetIn(world, undefined, 2);
    for (let i = 0; i < 2; i++) await world.gate.through(target, callScope(), work);
    await expect(world.gate.through(target, callScope(), work)).rejects.toMatchObject({
      kind: 'rate_limited',
      message: 'Rate limit exceeded',
      data: { retryAfterMs: 30_000 },
    });
    expect(work).toHaveBeenCalledTimes(2);
    expect(world.security.events).toEqual([
      {
        event: 'rate_limit_exceeded',
        details: {
          transport: 'stdio',
          principal: 'ada',
          bucket: 'tool:nmap',
          limit: 2,
          windowMs: 60_000,
          retryAfterMs: 30_000,
        },
      },
    ]);
    await world.gate.through(target, callScope({ callerKey: 'bob' }), work);
    world.clock.advance(30_000);
    await world.gate.through(target, callScope(), work);
    expect(world.outcomes('tool:nmap')).toEqual({ success: 4, refused: 1 });
  });

  it('keeps of the arguments what the audit log takes before the call, whatever the call does to them', async () => {
    const world = new ToolWorld();
    const args = { city: 'Oslo' };
    const scope = callScope({ principal: { ...principalOf('operator'), credentialId: 'key-1' } });
    scope.args = args;
    const keep = jest.spyOn(world.audit, 'keep').mockImplementation((given) => JSON.stringify(given));
    const target = world.gate.target({ kind: 'tool', name: 'nmap', tags: [], roles: undefined }, unknown, {
      secrets: { pin: true },
    });
    await world.gate.through(target, scope, () => ({ value: (args.city = 'Lima') }));
    expect(keep).toHaveBeenCalledWith(args, { pin: true });
    expect(world.audit.entries).toMatchObject([{ args: '{"city":"Oslo"}', credentialId: 'key-1' }]);
    world.gate.denied('tool:gone', scope, 'unknown_tool');
    expect(world.audit.entries[1]).toMatchObject({ target: 'tool:gone', args: '{"city":"Lima"}', outcome: 'refused' });
  });

  it('D-5 writes down where a call begins too where that is wanted, once however often it is run again', async () => {
    const world = new ToolWorld();
    world.audit.starts = true;
    const work = jest.fn(() => ({ value: world.audit.entries.length }));
    expect(await world.gate.through(targetIn(world), callScope(), work)).toBe(1);
    expect(world.audit.entries.map(({ outcome }) => outcome)).toEqual(['started', 'success']);
    const client = Object.assign(new RecordingClient(), { isRetry: true });
    await world.gate.through(targetIn(world), callScope({ client }), work);
    const admin = targetIn(world, ['admin']);
    await expect(world.gate.through(admin, callScope(), work)).rejects.toMatchObject({ kind: 'unknown_tool' });
    expect(world.audit.entries.slice(2).map(({ outcome }) => outcome)).toEqual(['success', 'refused']);
  });

  it('runs nothing while the audit log is needed and cannot be written, and counts no run for it', async () => {
    const world = new ToolWorld();
    world.audit.available = false;
    const work = jest.fn(() => ({ value: 1 }));
    const target = targetIn(world, undefined, 1);
    await expect(world.gate.through(target, callScope(), work)).rejects.toMatchObject({
      kind: 'audit_unavailable',
      data: { retryAfterMs: 1_000 },
    });
    // Who may not see it learns nothing of that either.
    await expect(world.gate.through(targetIn(world, ['admin']), callScope(), work)).rejects.toMatchObject({
      kind: 'unknown_tool',
    });
    expect(world.audit.entries).toMatchObject([
      { outcome: 'refused', kind: 'audit_unavailable' },
      { outcome: 'refused', kind: 'unknown_tool' },
    ]);
    world.audit.available = true;
    expect(await world.gate.through(target, callScope(), work)).toBe(1);
  });

  it('waits for a rate that is decided elsewhere, and does not run what it refuses', async () => {
    const world = new ToolWorld();
    const outcomes = [{ isAllowed: true }, { isAllowed: false, retryAfterMs: 7, limit: 1, windowMs: 60_000 }] as const;
    let asked = 0;
    jest.spyOn(world.rates, 'takeRun').mockImplementation((() => Promise.resolve(outcomes[asked++])) as never);
    const work = jest.fn(() => ({ value: 1 }));
    expect(await world.gate.through(targetIn(world), callScope(), work)).toBe(1);
    await expect(world.gate.through(targetIn(world), callScope(), work)).rejects.toMatchObject({
      kind: 'rate_limited',
      data: { retryAfterMs: 7 },
    });
    expect([asked, work.mock.calls.length, world.outcomes('tool:nmap')]).toEqual([2, 1, { success: 1, refused: 1 }]);
  });

  it('W-25 counts the runs of all callers together', async () => {
    const world = new ToolWorld();
    const target = world.gate.target({ kind: 'tool', name: 'nmap', tags: [], roles: undefined }, unknown, {
      totalRunsPerMinute: 2,
    });
    const work = jest.fn(() => ({ value: 1 }));
    for (const callerKey of ['a', 'b']) await world.gate.through(target, callScope({ callerKey }), work);
    await expect(world.gate.through(target, callScope({ callerKey: 'c' }), work)).rejects.toMatchObject({
      kind: 'rate_limited',
      data: { retryAfterMs: 30_000 },
    });
    expect(world.security.events.at(-1)?.details).toMatchObject({ bucket: 'tool:nmap of all callers', limit: 2 });
  });

  it('takes the limit of a role where the rules know one, for whatever is called', async () => {
    const world = new ToolWorld();
    world.rateRules.use({
      runsPerMinute: (roles, target) =>
        roles.includes('operator') && target.kind === 'prompt' && target.name === 'p' ? 1 : undefined,
    });
    const target = world.gate.target({ kind: 'prompt', name: 'p', tags: [], roles: undefined }, unknown);
    const work = (): { value: number } => ({ value: 1 });
    await world.gate.through(target, callScope(), work);
    await expect(world.gate.through(target, callScope(), work)).rejects.toMatchObject({ kind: 'rate_limited' });
    const admin = callScope({ principal: principalOf('admin') });
    expect(await world.gate.through(target, admin, work)).toBe(1);
  });

  it.each<[ErrorKind, string]>([
    ['unknown_tool', 'refused'],
    ['unknown_prompt', 'refused'],
    ['resource_not_found', 'refused'],
    ['tool_disabled', 'refused'],
    ['permission_denied', 'refused'],
    ['rate_limited', 'refused'],
    ['server_busy', 'refused'],
    ['breaker_open', 'refused'],
    ['invalid_params', 'refused'],
    ['shutting_down', 'refused'],
    ['timeout', 'timeout'],
    ['cancelled', 'cancelled'],
    ['tool_failed', 'failure'],
    ['invalid_result', 'failure'],
    ['internal', 'failure'],
  ])('tells a %s as %s, thrown or returned', async (kind, outcome) => {
    const world = new ToolWorld();
    const target = targetIn(world);
    const error = new ToolError('x', { kind });
    await expect(world.gate.through(target, callScope(), () => Promise.reject(error))).rejects.toBe(error);
    expect(await world.gate.through(target, callScope(), () => ({ value: 'bad', kind }))).toBe('bad');
    expect(world.audit.entries.map((entry) => [entry.outcome, entry.kind])).toEqual([
      [outcome, kind],
      [outcome, kind],
    ]);
    expect(world.outcomes('tool:nmap')).toEqual({ [outcome]: 2 });
    expect(world.figures('tool:nmap').active).toBe(0);
  });

  it('tells what is none of our errors as internal, and passes it on', async () => {
    const world = new ToolWorld();
    const error = new TypeError('x is not a function');
    await expect(
      world.gate.through(targetIn(world), callScope(), () => {
        throw error;
      }),
    ).rejects.toBe(error);
    expect(world.audit.entries).toMatchObject([{ outcome: 'failure', kind: 'internal' }]);
  });

  it('D-12 asks the policy about the arguments when it is told to', () => {
    class NoNight extends Policy {
      readonly asked: unknown[] = [];

      override viewKey(): string {
        return '';
      }

      override isVisible(): boolean {
        return true;
      }

      override decide(principal: unknown, target: unknown, args: unknown): PolicyDecision {
        this.asked.push([principal, target, args]);
        return args === 'night' ? { isAllowed: false, reason: 'Not at night.' } : { isAllowed: true };
      }
    }
    const policy = new NoNight();
    const world = new ToolWorld({}, policy);
    const target = targetIn(world);
    const scope = callScope();
    expect(() => world.gate.authorize(target, scope, 'day')).not.toThrow();
    expect(() => world.gate.authorize(target, scope, 'night')).toThrow(
      expect.objectContaining({ kind: 'permission_denied', message: 'Not at night.', family: 'protocol' }),
    );
    expect(policy.asked).toEqual([
      [scope.origin.principal, target, 'day'],
      [scope.origin.principal, target, 'night'],
    ]);
  });
});
