import { describe, expect, it } from '@jest/globals';
import { keptOrigin, MAX_USER_AGENT_CHARS } from './session-origin.js';

describe('keptOrigin', () => {
  it('S3-2 keeps where a session came from, and of a User-Agent only so much', () => {
    expect(keptOrigin({ door: 'http' })).toEqual({ door: 'http' });
    const origin = keptOrigin({ door: 'sse', address: '::1', userAgent: 'x'.repeat(10_000) });
    expect(origin).toMatchObject({ door: 'sse', address: '::1' });
    expect(origin.userAgent).toBe(`${'x'.repeat(MAX_USER_AGENT_CHARS)}…`);
  });

  it('W-38 keeps nothing that could forge a line', () => {
    expect(keptOrigin({ door: 'http', userAgent: 'a\r\nb' }).userAgent).toBe('a\\u000d\\u000ab');
  });
});
