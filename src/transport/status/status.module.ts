import { Module } from '@nestjs/common';
import { AuthModule } from '../../auth/index.js';
import { ToolsModule } from '../../tools/index.js';
import { TransportModule } from '../transport.module.js';
import { StatusController } from './status.controller.js';
import { StatusViewers } from './status-viewers.js';

/** The pages about the server itself: of the server of the command line, and of no host application. */
@Module({
  imports: [AuthModule, ToolsModule, TransportModule],
  controllers: [StatusController],
  providers: [StatusViewers],
})
export class StatusModule {}
