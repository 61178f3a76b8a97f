/** One figure of a family. */
export interface Sample {
  /** Follows the name of the family: the parts of a histogram have one each. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Figures under one name, told apart by labels. */
export interface Family {
  /** As Prometheus names it: `mcp_<noun>_<unit>_total|seconds|bytes`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labelNames: readonly string[];
  /** Every figure as it is now, each finite and, for counters and histograms, never negative. */
  samples(): readonly Sample[];
}

/** How a family is named. */
export interface FamilyNames {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Counts one thing: bound once, so that counting looks nothing up. */
export class Count {
  private counted = 0;

  get value(): number {
    return this.counted;
  }

  /** @param n >= 0; anything else is let go */
  add(n = 1): void {
    if (n >= 0 && n < Number.POSITIVE_INFINITY) this.counted += n;
  }
}

/** Counts by labels. */
export class CounterFamily implements Family {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  private readonly counts = new Map<string, { readonly labels: Record<string, string>; readonly count: Count }>();

  constructor({ name, help, labels = [] }: FamilyNames) {
    this.name = name;
    this.help = help;
    this.labelNames = labels;
  }

  /** @param values of the labels, in their order; the caller bounds what they may be */
  with(...values: string[]): Count {
    const key = values.length === 1 ? (values[0] as string) : JSON.stringify(values);
    const known = this.counts.get(key);
    if (known) return known.count;
    const count = new Count();
    const labels = Object.fromEntries(this.labelNames.map((name, at) => [name, values[at] ?? '']));
    this.counts.set(key, { labels, count });
    return count;
  }

  get seriesCount(): number {
    return this.counts.size;
  }

  has(...values: string[]): boolean {
    return this.counts.has(values.length === 1 ? (values[0] as string) : JSON.stringify(values));
  }

  samples(): readonly Sample[] {
    return [...this.counts.values()].map(({ labels, count }) => ({ labels, value: count.value }));
  }
}

/** A family that keeps nothing itself: its figures are read from whoever knows them when they are wanted. */
class ReadFamily implements Family {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];

  constructor(
    readonly type: Family['type'],
    { name, help, labels = [] }: FamilyNames,
    private readonly read: () => Iterable<Sample>,
  ) {
    this.name = name;
    this.help = help;
    this.labelNames = labels;
  }

  samples(): readonly Sample[] {
    const isSigned = this.type === 'gauge';
    return [...this.read()].filter(({ value }) => Number.isFinite(value) && (isSigned || value >= 0));
  }
}

/** Every family that this process has, by name. */
export class Instruments {
  private readonly known = new Map<string, Family>();

  get families(): readonly Family[] {
    return [...this.known.values()];
  }

  /** @throws Error the name is taken */
  add<F extends Family>(family: F): F {
    if (this.known.has(family.name)) throw new Error(`There is a metric ${family.name} already`);
    this.known.set(family.name, family);
    return family;
  }

  counter(names: FamilyNames): CounterFamily {
    return this.add(new CounterFamily(names));
  }

  /** A figure that goes up and down, read when it is wanted. */
  gauge(names: FamilyNames, read: () => Iterable<Sample>): void {
    this.add(new ReadFamily('gauge', names, read));
  }

  /** A figure that only grows, and that somebody else counts. */
  total(names: FamilyNames, read: () => Iterable<Sample>): void {
    this.add(new ReadFamily('counter', names, read));
  }

  /** @param read gives the parts, each with its suffix */
  histogram(names: FamilyNames, read: () => Iterable<Sample>): void {
    this.add(new ReadFamily('histogram', names, read));
  }
}
