import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Breaker, BREAKER_STATE_VALUES, type BreakerReport, type BreakerTransition } from './breaker.js';

const RECOVERY_MS = 60_000;

/** Lets one call pass at a time and reports it, so that a test reads as a story. */
function storyOf(
  threshold: number,
  successes = 1,
): {
  readonly breaker: Breaker;
  readonly transitions: string[];
  readonly call: (report: BreakerReport, now: number) => boolean;
  readonly pass: (now: number) => number;
} {
  const transitions: string[] = [];
  const note = ({ from, to, why }: BreakerTransition): void => void transitions.push(`${from} ${to}: ${why}`);
  const breaker = new Breaker({ threshold, recoveryMs: RECOVERY_MS, successes }, note);
  return {
    breaker,
    transitions,
    call: (report, now) => {
      const pass = breaker.tryPass(now);
      if (pass !== undefined) breaker.report(pass, report, now);
      return pass !== undefined;
    },
    pass: (now) => {
      const pass = breaker.tryPass(now);
      if (pass === undefined) throw new Error(`It rests at ${now}`);
      return pass;
    },
  };
}

function opened(threshold = 1, successes = 1): ReturnType<typeof storyOf> {
  const story = storyOf(threshold, successes);
  for (let i = 0; i < threshold; i++) story.call('failure', 0);
  expect(story.breaker.state).toBe('open');
  return story;
}

