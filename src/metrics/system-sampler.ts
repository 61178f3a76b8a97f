import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, loadavg, totalmem } from 'node:os';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { Instruments, type Sample } from './instruments.js';

const MS_PER_SEC = 1_000;
const NS_PER_MS = 1e6;

/** How the machine and this process do, over the last interval. */
export interface SystemSample {
  /** Load of all processors, 0 to 100. */
  readonly cpuPercent: number;
  /** Of the container, where it has a limit; else of the machine. */
  readonly memoryPercent: number;
  readonly memoryLimitBytes: number;
  /** Of the disk with the state folder; undefined where it cannot be asked. */
  readonly diskPercent: number | undefined;
  /** By how much the event loop was late, ms: 99 of 100 turns were better. */
  readonly loopLagMs: number;
}

interface CpuTimes {
  readonly idle: number;
  readonly all: number;
}

/**
 * Samples processors, memory and disk on one timer, so that nobody who asks has to wait (W-35). It runs only where
 * somebody wants to know.
 */
@Injectable()
export class SystemSampler implements OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private loop: IntervalHistogram | undefined;
  private times: CpuTimes | undefined;
  private last: SystemSample | undefined;

  constructor(
    private readonly config: AppConfig,
    private readonly instruments: Instruments,
  ) {}

  /** Begins to sample. Once is enough: a second call changes nothing. */
  start(): void {
    if (this.timer) return;
    this.loop = monitorEventLoopDelay();
    this.loop.enable();
    const everyMs = this.config.metrics.collectionIntervalSec * MS_PER_SEC;
    this.timer = setInterval(() => void this.sample(), everyMs).unref();
    this.show();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.loop?.disable();
  }

  /** @returns the newest sample; the first is taken when it is asked for */
  async latest(): Promise<SystemSample> {
    return this.last ?? this.sample();
  }

  async sample(): Promise<SystemSample> {
    const limit = memoryLimit();
    this.last = {
      cpuPercent: this.cpuPercent(),
      memoryPercent: percent(limit.used, limit.bytes),
      memoryLimitBytes: limit.bytes,
      diskPercent: await diskPercent(this.config.sessions.stateDir ?? '.'),
      loopLagMs: this.loop ? this.loop.percentile(99) / NS_PER_MS : 0,
    };
    this.loop?.reset();
    return this.last;
  }

  private cpuPercent(): number {
    const before = this.times;
    const now = cpuTimes();
    this.times = now;
    // Since the start there was little else than the start: what the system says of the last minute is fairer.
    if (!before || now.all <= before.all) return percent(loadavg()[0] ?? 0, availableParallelism());
    const all = now.all - before.all;
    return percent(all - (now.idle - before.idle), all);
  }

  private show(): void {
    const figure = (name: string, help: string, read: (sample: SystemSample) => number | undefined): void =>
      this.instruments.gauge({ name, help }, () => samplesOf(this.last && read(this.last)));
    figure('mcp_system_cpu_percent', 'Load of all processors.', ({ cpuPercent }) => cpuPercent);
    figure(
      'mcp_system_memory_percent',
      'Used memory, of the container where it has a limit.',
      ({ memoryPercent }) => memoryPercent,
    );
    figure('mcp_system_disk_percent', 'Used space of the disk with the state.', ({ diskPercent: used }) => used);
    figure('mcp_memory_limit_bytes', 'Memory that there is.', ({ memoryLimitBytes }) => memoryLimitBytes);
  }
}

function samplesOf(value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ labels: {}, value }];
}

function cpuTimes(): CpuTimes {
  let idle = 0;
  let all = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, all };
}

/** A container without a limit reports one beyond all memory. */
function memoryLimit(): { readonly bytes: number; readonly used: number } {
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < totalmem();
  const bytes = isLimited ? limit : totalmem();
  return { bytes, used: bytes - (isLimited ? process.availableMemory() : freemem()) };
}

async function diskPercent(path: string): Promise<number | undefined> {
  try {
    const { blocks, bfree, bavail } = await statfs(path);
    const used = blocks - bfree;
    return percent(used, used + bavail);
  } catch {
    // No such folder (yet), or a file system that cannot say: there is no figure then, and no fault.
    return undefined;
  }
}

function percent(part: number, whole: number): number {
  return whole > 0 ? Math.min(Math.max((part / whole) * 100, 0), 100) : 0;
}
