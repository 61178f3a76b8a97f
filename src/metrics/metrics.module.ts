import { Global, Module } from '@nestjs/common';
import { MemoryMetricsRecorder, MetricsRecorder } from './metrics-recorder.js';

@Global()
@Module({
  providers: [{ provide: MetricsRecorder, useClass: MemoryMetricsRecorder }],
  exports: [MetricsRecorder],
})
export class MetricsModule {}
