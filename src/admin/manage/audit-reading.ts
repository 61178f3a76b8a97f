import { Injectable } from '@nestjs/common';
import { auditPath, type AuditQuery, newestLines, recordOf, searchAudit } from '../../audit/index.js';
import { type JsonObject, ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';

/** Reads the audit log of this process, one reader at a time: it may be long, and calls go before. */
@Injectable()
export class AuditReading {
  private isReading = false;

  constructor(private readonly config: AppConfig) {}

  /**
   * @param count >= 1
   * @param isLeft whether nobody waits for it any more
   * @returns the newest records that fit, oldest first
   * @throws ProtocolError not_found: no file is set; server_busy: somebody else reads it, or it was just rotated
   */
  async newest(query: AuditQuery, count: number, isLeft: () => boolean): Promise<readonly JsonObject[]> {
    const { file } = this.config.audit;
    if (file === undefined) throw new ProtocolError('not_found', 'There is no audit file: MCP_AUDIT_FILE names one.');
    if (this.isReading) throw new ProtocolError('server_busy', 'Somebody else reads the audit log: try again', RETRY);
    this.isReading = true;
    try {
      const lines = await this.lines(auditPath(file), query, { count, isLeft });
      return lines.map(recordOf).filter((record) => record !== undefined);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new ProtocolError('server_busy', 'The audit log was just rotated: try again', { ...RETRY, cause: error });
    } finally {
      this.isReading = false;
    }
  }

  private async lines(
    path: string,
    query: AuditQuery,
    { count, isLeft }: { readonly count: number; readonly isLeft: () => boolean },
  ): Promise<readonly string[]> {
    if (Object.values(query).every((wanted) => wanted === undefined)) return newestLines(path, count);
    const newest: string[] = [];
    for await (const line of searchAudit(path, query)) {
      if (isLeft()) break;
      newest.push(line);
      if (newest.length > count) newest.shift();
    }
    return newest;
  }
}

const RETRY = { data: { retryAfterMs: 1_000 } };
