import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { LimitsModule } from '../limits/index.js';
import { BUILTIN_TOOLS } from './builtin/index.js';
import { CallEviction } from './call-eviction.js';
import { CallGate } from './call-gate.js';
import { CommandRunner } from './command/index.js';
import { Deadlines } from './deadlines.js';
import { Enhancers } from './enhancers.js';
import { FeatureRunner } from './feature-runner.js';
import { FeatureScanner } from './feature-scanner.js';
import { KeyedCalls } from './idempotency/keyed-calls.js';
import { KeyedRecords } from './idempotency/keyed-records.js';
import { ToolExecutor } from './tool-executor.js';
import { ToolRegistry } from './tool-registry.js';
import { ToolReload } from './tool-reload.js';
import { ToolScanner } from './tool-scanner.js';
import { ToolStates } from './tool-states.js';

@Module({
  imports: [DiscoveryModule, AuditModule, AuthModule, LimitsModule],
  providers: [
    CallEviction,
    CallGate,
    CommandRunner,
    Deadlines,
    Enhancers,
    FeatureRunner,
    FeatureScanner,
    KeyedCalls,
    KeyedRecords,
    ToolExecutor,
    ToolRegistry,
    ToolReload,
    ToolScanner,
    ToolStates,
    ...BUILTIN_TOOLS,
  ],
  exports: [CallGate, FeatureRunner, FeatureScanner, ToolExecutor, ToolRegistry, ToolScanner, ToolStates],
})
export class ToolsModule {}
