import type { IncomingMessage } from 'node:http';
import { ForbiddenException, Injectable } from '@nestjs/common';
import { IncidentBoard } from '../../auth/index.js';
import { isGatehouseError } from '../../common/index.js';
import { HttpAdmission } from '../http/http-admission.js';
import { HttpCallers } from '../http/http-callers.js';

/** Who looks at the pages about the server, and how much they are shown. */
@Injectable()
export class StatusViewers {
  constructor(
    private readonly callers: HttpCallers,
    private readonly admission: HttpAdmission,
    private readonly incidents: IncidentBoard,
  ) {}

  /** @throws ForbiddenException for a page of another site, which gets nothing (W-5) */
  admit(req: IncomingMessage): void {
    const refusal = this.admission.refusalOf(req);
    if (refusal) throw new ForbiddenException(refusal.message);
  }

  /** Whether somebody may see it all. Whoever brings no credential has failed at nothing: they are shown less. */
  async isKnown(req: IncomingMessage): Promise<boolean> {
    if (this.callers.isRequired && !this.callers.bringsCredential(req)) return false;
    try {
      const principal = await this.callers.principalOf(req, 'rest');
      if (this.callers.isRequired && !principal.isAuthenticated) return false;
      return this.incidents.ofPrincipal(principal) === undefined;
    } catch (error) {
      if (isGatehouseError(error)) return false;
      throw error;
    }
  }
}
