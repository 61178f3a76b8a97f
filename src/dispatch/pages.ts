import { Injectable } from '@nestjs/common';
import { Policy, type Principal } from '../auth/index.js';
import type { JsonObject } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { MODERN_REVISION, type Revision, SerializedResult } from '../protocol/index.js';
import type { GateTarget } from '../tools/index.js';
import { Cursors, type PagedList } from './cursors.js';
import { ServerIdentity } from './server-identity.js';

/** Pages kept at once; far more than there are revisions times role sets, so that none is made twice. */
const MAX_PAGES = 512;

/** Something that can be listed. */
export interface Listed {
  readonly ordinal: number;
  readonly target: GateTarget;
}

/** A list, and how one of its entries looks on the wire. */
export interface PageSource<Entry extends Listed> {
  readonly list: PagedList;
  /** Grows with every change of the list. */
  readonly version: number;
  readonly entries: () => readonly Entry[];
  readonly view: (entry: Entry) => JsonObject;
}

/**
 * The pages of the lists, each serialised once per revision, set of roles and version of the list, then spliced into
 * answers as text.
 */
@Injectable()
export class Pages {
  private readonly pages = new Map<string, SerializedResult>();
  private readonly versions = new Map<PagedList, number>();

  constructor(
    private readonly policy: Policy,
    private readonly cursors: Cursors,
    private readonly identity: ServerIdentity,
    private readonly config: AppConfig,
  ) {}

  /**
   * One page, from the entry after the cursor.
   * @throws ProtocolError invalid_cursor
   */
  page<Entry extends Listed>(
    source: PageSource<Entry>,
    asker: { readonly principal: Principal; readonly revision: Revision; readonly cursor: unknown },
  ): SerializedResult {
    const { principal, revision, cursor } = asker;
    const after = this.cursors.open(source.list, cursor);
    this.forgetOld(source);
    const key = `${source.list}|${revision}|${after}|${this.policy.viewKey(principal)}`;
    let page = this.pages.get(key);
    if (!page) {
      page = this.serialize(source, after, { principal, revision });
      if (this.pages.size >= MAX_PAGES) this.pages.clear();
      this.pages.set(key, page);
    }
    return page;
  }

  private forgetOld({ list, version }: { readonly list: PagedList; readonly version: number }): void {
    if (this.versions.get(list) === version) return;
    this.versions.set(list, version);
    for (const key of this.pages.keys()) if (key.startsWith(`${list}|`)) this.pages.delete(key);
  }

  private serialize<Entry extends Listed>(
    source: PageSource<Entry>,
    after: number,
    { principal, revision }: { readonly principal: Principal; readonly revision: Revision },
  ): SerializedResult {
    const { list } = source;
    const rest = source
      .entries()
      .filter((entry) => entry.ordinal > after && this.policy.isListed(principal, entry.target));
    const shown = rest.slice(0, this.config.limits.listPageSize);
    const last = shown.at(-1);
    const result: JsonObject = { [list]: shown.map((entry) => source.view(entry)) };
    if (last && rest.length > shown.length) result['nextCursor'] = this.cursors.seal(list, last.ordinal);
    if (revision === MODERN_REVISION) return this.identity.sealed(this.identity.cacheable(result));
    return new SerializedResult(JSON.stringify(result));
  }
}
