import type { IssuedKey, KeyDescription, KeyRequest, LocalAccess } from '../../auth/index.js';
import { isJsonObject, type JsonObject, printable, StartError } from '../../common/index.js';
import type { KeyAdmin } from './key-admin.js';
import { askLocal, type LocalQuestion } from './local-request.js';

/** The keys of a running server, through its admin REST. */
export class RemoteKeys implements KeyAdmin {
  constructor(private readonly access: LocalAccess) {}

  async create({ name, roles, scopes, expiresAt }: KeyRequest): Promise<IssuedKey> {
    const body = {
      name,
      roles,
      ...(scopes && { scopes }),
      ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt).toISOString() }),
    };
    return issued(await this.ask('POST', '/admin/keys', body));
  }

  async list(): Promise<readonly KeyDescription[]> {
    const { keys } = await this.ask('GET', '/admin/keys');
    if (!Array.isArray(keys)) throw strange();
    return keys.map(described);
  }

  async rotate(id: string, overlapMs: number): Promise<IssuedKey> {
    return issued(await this.ask('POST', `/admin/keys/${encodeURIComponent(id)}/rotate`, { overlapMs }));
  }

  async revoke(id: string): Promise<KeyDescription> {
    return described(await this.ask('DELETE', `/admin/keys/${encodeURIComponent(id)}`));
  }

  private async ask(method: string, path: string, body?: JsonObject): Promise<JsonObject> {
    const answer = await this.answerTo({ method, path, body: body && JSON.stringify(body) });
    const value = parsed(answer.text);
    if (answer.status >= 200 && answer.status < 300 && isJsonObject(value)) return value;
    throw refusal(answer.status, value, path);
  }

  private async answerTo(question: LocalQuestion): ReturnType<typeof askLocal> {
    try {
      return await askLocal(this.access, question);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw Object.assign(
        new StartError(
          `The server at ${this.access.url} (pid ${this.access.pid}) does not answer: ${printable(why, 500)}`,
          ['It holds the state folder: wait until it is up, or stop it, and try again.'],
        ),
        { cause: error },
      );
    }
  }
}

/** What a problem document says of itself. @see RFC 9457 */
function refusal(status: number, value: unknown, path: string): StartError {
  const { detail, title } = isJsonObject(value) ? value : {};
  const said = [detail, title].find((text) => typeof text === 'string');
  return new StartError(
    said === undefined ? `The server answered ${path} with ${status}` : printable(String(said), 500),
  );
}

function issued({ key, token }: JsonObject): IssuedKey {
  if (typeof token !== 'string') throw strange();
  return { key: described(key), token };
}

function described(value: unknown): KeyDescription {
  if (!isJsonObject(value) || typeof value['id'] !== 'string' || typeof value['name'] !== 'string') throw strange();
  return value as unknown as KeyDescription;
}

function strange(): StartError {
  return new StartError('The server answered with what is no key: is it of the same version as this program?');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever answers in no JSON is judged by the status alone.
    return undefined;
  }
}
