import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/index.js';
import { ManagementListener } from './management-listener.js';

/** Ports of their own for health and metrics. */
@Module({ imports: [AuthModule], providers: [ManagementListener] })
export class ManagementModule {}
