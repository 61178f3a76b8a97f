/** What a query of PromQL reads: the names of metrics, and the labels that it names of each. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** A line of the text form of Prometheus. */
export interface ShownSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const WORDS = new Set(
  (
    'sum rate irate increase histogram_quantile max min avg count topk bottomk clamp_min clamp_max absent time ' +
    'by without on ignoring group_left group_right and or unless offset bool vector label_replace max_over_time ' +
    'min_over_time avg_over_time changes delta deriv'
  ).split(' '),
);

/** @returns every metric that a query selects; what follows `by (…)` and the like are labels, and none of them */
export function selectorsOf(query: string): readonly Selector[] {
  const bare = query
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/(?<![\w"])\d[\d.]*(?:e[+-]?\d+)?(?![\w"])/g, ' ');
  const found: Selector[] = [];
  for (const [, metric = '', matchers = ''] of bare.matchAll(/([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{([^}]*)\})?/g)) {
    if (WORDS.has(metric) || /^\d/.test(metric)) continue;
    const labels = [...matchers.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label);
    found.push({ metric, labels });
  }
  return found;
}

/** @returns labels that a query groups by */
export function groupLabelsOf(query: string): readonly string[] {
  return [...query.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  );
}

/** Reads the text form of Prometheus. */
export function samplesOf(text: string): readonly ShownSample[] {
  return text.split('\n').flatMap((line) => {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) return [];
    const [, name = '', labels = '', value] = match;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, key = '', text = '']) => [key, text] as const,
    );
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}
