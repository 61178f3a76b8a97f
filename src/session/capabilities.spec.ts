import { describe, expect, it } from '@jest/globals';
import { ClientCapabilities } from './capabilities.js';

const read = (capabilities: Record<string, unknown>) => {
  const known = ClientCapabilities.read(capabilities);
  return (
    ['sampling', 'samplingTools', 'elicitationForm', 'elicitationUrl', 'roots', 'rootsListChanged'] as const
  ).filter((name) => known[name]);
};

describe('ClientCapabilities', () => {
  it.each([
    [{}, []],
    [{ sampling: {} }, ['sampling']],
    [{ sampling: { tools: {} } }, ['sampling', 'samplingTools']],
    [{ elicitation: {} }, ['elicitationForm']],
    [{ elicitation: { form: {} } }, ['elicitationForm']],
    [{ elicitation: { url: {} } }, ['elicitationUrl']],
    [{ elicitation: { form: {}, url: {} } }, ['elicitationForm', 'elicitationUrl']],
    [{ roots: {} }, ['roots']],
    [{ roots: { listChanged: true } }, ['roots', 'rootsListChanged']],
    [{ roots: { listChanged: 'yes' } }, ['roots']],
    [{ sampling: true, elicitation: null, roots: [], experimental: {} }, []],
  ])('reads %j', (capabilities, expected) => {
    expect(read(capabilities)).toEqual(expected);
  });

  it('is one instance per set, and drops the bits of a later version', () => {
    expect(ClientCapabilities.of(5)).toBe(ClientCapabilities.of(5));
    expect(ClientCapabilities.of(0xffff)).toBe(ClientCapabilities.of(63));
    expect(ClientCapabilities.of(63).bits).toBe(63);
  });
});
