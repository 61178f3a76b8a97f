import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  BadRequestException,
  ForbiddenException,
  InternalServerErrorException,
  Logger,
  UnauthorizedException,
} from '@nestjs/common';
import { callScope, principalOf, ToolWorld } from '../../test/support/tool-world.js';
import { Policy, type PolicyDecision } from '../auth/index.js';
import { ProtocolError, ToolError } from '../common/index.js';
import type { GateTarget } from './call-gate.js';
import type { CallContext } from './tool-context.js';

let world: ToolWorld;
let errors: unknown[][];

const target = (roles?: readonly string[]): GateTarget =>
  world.gate.target(
    { kind: 'prompt', name: 'review', tags: [], roles },
    () => new ProtocolError('unknown_prompt', 'Unknown prompt: review'),
  );

beforeEach(() => {
  world = new ToolWorld({ tools: { defaultTimeoutSec: 10 } });
  errors = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((...args: unknown[]) => void errors.push(args));
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('FeatureRunner', () => {
  it('runs work with the context of the call, and settles it', async () => {
    const scope = callScope();
    const work = jest.fn((context: CallContext) => `${context.requestId} ${context.deadline - world.clock.now()}`);
    expect(await world.runner.run(target(), scope, work)).toBe('req-1 10000');
    expect(world.outcomes('prompt:review')).toEqual({ success: 1 });
    expect(world.audit.entries).toMatchObject([{ target: 'prompt:review', outcome: 'success' }]);
    expect(world.deadlines.size).toBe(0);
  });

  it('D-13 is unknown to whom may not see it, and does not run', async () => {
    const work = jest.fn(() => 1);
    await expect(world.runner.run(target(['admin']), callScope(), work)).rejects.toMatchObject({
      kind: 'unknown_prompt',
    });
    expect(work).not.toHaveBeenCalled();
    expect(world.deadlines.size).toBe(0);
    expect(await world.runner.run(target(['admin']), callScope({ principal: principalOf('admin') }), work)).toBe(1);
  });

  it('D-12 does not run what the policy forbids', async () => {
    class Never extends Policy {
      override viewKey = () => '';
      override isVisible = () => true;
      override decide = (): PolicyDecision => ({ isAllowed: false, reason: 'Never.' });
    }
    world = new ToolWorld({}, new Never());
    const work = jest.fn(() => 1);
    await expect(world.runner.run(target(), callScope(), work)).rejects.toMatchObject({ kind: 'permission_denied' });
    expect(work).not.toHaveBeenCalled();
  });

  it.each([
    [undefined, 10_000],
    [3_000, 3_000],
    [99_000, 10_000],
  ])('K-30 a caller that asks for %p ms gets %p', async (timeoutMs, expected) => {
    const running = world.runner.run(target(), callScope({ timeoutMs }), () => new Promise(() => undefined));
    const ended = expect(running).rejects.toMatchObject({ kind: 'timeout', family: 'protocol' });
    world.pass(expected - 1);
    expect(world.figures('prompt:review').active).toBe(1);
    world.pass(1);
    await ended;
    expect(world.outcomes('prompt:review')).toEqual({ timeout: 1 });
    expect(world.deadlines.size).toBe(0);
  });

  it('W-19 ends when it is cancelled, and tells the work', async () => {
    const scope = callScope();
    let signal: AbortSignal | undefined;
    const running = world.runner.run(target(), scope, (context) => {
      ({ signal } = context);
      return new Promise(() => undefined);
    });
    const ended = expect(running).rejects.toMatchObject({ kind: 'cancelled' });
    scope.cancel('gone');
    await ended;
    expect(signal?.aborted).toBe(true);
    expect(world.outcomes('prompt:review')).toEqual({ cancelled: 1 });
  });

  it.each([
    ['a protocol error', new ProtocolError('invalid_params', 'No such file', { data: { a: 1 } }), 'invalid_params'],
    ['a tool error', new ToolError('No such city', { data: { a: 1 } }), 'tool_failed'],
  ])('passes on the words of %s', async (_name, error, kind) => {
    await expect(world.runner.run(target(), callScope(), () => Promise.reject(error))).rejects.toMatchObject({
      family: 'protocol',
      kind,
      message: error.message,
      data: { a: 1 },
    });
    expect(errors).toEqual([]);
  });

  it.each([
    [new ForbiddenException('Not you'), 'permission_denied'],
    [new UnauthorizedException('Who are you?'), 'permission_denied'],
    [new BadRequestException('Bad word'), 'invalid_params'],
  ])('passes on the words of a refusal of Nest: %p', async (error, kind) => {
    const failing = (): never => {
      throw error;
    };
    await expect(world.runner.run(target(), callScope(), failing)).rejects.toMatchObject({
      family: 'protocol',
      kind,
      message: error.message,
      cause: error,
    });
  });

  it.each([[new Error('password is 123')], [new InternalServerErrorException('password is 123')], ['password is 123']])(
    'hides the words of anything else, and logs them: %p',
    async (error) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever a plug-in throws
      const failing = (): Promise<never> => Promise.reject(error);
      await expect(world.runner.run(target(), callScope(), failing)).rejects.toMatchObject({
        kind: 'internal',
        message: 'Internal error',
      });
      expect(errors).toEqual([
        [{ msg: 'prompt:review threw', requestId: 'req-1' }, expect.stringContaining('password is 123')],
      ]);
      expect(world.outcomes('prompt:review')).toEqual({ failure: 1 });
    },
  );
});
