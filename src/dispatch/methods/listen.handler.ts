import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { isJsonObject, type JsonObject, ProtocolError } from '../../common/index.js';
import { encodeNotification, META, type RequestId } from '../../protocol/index.js';
import { type Announcement, Announcements, notificationOf } from '../announcements.js';
import { type MethodCall, MethodHandler } from '../method-handler.js';
import { requireTasks } from '../peer.js';
import { Tasks } from '../tasks/tasks.js';

const MAX_ITEMS = 256;

interface Filter {
  readonly lists: ReadonlySet<string>;
  readonly uris: ReadonlySet<string>;
  readonly tasks: ReadonlySet<string>;
}

/** @see MCP 2026-07-28, basic/patterns/subscriptions */
@Injectable()
export class ListenHandler extends MethodHandler {
  override readonly methods = { 'subscriptions/listen': 'modern' } as const;

  constructor(
    private readonly announcements: Announcements,
    private readonly tasks: Tasks,
  ) {
    super();
  }

  /** Goes on until the client leaves, or the server ends and says so. */
  override async handle({ request, params, exchange, peer, scope }: MethodCall): Promise<JsonObject> {
    const asked = filterOf(params['notifications']);
    if (asked.tasks.size > 0) requireTasks(peer);
    const filter = { ...asked, tasks: await this.known(asked.tasks, exchange.principal) };
    const send = (method: string, more: JsonObject): void =>
      exchange.send(encodeNotification(method, { _meta: tagged(request.id), ...more }));
    send('notifications/subscriptions/acknowledged', { notifications: acknowledged(filter) });
    let stop: (() => void) | undefined;
    const ended = new Promise<void>((resolve) => {
      stop = this.announcements.listen({
        principal: exchange.principal,
        wants: (announcement) => wants(filter, announcement),
        hear: (announcement) => {
          const { method, params: told } = notificationOf(announcement);
          send(method, told ?? {});
        },
        end: resolve,
      });
    });
    try {
      await scope.outlast(ended);
      return { _meta: tagged(request.id) };
    } finally {
      stop?.();
    }
  }

  private async known(taskIds: ReadonlySet<string>, principal: Principal): Promise<ReadonlySet<string>> {
    const known = await Promise.all([...taskIds].map((taskId) => this.tasks.isKnown(taskId, principal)));
    return new Set([...taskIds].filter((_taskId, index) => known[index]));
  }
}

function tagged(id: RequestId): JsonObject {
  return { [META.subscriptionId]: id };
}

const LISTS = { toolsListChanged: 'tools', promptsListChanged: 'prompts', resourcesListChanged: 'resources' } as const;

/** @throws ProtocolError invalid_params */
function filterOf(notifications: unknown): Filter {
  if (!isJsonObject(notifications)) throw invalid('notifications must be an object');
  const uris = strings(notifications, 'resourceSubscriptions');
  const tasks = strings(notifications, 'taskIds');
  const lists = Object.entries(LISTS).filter(([field]) => notifications[field] === true);
  return { lists: new Set(lists.map(([, list]) => list)), uris, tasks };
}

/** @throws ProtocolError invalid_params */
function strings(notifications: JsonObject, field: string): ReadonlySet<string> {
  const values: unknown = notifications[field] ?? [];
  if (Array.isArray(values) && values.length <= MAX_ITEMS && values.every((value) => typeof value === 'string')) {
    return new Set(values);
  }
  throw invalid(`${field} must be an array of at most ${MAX_ITEMS} strings`);
}

function acknowledged({ lists, uris, tasks }: Filter): JsonObject {
  const honoured = Object.entries(LISTS).filter(([, list]) => lists.has(list));
  return {
    ...Object.fromEntries(honoured.map(([field]) => [field, true])),
    ...(uris.size > 0 && { resourceSubscriptions: [...uris] }),
    ...(tasks.size > 0 && { taskIds: [...tasks] }),
  };
}

function wants({ lists, uris, tasks }: Filter, announcement: Announcement): boolean {
  if (announcement.kind === 'notice') return false;
  if (announcement.kind === 'task') return tasks.has(announcement.taskId);
  return announcement.kind === 'updated' ? uris.has(announcement.uri) : lists.has(announcement.kind);
}

function invalid(why: string): ProtocolError {
  return new ProtocolError('invalid_params', `Invalid params: ${why}`);
}
