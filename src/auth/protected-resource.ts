import type { AppConfig } from '../config/index.js';

const ENDPOINT = '/mcp';
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/**
 * What this server is to OAuth: a resource, named by its public URL, and by that of its endpoint.
 * @see RFC 9728; MCP 2025-11-25, basic/authorization
 */
export class ProtectedResource {
  /** Any of these in a token's `aud` means this server. */
  readonly audiences: readonly string[];
  /** Documents by the path that they are at, as JSON. */
  readonly documents: ReadonlyMap<string, string>;
  /** Where clients of the endpoint find its document. */
  readonly metadataUrl: string;

  private constructor(publicUrl: string, config: AppConfig) {
    const { origin, pathname } = new URL(publicUrl);
    const path = pathname.replace(/\/+$/, '');
    const base = path.endsWith(ENDPOINT) ? path.slice(0, -ENDPOINT.length) : path;
    const [root, endpoint] = [`${origin}${base}`, `${origin}${base}${ENDPOINT}`];
    // URLs with and without a final slash are one resource to those who write them.
    this.audiences = [...new Set([publicUrl, root, `${root}/`, endpoint])];
    this.metadataUrl = `${origin}${WELL_KNOWN}${base}${ENDPOINT}`;
    // A document names the resource whose URL its own was made of. @see RFC 9728 section 3.3
    const rootDocument = document(base === '' ? `${root}/` : root, config);
    const endpointDocument = document(endpoint, config);
    // A proxy may take the path of the public URL off, or leave it on.
    this.documents = new Map([
      [WELL_KNOWN, rootDocument],
      [`${WELL_KNOWN}${base}`, rootDocument],
      [`${WELL_KNOWN}${ENDPOINT}`, endpointDocument],
      [`${WELL_KNOWN}${base}${ENDPOINT}`, endpointDocument],
    ]);
  }

  /** @returns undefined where no public URL is set: then it has no name */
  static of(config: AppConfig): ProtectedResource | undefined {
    const { publicUrl } = config.server;
    return publicUrl === undefined ? undefined : new ProtectedResource(publicUrl, config);
  }
}

/** @see RFC 9728 section 2 */
function document(resource: string, { auth, server }: AppConfig): string {
  return JSON.stringify({
    resource,
    ...(auth.authorizationServers.length > 0 && { authorization_servers: auth.authorizationServers }),
    ...(auth.scopesSupported.length > 0 && { scopes_supported: auth.scopesSupported }),
    bearer_methods_supported: ['header'],
    resource_name: server.name,
  });
}
