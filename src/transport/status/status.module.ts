import { Module } from '@nestjs/common';
import { ToolsModule } from '../../tools/index.js';
import { TransportModule } from '../transport.module.js';
import { StatusController } from './status.controller.js';

/** The pages about the server itself: of the server of the command line, and of no host application. */
@Module({ imports: [ToolsModule, TransportModule], controllers: [StatusController] })
export class StatusModule {}