describe('Breaker', () => {
  it('W-24 opens after five failures in a row and half-opens by the clock', () => {
    const { breaker, call } = storyOf(5);
    for (let i = 0; i < 5; i++) {
      expect([breaker.state, breaker.restMs(i)]).toEqual(['closed', 0]);
      expect(call('failure', i)).toBe(true);
    }
    expect([breaker.state, breaker.restMs(4), breaker.restMs(1_004)]).toEqual([
      'open',
      RECOVERY_MS,
      RECOVERY_MS - 1_000,
    ]);
    expect(call('success', RECOVERY_MS + 3.5)).toBe(false);
    expect(breaker.restMs(RECOVERY_MS + 3.5)).toBe(0.5);
    expect(breaker.restMs(RECOVERY_MS + 4)).toBe(0);
    expect(call('success', RECOVERY_MS + 4)).toBe(true);
    expect(breaker.state).toBe('closed');
  });

  it('S4-31 closes after a trial that succeeds, and counts anew', () => {
    const { breaker, call } = opened(2);
    call('success', RECOVERY_MS);
    call('failure', RECOVERY_MS);
    expect(breaker.state).toBe('closed');
    call('failure', RECOVERY_MS);
    expect(breaker.state).toBe('open');
  });

  it('S4-31 rests as long again after a trial that fails', () => {
    const { breaker, call } = opened(5);
    expect(call('failure', RECOVERY_MS + 10)).toBe(true);
    expect([breaker.state, breaker.restMs(RECOVERY_MS + 10)]).toEqual(['open', RECOVERY_MS]);
    expect(call('success', 2 * RECOVERY_MS + 9)).toBe(false);
    expect(call('success', 2 * RECOVERY_MS + 10)).toBe(true);
    expect(breaker.state).toBe('closed');
  });

  it('S4-31 lets one trial run at a time', () => {
    const { breaker, pass } = opened();
    const trial = pass(RECOVERY_MS);
    expect(breaker.tryPass(RECOVERY_MS)).toBeUndefined();
    expect(breaker.restMs(RECOVERY_MS + 5)).toBeGreaterThan(0);
    breaker.report(trial, 'success', RECOVERY_MS + 10);
    expect(breaker.restMs(RECOVERY_MS + 10)).toBe(0);
    expect([pass(RECOVERY_MS + 10), pass(RECOVERY_MS + 10)]).toHaveLength(2);
  });

  it('S4-32 a neutral outcome neither opens nor closes it, nor breaks a row of failures', () => {
    const { breaker, call } = storyOf(2);
    for (let i = 0; i < 10; i++) call('neutral', i);
    call('failure', 10);
    call('neutral', 11);
    call('failure', 12);
    expect(breaker.state).toBe('open');
  });

  it('S4-32 a trial that ends neutral decides nothing, and lets the next one try at once', () => {
    const { breaker, call } = opened();
    expect(call('neutral', RECOVERY_MS)).toBe(true);
    expect([breaker.state, breaker.restMs(RECOVERY_MS)]).toEqual(['half_open', 0]);
    expect(call('success', RECOVERY_MS)).toBe(true);
    expect(breaker.state).toBe('closed');
  });

  it('a success breaks a row of failures', () => {
    const { breaker, call } = storyOf(2);
    for (const report of ['failure', 'success', 'failure', 'success', 'failure'] as const) call(report, 0);
    expect(breaker.state).toBe('closed');
  });

  it.each<BreakerReport>(['success', 'failure', 'neutral'])(
    'a call that began before it opened has no say in its trial: %s',
    (late) => {
      const { breaker, pass } = storyOf(1);
      const [first, second, third] = [pass(0), pass(0), pass(0)];
      breaker.report(first, 'failure', 10);
      breaker.report(second, late, 20);
      expect([breaker.state, breaker.restMs(20)]).toEqual(['open', RECOVERY_MS - 10]);
      const trial = pass(RECOVERY_MS + 10);
      breaker.report(third, late, RECOVERY_MS + 11);
      expect(breaker.state).toBe('half_open');
      expect(breaker.tryPass(RECOVERY_MS + 11)).toBeUndefined();
      breaker.report(trial, 'success', RECOVERY_MS + 12);
      expect(breaker.state).toBe('closed');
    },
  );

  it('S4-43 tells its state to whoever looks on, and counts each way that it goes', () => {
    const { breaker, call, pass } = opened(2, 0);
    const seen = (now: number): unknown => [breaker.stateAt(now), ...breaker.transitions];
    expect(seen(RECOVERY_MS - 1)).toEqual(['open', 1, 0, 0, 0, 0]);
    expect(seen(RECOVERY_MS)).toEqual(['half_open', 1, 0, 0, 0, 0]);
    breaker.report(pass(RECOVERY_MS), 'neutral', RECOVERY_MS);
    breaker.report(pass(RECOVERY_MS), 'failure', RECOVERY_MS);
    expect(seen(RECOVERY_MS)).toEqual(['open', 1, 1, 0, 1, 0]);
    call('success', 2 * RECOVERY_MS);
    expect(seen(2 * RECOVERY_MS)).toEqual(['closed', 1, 2, 1, 1, 0]);
    breaker.force('open', 2 * RECOVERY_MS);
    breaker.force('closed', 2 * RECOVERY_MS);
    expect(seen(2 * RECOVERY_MS)).toEqual(['closed', 2, 2, 1, 1, 1]);
  });

  it('W-24 never locks itself out: whatever is reported, a call may try once it rested long enough', () => {
    const events = fc.array(
      fc.record({
        pause: fc.oneof(fc.nat(50), fc.integer({ min: 90, max: 250 })),
        report: fc.constantFrom<BreakerReport>('success', 'failure', 'neutral'),
        /** How many calls that still run are reported before this one asks. */
        ended: fc.nat(3),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        events,
        (threshold, successes, steps) => {
          const breaker = new Breaker({ threshold, recoveryMs: 100, successes });
          const running: { readonly pass: number; readonly report: BreakerReport; readonly isTrial: boolean }[] = [];
          let now = 0;
          for (const { pause, report, ended } of steps) {
            now += pause;
            for (const call of running.splice(0, ended)) breaker.report(call.pass, call.report, now);
            const isTrial = breaker.state !== 'closed';
            const rest = breaker.restMs(now);
            const pass = breaker.tryPass(now);
            // What it says of its rest is what it does.
            expect(pass === undefined).toBe(rest > 0);
            if (pass === undefined) continue;
            if (isTrial) expect(running.filter((call) => call.isTrial)).toEqual([]);
            running.push({ pass, report, isTrial });
          }
          for (const call of running) breaker.report(call.pass, call.report, now);
          expect(breaker.tryPass(now + 100)).toBeDefined();
        },
      ),
      { numRuns: 500 },
    );
  });

  it('S4-31 closes after as many trials in a row as it was told, one at a time', () => {
    const { breaker, call, pass, transitions } = opened(1, 3);
    expect(call('success', RECOVERY_MS)).toBe(true);
    const second = pass(RECOVERY_MS);
    expect(breaker.tryPass(RECOVERY_MS)).toBeUndefined();
    breaker.report(second, 'success', RECOVERY_MS);
    expect(breaker.state).toBe('half_open');
    call('neutral', RECOVERY_MS);
    call('success', RECOVERY_MS);
    expect(breaker.state).toBe('closed');
    expect(transitions).toEqual([
      'closed open: failures in a row',
      'open half_open: its rest is over',
      'half_open closed: trials succeeded',
    ]);
  });

  it('S4-31 a trial that fails undoes those that succeeded', () => {
    const { breaker, call, transitions } = opened(1, 2);
    call('success', RECOVERY_MS);
    call('failure', RECOVERY_MS);
    expect([breaker.state, breaker.restMs(RECOVERY_MS), transitions.at(-1)]).toEqual([
      'open',
      RECOVERY_MS,
      'half_open open: a trial failed',
    ]);
    call('success', 2 * RECOVERY_MS);
    expect(breaker.state).toBe('half_open');
    call('success', 2 * RECOVERY_MS);
    expect(breaker.state).toBe('closed');
  });

  it('W-24 opened by force it rests and then tries again, as after failures', () => {
    const { breaker, call, pass, transitions } = storyOf(5);
    const before = pass(0);
    breaker.force('open', 100);
    breaker.force('open', 100);
    breaker.report(before, 'success', 200);
    expect([breaker.state, breaker.restMs(100), call('success', 100)]).toEqual(['open', RECOVERY_MS, false]);
    expect(call('success', RECOVERY_MS + 100)).toBe(true);
    expect(breaker.state).toBe('closed');
    expect(transitions[0]).toBe('closed open: an operator said so');
    expect(transitions).toHaveLength(3);
  });

  it('S4-31 closed by force it lets calls pass at once, and counts anew', () => {
    const { breaker, call } = opened(2);
    breaker.force('closed', 0);
    expect([breaker.state, breaker.restMs(0), call('failure', 0), breaker.state]).toEqual([
      'closed',
      0,
      true,
      'closed',
    ]);
    expect(call('failure', 0)).toBe(true);
    expect(breaker.state).toBe('open');
  });

  it('S4-43 has a number for each state', () => {
    expect(BREAKER_STATE_VALUES).toEqual({ closed: 0, half_open: 1, open: 2 });
  });

  it('S4-43 tells its state to whoever looks on, and counts each way that it goes', () => {
    const { breaker, call, pass } = opened(2);
    const seen = (now: number): unknown => [breaker.stateAt(now), ...breaker.transitions];
    expect(seen(RECOVERY_MS - 1)).toEqual(['open', 1, 0, 0, 0, 0]);
    expect(seen(RECOVERY_MS)).toEqual(['half_open', 1, 0, 0, 0, 0]);
    breaker.report(pass(RECOVERY_MS), 'neutral', RECOVERY_MS);
    breaker.report(pass(RECOVERY_MS), 'failure', RECOVERY_MS);
    expect(seen(RECOVERY_MS)).toEqual(['open', 1, 1, 0, 1, 0]);
    call('success', 2 * RECOVERY_MS);
    breaker.force('open', 2 * RECOVERY_MS);
    breaker.force('closed', 2 * RECOVERY_MS);
    expect(seen(2 * RECOVERY_MS)).toEqual(['closed', 2, 2, 1, 1, 1]);
  });
});
