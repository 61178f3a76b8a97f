import { describe, expect, it } from '@jest/globals';
import { errorTypeOf, TOOL_ERROR_TYPES } from './errors/error-types.js';
import { ERROR_CODES, type ErrorKind } from './errors/error-codes.js';
import { Readiness } from './readiness.js';

describe('Readiness', () => {
  it('K-17 is ready once everything has started, and never again once the end began', () => {
    const readiness = new Readiness();
    expect(readiness.isReady).toBe(false);
    readiness.onApplicationBootstrap();
    expect([readiness.isReady, readiness.isEnding]).toEqual([true, false]);
    readiness.end();
    readiness.onApplicationBootstrap();
    expect([readiness.isReady, readiness.isEnding]).toEqual([false, true]);
  });

  it('counts what the end has to wait for, each once', () => {
    const readiness = new Readiness();
    const done = readiness.hold();
    readiness.hold();
    done();
    done();
    expect(readiness.heldCount).toBe(1);
  });
});

describe('errorTypeOf', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorKind[])('6.3 has a type for %s', (kind) => {
    expect(TOOL_ERROR_TYPES).toContain(errorTypeOf(kind));
  });
});
