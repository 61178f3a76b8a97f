import { AppConfig, type PreparedReload, Reloadable } from '../../config/index.js';
import { EXIT, StartError } from '../../common/index.js';
import { RoleBook } from './role-book.js';
import { namedRoles, type NamedRole } from './named-roles.js';
import { readRolesFile } from './roles-file.js';

const KEY = 'policy.rolesFile';

/** The roles that hold now. A reload puts others in their place, all at once. */
export class LiveRoles extends Reloadable {
  private readonly listeners = new Set<(before: RoleBook) => void>();

  /** @param named roles that settings give to callers, and that must exist */
  constructor(
    private current: RoleBook = new RoleBook(),
    private readonly named: readonly NamedRole[] = [],
  ) {
    super();
  }

  /** @throws StartError with every fault of the file */
  static async open(config: AppConfig): Promise<LiveRoles> {
    const roles = new LiveRoles(undefined, namedRoles(config));
    roles.current = await roles.read(config.policy.rolesFile);
    return roles;
  }

  get book(): RoleBook {
    return this.current;
  }

  /** Calls back after each change, with the roles that held before. @returns what ends that */
  onChange(listener: (before: RoleBook) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  override async prepare({ policy }: AppConfig): Promise<PreparedReload> {
    const next = await this.read(policy.rolesFile);
    return { changed: next.digest === this.current.digest ? [] : [KEY], commit: () => this.replace(next) };
  }

  private replace(next: RoleBook): void {
    const before = this.current;
    if (next.digest === before.digest) return;
    before.teach(next);
    this.current = next;
    for (const listener of this.listeners) listener(before);
  }

  private async read(path: string | undefined): Promise<RoleBook> {
    const { book, faults = [] } = await readRolesFile(path);
    const missing = this.named.flatMap(({ setting, role }) =>
      !book || book.has(role) ? [] : [`${setting} is "${role}", which is no role; there are: ${book.names.join(', ')}`],
    );
    if (!book || missing.length > 0) {
      throw new StartError('The roles have faults:', [...faults, ...missing], EXIT.config);
    }
    return book;
  }
}
