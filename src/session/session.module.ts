import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { Sealer } from './sealer.js';
import { SessionEviction } from './session-eviction.js';
import { SessionPeers } from './session-peers.js';
import { SessionPlaces } from './session-places.js';
import { SessionRecords } from './session-records.js';
import { SessionService } from './session.service.js';
import { SessionSweeper } from './session-sweeper.js';
import { SessionTerms } from './session-terms.js';

/** Needs AppConfig, Clock and the store ports from global modules. */
@Module({
  imports: [AuditModule, AuthModule],
  providers: [
    Sealer,
    SessionEviction,
    SessionPeers,
    SessionPlaces,
    SessionRecords,
    SessionService,
    SessionSweeper,
    SessionTerms,
  ],
  exports: [Sealer, SessionService],
})
export class SessionModule {}
