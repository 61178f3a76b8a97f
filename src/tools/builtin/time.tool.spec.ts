import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../common/index.js';
import { compileSchema } from '../schema/compile-schema.js';
import { ServerTime, TimeTool } from './time.tool.js';

class StoppedClock extends Clock {
  override now(): number {
    return Date.UTC(2026, 10, 21, 8, 15, 30, 7);
  }

  override monotonic(): number {
    return 0;
  }
}

describe('get_time', () => {
  const clock = new StoppedClock();
  const result = new TimeTool(clock).getTime();
  const time = result.structuredContent as unknown as ServerTime;

  it('5.1 tells the time of the server with its offset', () => {
    expect(result.content).toEqual([{ type: 'text', text: `Current server time: ${time.iso}` }]);
    expect(time.iso).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:30\.007[+-]\d\d:\d\d$/);
    expect(Date.parse(time.iso)).toBe(clock.now());
  });

  it('5.1 tells the moment and the time zone as structured content, as its output schema says', async () => {
    expect(time).toEqual({ iso: time.iso, epochMs: clock.now(), timezone: expect.any(String) });
    expect(() => Intl.DateTimeFormat('en', { timeZone: time.timezone })).not.toThrow();
    expect(await compileSchema(ServerTime, 'output').check(time)).toMatchObject({ isValid: true });
  });
});
