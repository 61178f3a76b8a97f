import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { isJsonObject, type JsonObject, ProtocolError } from '../../common/index.js';
import { encodeNotification, META, type RequestId } from '../../protocol/index.js';
import { type Announcement, Announcements, methodOf } from '../announcements.js';
import { type MethodCall, MethodHandler } from '../method-handler.js';

const MAX_URIS = 256;

interface Filter {
  readonly lists: ReadonlySet<string>;
  readonly uris: ReadonlySet<string>;
}

/** @see MCP 2026-07-28, basic/patterns/subscriptions */
@Injectable()
export class ListenHandler extends MethodHandler implements OnApplicationShutdown {
  override readonly methods = { 'subscriptions/listen': 'modern' } as const;
  private readonly open = new Set<() => void>();

  constructor(private readonly announcements: Announcements) {
    super();
  }

  /** Goes on until the client leaves, or the server ends and says so. */
  override async handle({ request, params, exchange, scope }: MethodCall): Promise<JsonObject> {
    const filter = filterOf(params['notifications']);
    const send = (method: string, more: JsonObject): void =>
      exchange.send(encodeNotification(method, { _meta: tagged(request.id), ...more }));
    send('notifications/subscriptions/acknowledged', { notifications: acknowledged(filter) });
    const stop = this.announcements.listen({
      principal: exchange.principal,
      wants: (announcement) => wants(filter, announcement),
      hear: (announcement) =>
        send(methodOf(announcement), announcement.kind === 'updated' ? { uri: announcement.uri } : {}),
    });
    try {
      await scope.outlast(new Promise<void>((resolve) => this.untilShutdown(resolve, scope.signal)));
      return { _meta: tagged(request.id) };
    } finally {
      stop();
    }
  }

  onApplicationShutdown(): void {
    for (const end of this.open) end();
  }

  private untilShutdown(end: () => void, signal: AbortSignal): void {
    this.open.add(end);
    signal.addEventListener('abort', () => this.open.delete(end), { once: true });
  }
}

function tagged(id: RequestId): JsonObject {
  return { [META.subscriptionId]: id };
}

const LISTS = { toolsListChanged: 'tools', promptsListChanged: 'prompts', resourcesListChanged: 'resources' } as const;

/** @throws ProtocolError invalid_params */
function filterOf(notifications: unknown): Filter {
  if (!isJsonObject(notifications)) throw invalid('notifications must be an object');
  const uris: unknown = notifications['resourceSubscriptions'] ?? [];
  if (!Array.isArray(uris) || uris.length > MAX_URIS || !uris.every((uri) => typeof uri === 'string')) {
    throw invalid(`resourceSubscriptions must be an array of at most ${MAX_URIS} URIs`);
  }
  const lists = Object.entries(LISTS).filter(([field]) => notifications[field] === true);
  return { lists: new Set(lists.map(([, list]) => list)), uris: new Set(uris) };
}

function acknowledged({ lists, uris }: Filter): JsonObject {
  const honoured = Object.entries(LISTS).filter(([, list]) => lists.has(list));
  return {
    ...Object.fromEntries(honoured.map(([field]) => [field, true])),
    ...(uris.size > 0 && { resourceSubscriptions: [...uris] }),
  };
}

function wants({ lists, uris }: Filter, announcement: Announcement): boolean {
  return announcement.kind === 'updated' ? uris.has(announcement.uri) : lists.has(announcement.kind);
}

function invalid(why: string): ProtocolError {
  return new ProtocolError('invalid_params', `Invalid params: ${why}`);
}
