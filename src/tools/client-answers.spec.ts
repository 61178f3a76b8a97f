import { describe, expect, it } from '@jest/globals';
import { rootsFault, sampleFault } from './client-answers.js';

const TEXT = { type: 'text', text: 'hi' };

describe('sampleFault', () => {
  it.each([
    { role: 'assistant', model: 'm', content: TEXT },
    { role: 'user', model: '', content: [] },
    { role: 'assistant', model: 'm', content: [TEXT, { type: 'tool_use', id: '1', name: 'n', input: {} }] },
  ])('takes %j', (answer) => {
    expect(sampleFault(answer)).toBeUndefined();
  });

  it.each([
    [{ model: 'm', content: TEXT }, /role/],
    [{ role: 'system', model: 'm', content: TEXT }, /role/],
    [{ role: 'assistant', content: TEXT }, /model/],
    [{ role: 'assistant', model: 'm' }, /content/],
    [{ role: 'assistant', model: 'm', content: 'hi' }, /content/],
    [{ role: 'assistant', model: 'm', content: [TEXT, 7] }, /content/],
  ])('says what is wrong with %j', (answer, fault) => {
    expect(sampleFault(answer)).toMatch(fault);
  });
});

describe('rootsFault', () => {
  it('takes files and folders, named or not', () => {
    expect(rootsFault({ roots: [] })).toBeUndefined();
    expect(rootsFault({ roots: [{ uri: 'file:///home/ada' }, { uri: 'file://host/share', name: 'Share' }] })).toBe(
      undefined,
    );
  });

  it.each([undefined, {}, [7], [{}], [{ uri: 'https://example.com' }], [{ uri: '/home' }], [{ uri: 'file:' }]])(
    'refuses %j: a root is a file URI',
    (roots) => {
      expect(rootsFault({ roots })).toMatch(/root/);
    },
  );
});
