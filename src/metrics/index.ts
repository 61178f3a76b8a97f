export { MetricsModule } from './metrics.module.js';
export { type CallFigures, type CallMeter, type CallStatus, MetricsRecorder } from './metrics-recorder.js';
