import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type IncidentChange, Incidents, refusalOfIncident, subjectKey } from '../auth/index.js';
import { ProtocolError } from '../common/index.js';
import { Deadlines } from './deadlines.js';

/** Ends the running calls of whoever, and of whatever, is put into quarantine. */
@Injectable()
export class CallEviction implements OnModuleInit {
  private readonly logger = new Logger(CallEviction.name);

  constructor(
    private readonly incidents: Incidents,
    private readonly calls: Deadlines,
  ) {}

  onModuleInit(): void {
    this.incidents.onChange((change) => this.act(change));
  }

  private act({ incident, change }: IncidentChange): void {
    const { scope } = incident;
    // What changes something and runs when the server becomes read-only was let in, and may be half done.
    if (change !== 'started' || scope.kind === 'read_only') return;
    const { kind, reason, data } = refusalOfIncident(incident);
    const cause = new ProtocolError(kind, reason, data && { data });
    const ended =
      scope.kind === 'tool'
        ? this.calls.endWhere((_call, label) => label === `tool:${scope.tool}`, cause)
        : this.calls.endWhere(({ origin }) => subjectKey(origin.principal) === subjectKey(scope), cause);
    this.logger.warn(`Incident ${incident.id} ended ${ended} running calls`);
  }
}
