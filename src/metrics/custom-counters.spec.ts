import { describe, expect, it } from '@jest/globals';
import { CustomCounters } from './custom-counters.js';
import { Instruments } from './instruments.js';

describe('CustomCounters', () => {
  const world = () => {
    const instruments = new Instruments();
    return { instruments, counters: new CustomCounters(instruments) };
  };

  it('S4-46 counts for an extension, by labels', () => {
    const { instruments, counters } = world();
    const misses = counters.register({ name: 'weather_misses_total', help: 'Misses.', labels: ['city'] });
    misses.add({ city: 'Oslo' });
    misses.add({ city: 'Oslo' }, 2);
    misses.add({ city: 'Lima', unknown: 'x' });
    misses.add();
    misses.add({ city: 'Lima' }, -1);
    misses.add({ city: 'Lima' }, Number.NaN);
    expect(instruments.families[0]?.samples()).toEqual([
      { labels: { city: 'Oslo' }, value: 3 },
      { labels: { city: 'Lima' }, value: 1 },
      { labels: { city: '' }, value: 1 },
    ]);
  });

  it('bounds what labels can cost: after 100 combinations the rest is one', () => {
    const { instruments, counters } = world();
    const seen = counters.register({ name: 'seen_total', help: 'Seen.', labels: ['who'] });
    for (let i = 0; i < 500; i++) seen.add({ who: `user-${i}` });
    const samples = instruments.families[0]?.samples() ?? [];
    expect(samples).toHaveLength(101);
    expect(samples.at(-1)).toEqual({ labels: { who: 'other' }, value: 400 });
  });

  it.each(['mcp_mine_total', 'process_x', 'nodejs_x', '1x', 'a b', 'a{b}', ''])('refuses the name %j', (name) => {
    expect(() => world().counters.register({ name, help: 'x' })).toThrow('cannot be a counter');
  });

  it('refuses labels that Prometheus keeps for itself, and a name twice', () => {
    const { counters } = world();
    expect(() => counters.register({ name: 'a_total', help: 'x', labels: ['__name__'] })).toThrow('cannot be a label');
    counters.register({ name: 'a_total', help: 'x' });
    expect(() => counters.register({ name: 'a_total', help: 'x' })).toThrow('a_total already');
  });
});
