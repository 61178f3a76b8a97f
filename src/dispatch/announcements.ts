import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Policy, type PolicyTarget, type Principal } from '../auth/index.js';
import type { JsonObject } from '../common/index.js';
import { encodeNotification } from '../protocol/index.js';
import { ResourceRegistry } from '../resources/index.js';
import type { Session } from '../session/index.js';
import { Bus, Replica } from '../store/index.js';
import { ToolRegistry } from '../tools/index.js';

/** Something that changed on the server, or that its operator has to say, for whoever wants to know. */
export type Announcement =
  | { readonly kind: 'tools' | 'prompts' | 'resources' }
  | { readonly kind: 'updated'; readonly uri: string }
  | { readonly kind: 'notice'; readonly message: string }
  | { readonly kind: 'task'; readonly taskId: string; readonly view: JsonObject };

const LIST_OF = { tool: 'tools', prompt: 'prompts', resource: 'resources' } as const;

/** Someone who wants to know. */
export interface Listener {
  readonly principal: Principal;
  wants(announcement: Announcement): boolean;
  hear(announcement: Announcement): void;
  /** Is told that there will be nothing more to hear. */
  end?(): void;
}

/**
 * A session of the legacy era as a listener.
 * @param send puts one message on its way
 */
export function legacyListener(session: Session, principal: Principal, send: (text: string) => void): Listener {
  return {
    principal,
    wants: (announcement) => {
      if (announcement.kind === 'updated') return session.subscriptions.has(announcement.uri);
      return announcement.kind !== 'task';
    },
    hear: (announcement) => {
      const { method, params } = notificationOf(announcement);
      send(encodeNotification(method, params));
    },
  };
}

/** The notification that tells of an announcement. */
export function notificationOf(announcement: Announcement): { readonly method: string; readonly params?: JsonObject } {
  switch (announcement.kind) {
    case 'updated':
      return { method: 'notifications/resources/updated', params: { uri: announcement.uri } };
    case 'notice':
      // S0-17 names it so, outside the protocol: for clients of 2025 alone (D-4).
      return { method: 'server_notification', params: { message: announcement.message } };
    case 'task':
      return { method: 'notifications/tasks', params: announcement.view };
    default:
      return { method: `notifications/${announcement.kind}/list_changed` };
  }
}

const UPDATED = 'resource-updated';
const LIST_CHANGED = 'list-changed';
const TASK_CHANGED = 'task-changed';
const NOTICE = 'notice';

interface Notice {
  readonly message: string;
  readonly by: string;
}

interface TaskNews {
  readonly taskId: string;
  readonly view: JsonObject;
}

/** Stands for every entry of a list. */
function wholeList(kind: PolicyTarget['kind']): PolicyTarget {
  return { kind, name: '*', tags: [], roles: undefined };
}

/**
 * Tells clients what changed: those only who can see it, and changes of one list that come together once (D-13).
 */
@Injectable()
export class Announcements implements OnModuleInit {
  private readonly logger = new Logger(Announcements.name);
  private readonly listeners = new Set<Listener>();
  private readonly changed = new Map<PolicyTarget['kind'], PolicyTarget[]>();

  constructor(
    private readonly tools: ToolRegistry,
    private readonly resources: ResourceRegistry,
    private readonly policy: Policy,
    private readonly bus: Bus,
    private readonly replica: Replica,
  ) {}

  onModuleInit(): void {
    this.tools.onChange((tool) => this.listChanged(tool.target));
    this.bus.subscribe(NOTICE, (text) => {
      const { message, by } = JSON.parse(text) as Notice;
      if (by !== this.replica.id) this.tellNotice(message);
    });
    this.bus.subscribe(UPDATED, (uri) => this.tellUpdated(uri));
    this.bus.subscribe(TASK_CHANGED, (message) => this.tellTask(JSON.parse(message) as TaskNews));
    this.bus.subscribe(LIST_CHANGED, (kind) => this.listChanged(wholeList(kind as PolicyTarget['kind'])));
  }

  /** Tells everyone that the server is ending. */
  endAll(): void {
    for (const listener of this.listeners) listener.end?.();
  }

  /** Tells some that there will be nothing more to hear. */
  endWhere(matches: (principal: Principal) => boolean): void {
    for (const listener of [...this.listeners]) if (matches(listener.principal)) listener.end?.();
  }

  get listenerCount(): number {
    return this.listeners.size;
  }

  /** @returns what ends it */
  listen(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** One entry of a list came, went, or changed its state. */
  listChanged(target: PolicyTarget): void {
    if (this.listeners.size === 0) return;
    const together = this.changed.get(target.kind);
    if (together) {
      together.push(target);
      return;
    }
    this.changed.set(target.kind, [target]);
    queueMicrotask(() => this.tellList(target.kind));
  }

  /** A list looks other than before to some. @param isOther whether it does to a principal */
  viewChanged(kind: PolicyTarget['kind'], isOther: (principal: Principal) => boolean): void {
    const announcement: Announcement = { kind: LIST_OF[kind] };
    for (const listener of this.listeners) {
      if (isOther(listener.principal) && listener.wants(announcement)) listener.hear(announcement);
    }
  }

  /** What a resource holds has changed, for clients of every replica. */
  updated(uri: string): void {
    this.bus.publish(UPDATED, uri);
  }

  /** A list has changed for everyone, at every replica. */
  wholeListChanged(kind: PolicyTarget['kind']): void {
    this.bus.publish(LIST_CHANGED, kind);
  }

  /** A task has changed; who listens for it was found to own it. */
  taskChanged(taskId: string, view: JsonObject): void {
    this.bus.publish(TASK_CHANGED, JSON.stringify({ taskId, view } satisfies TaskNews));
  }

  private tellUpdated(uri: string): void {
    const announcement = { kind: 'updated', uri } as const;
    for (const listener of this.listeners) {
      if (listener.wants(announcement) && this.resources.isVisible(uri, listener.principal))
        listener.hear(announcement);
    }
  }

  private tellTask({ taskId, view }: TaskNews): void {
    const announcement = { kind: 'task', taskId, view } as const;
    for (const listener of this.listeners) if (listener.wants(announcement)) listener.hear(announcement);
  }

  /**
   * Says something to every client that is connected and takes such (S0-17), at every replica. One that cannot be reached
   * keeps no other from hearing it.
   * @returns how many were told from here
   */
  notice(message: string): number {
    this.bus.publish(NOTICE, JSON.stringify({ message, by: this.replica.id } satisfies Notice));
    return this.tellNotice(message);
  }

  private tellNotice(message: string): number {
    const announcement = { kind: 'notice', message } as const;
    let count = 0;
    for (const listener of this.listeners) {
      if (!listener.wants(announcement)) continue;
      try {
        listener.hear(announcement);
        count += 1;
      } catch (error) {
        this.logger.warn(`A client could not be told: ${String(error)}`);
      }
    }
    return count;
  }

  private tellList(kind: PolicyTarget['kind']): void {
    const targets = this.changed.get(kind) ?? [];
    this.changed.delete(kind);
    const announcement: Announcement = { kind: LIST_OF[kind] };
    for (const listener of this.listeners) {
      const sees = targets.some((target) => this.policy.isVisible(listener.principal, target));
      if (sees && listener.wants(announcement)) listener.hear(announcement);
    }
  }
}
