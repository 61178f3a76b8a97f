/**
 * The name that is most like a wrong one, to help with a slip of the pen.
 * @param names at least one
 */
export function nearest(wrong: string, names: Iterable<string>): string {
  let best = { name: '', distance: Infinity };
  for (const name of names) {
    const distance = editDistance(wrong.slice(0, 100), name);
    if (distance < best.distance) best = { name, distance };
  }
  return best.name;
}

/** Levenshtein: letters to add, drop or change. */
function editDistance(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = (previous[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[to.length] ?? 0;
}
