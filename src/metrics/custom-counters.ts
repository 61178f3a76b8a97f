import { Injectable } from '@nestjs/common';
import { printable } from '../common/index.js';
import { CounterFamily, Instruments } from './instruments.js';

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/;
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,63}$/;
const RESERVED = /^(mcp|process|nodejs)_/;
const MAX_SERIES = 100;
const MAX_LABEL_CHARS = 64;
/** Stands for every combination of labels after the first {@link MAX_SERIES}. */
const OTHERS = 'other';

/** How a counter of an extension is named. */
export interface CustomCounterOptions {
  /** `<what>_total`; not beginning with `mcp_`, `process_` or `nodejs_`. */
  readonly name: string;
  /** One sentence, which /metrics shows. */
  readonly help: string;
  /** Names of labels. What they may say must be few: after 100 combinations the rest is counted as `other`. */
  readonly labels?: readonly string[];
}

/** A counter of an extension. */
export interface CustomCounter {
  /** @param labels by name; one that is left out is empty @param n >= 0 */
  add(labels?: Readonly<Record<string, string>>, n?: number): void;
}

/**
 * Counters of plug-ins and host applications, shown beside the server's own (S4-46). Inject it, and register once.
 * @example this.misses = counters.register({ name: 'weather_cache_misses_total', help: 'Cities that were not cached.' });
 */
@Injectable()
export class CustomCounters {
  constructor(private readonly instruments: Instruments) {}

  /** @throws Error the name or a label is not one that Prometheus takes, is reserved, or is taken */
  register({ name, help, labels = [] }: CustomCounterOptions): CustomCounter {
    if (!NAME.test(name) || RESERVED.test(name)) {
      throw new Error(
        `"${printable(name)}" cannot be a counter: take letters, digits and _, and not mcp_ at its start`,
      );
    }
    const wrong = labels.find((label) => !LABEL.test(label));
    if (wrong !== undefined) throw new Error(`"${printable(wrong)}" cannot be a label: take letters, digits and _`);
    const family = this.instruments.counter({ name, help, labels });
    return { add: (given = {}, n = 1) => countOf(family, given).add(n) };
  }
}

function countOf(family: CounterFamily, given: Readonly<Record<string, string>>): ReturnType<CounterFamily['with']> {
  const values = family.labelNames.map((name) => printable(given[name] ?? '', MAX_LABEL_CHARS));
  if (family.has(...values) || family.seriesCount < MAX_SERIES) return family.with(...values);
  return family.with(...values.map(() => OTHERS));
}
