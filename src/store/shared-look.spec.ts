import { describe, expect, it } from '@jest/globals';
import { SharedLook } from './shared-look.js';

/** Looks that end when the test says so. */
function controlled() {
  const looks: { readonly end: () => void; readonly fail: () => void }[] = [];
  const shared = new SharedLook(
    () => new Promise((resolve, reject) => looks.push({ end: resolve, fail: () => reject(new Error('away')) })),
  );
  return { looks, shared };
}

describe('SharedLook', () => {
  it('D-10 never has two under way, and gives whoever asks meanwhile one that began after', async () => {
    const { looks, shared } = controlled();
    const first = shared.again();
    const [second, third] = [shared.again(), shared.again()];
    expect(looks).toHaveLength(1);
    looks[0]?.end();
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    expect(looks).toHaveLength(2);
    looks[1]?.end();
    await Promise.all([second, third]);
    expect(looks).toHaveLength(2);
  });

  it('goes on after one that failed, which fails for those alone who asked for it', async () => {
    const { looks, shared } = controlled();
    const first = shared.again();
    const second = shared.again();
    looks[0]?.fail();
    await expect(first).rejects.toThrow('away');
    await new Promise((resolve) => setImmediate(resolve));
    looks[1]?.end();
    await expect(second).resolves.toBeUndefined();
  });
});
