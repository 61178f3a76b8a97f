import { Global, Module } from '@nestjs/common';
import { CustomCounters } from './custom-counters.js';
import { Instruments } from './instruments.js';
import { MemoryMetricsRecorder, MetricsRecorder } from './metrics-recorder.js';
import { SystemSampler } from './system-sampler.js';

@Global()
@Module({
  providers: [
    CustomCounters,
    SystemSampler,
    { provide: Instruments, useFactory: () => new Instruments() },
    { provide: MetricsRecorder, useClass: MemoryMetricsRecorder },
  ],
  exports: [CustomCounters, Instruments, MetricsRecorder, SystemSampler],
})
export class MetricsModule {}
