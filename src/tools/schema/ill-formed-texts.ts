/** Half of a surrogate pair: legal in JSON text, and no character. */
const HALF_PAIR = /\p{Surrogate}/u;

/**
 * Finds the texts of a JSON value that no UTF-8 can hold.
 * @param value JSON, no deeper than a message may be
 * @param max paths that are given at most, >= 1
 * @returns where they stand, such as `people.0.email`, in order
 */
export function illFormedTexts(value: unknown, max: number): string[] {
  const found: string[] = [];
  const look = (item: unknown, path: string): void => {
    if (found.length >= max) return;
    if (typeof item === 'string' && HALF_PAIR.test(item)) found.push(path);
    if (typeof item !== 'object' || item === null) return;
    for (const [key, inner] of Object.entries(item)) look(inner, path === '' ? key : `${path}.${key}`);
  };
  look(value, '');
  return found;
}
