import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type OAuthClientProvider, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type {
  OAuthClientInformationFull,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js';
import { BuiltServer } from '../support/built-server.js';
import type { Json } from '../support/messages.js';
import { fixture, ROOT } from '../support/places.js';
import { Program } from '../support/program.js';
import { RawHttp } from '../support/raw-http.js';
import { CLIENT_INFO } from '../support/test-client.js';
import { PATIENCE_MS } from '../support/waiting.js';

const LONG_MS = 8 * PATIENCE_MS;
const MAX_REDIRECTS = 10;
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** What the SDK's client asks of the application around it: here one that has a browser, and a person who agrees. */
class Application implements OAuthClientProvider {
  readonly redirectUrl = 'http://127.0.0.1:1/callback';
  readonly clientMetadata: OAuthClientMetadata = {
    client_name: 'gatehouse-tests',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  /** Every page that the person was sent to. */
  readonly visits: URL[] = [];
  code = '';
  private information: OAuthClientInformationFull | undefined;
  private verifier = '';
  private kept: OAuthTokens | undefined;
  private readonly cookies = new Map<string, string>();

  clientInformation(): OAuthClientInformationFull | undefined {
    return this.information;
  }

  saveClientInformation(information: OAuthClientInformationFull): void {
    this.information = information;
  }

  /** Registers by itself, for more scopes than the client does: it asks for those of the first challenge alone. */
  async register(issuer: string): Promise<void> {
    const response = await fetch(`${issuer}/reg`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...this.clientMetadata, scope: 'tools:use tools:manage' }),
    });
    this.information = (await response.json()) as OAuthClientInformationFull;
  }

  tokens(): OAuthTokens | undefined {
    return this.kept;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.kept = tokens;
  }

  saveCodeVerifier(verifier: string): void {
    this.verifier = verifier;
  }

  codeVerifier(): string {
    return this.verifier;
  }

  /** Goes where a browser would, until the authorization server sends back to the application. */
  async redirectToAuthorization(url: URL): Promise<void> {
    this.visits.push(url);
    let at = url;
    for (let hops = 0; hops < MAX_REDIRECTS; hops++) {
      const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(at, { redirect: 'manual', headers: { cookie } });
      for (const set of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
        if (value === '') this.cookies.delete(name);
        else this.cookies.set(name, value);
      }
      const location = response.headers.get('location');
      if (location === null) throw new Error(`${at.href} answered ${response.status}: ${await response.text()}`);
      at = new URL(location, at);
      if (!at.href.startsWith(this.redirectUrl)) continue;
      const code = at.searchParams.get('code');
      if (code === null) throw new Error(`The authorization server refused: ${at.href}`);
      this.code = code;
      return;
    }
    throw new Error(`There was no end of redirects after ${url.href}`);
  }
}

describe('OAuth 2.1, with an authorization server and the SDK client', () => {
  let authority: Program;
  let issuer: string;
  let server: BuiltServer;

  beforeAll(async () => {
    authority = await startAuthority();
    [, issuer = ''] = await authority.said(/^issuer (\S+)$/m, 'stdout');
    const port = await freePort();
    server = await BuiltServer.start({
      flags: ['--port', String(port), '--public-url', `http://127.0.0.1:${port}`],
      plugins: [fixture('auth/index')],
      env: {
        MCP_OAUTH_AUTHORIZATION_SERVERS: issuer,
        MCP_OAUTH_SCOPES_SUPPORTED: 'tools:use',
        MCP_JWT_JWKS_URL: `${issuer}/jwks`,
      },
    });
  }, LONG_MS);

  afterAll(async () => {
    await Promise.all([server.dispose(), authority.stop()]);
  }, LONG_MS);

  it('RFC 9728 tells a stranger where to go: by the challenge, and at the well-known paths', async () => {
    const { status, headers } = await new RawHttp(server.url).initialize();
    const { origin } = new URL(server.url);
    expect([status, headers.get('www-authenticate')]).toEqual([
      401,
      `Bearer realm="gatehouse", resource_metadata="${origin}${WELL_KNOWN}/mcp", scope="tools:use"`,
    ]);
    for (const [path, resource] of [
      [`${WELL_KNOWN}/mcp`, server.url],
      [WELL_KNOWN, `${origin}/`],
    ] as const) {
      const response = await fetch(`${origin}${path}`, { headers: { Origin: 'https://claude.example' } });
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
      expect(await response.json()).toMatchObject({ resource, authorization_servers: [issuer] });
    }
  });

  it(
    'the client registers, proves its code with PKCE, gets a token for this resource, and is let in',
    async () => {
      const application = new Application();
      const client = await authorized(application);
      expect(await whoIs(client)).toEqual({
        issuer,
        subject: 'alice',
        roles: ['viewer'],
        scopes: ['tools:use'],
        credentialId: expect.any(String),
      });
      const [visit] = application.visits;
      expect(Object.fromEntries(visit?.searchParams ?? [])).toMatchObject({
        code_challenge_method: 'S256',
        resource: server.url,
        scope: 'tools:use',
      });
      await client.close();
    },
    LONG_MS,
  );

  it(
    'D-13 a scope that is missing is asked for on the way: 403, another visit, and the call goes through',
    async () => {
      const application = new Application();
      await application.register(issuer);
      const client = await authorized(application);
      const manage = (): Promise<unknown> => client.callTool({ name: 'manage', arguments: {} });
      await expect(manage()).rejects.toThrow(UnauthorizedError);
      expect(application.visits).toHaveLength(2);
      expect(application.visits[1]?.searchParams.get('scope')?.split(' ').sort()).toEqual([
        'tools:manage',
        'tools:use',
      ]);
      await (client.transport as StreamableHTTPClientTransport).finishAuth(application.code);
      expect(await manage()).toMatchObject({ content: [{ text: 'done' }] });
      expect(await whoIs(client)).toMatchObject({ subject: 'alice', scopes: ['tools:use', 'tools:manage'] });
      await client.close();
    },
    LONG_MS,
  );

  it(
    'RFC 8707 a token that the same server made for another resource is refused',
    async () => {
      const other = await BuiltServer.start({
        flags: ['--public-url', 'http://other.example'],
        env: { MCP_OAUTH_AUTHORIZATION_SERVERS: issuer, MCP_JWT_JWKS_URL: `${issuer}/jwks` },
      });
      try {
        const application = new Application();
        await (await authorized(application)).close();
        const token = application.tokens()?.access_token ?? '';
        const bearer = { Authorization: `Bearer ${token}` };
        expect((await new RawHttp(server.url).initialize('2025-11-25', bearer)).status).toBe(200);
        const refused = await new RawHttp(other.url).initialize('2025-11-25', bearer);
        expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
          401,
          expect.stringContaining('error="invalid_token"'),
        ]);
        await other.said(/invalid_auth.*"reason\\?":\\?"audience/);
      } finally {
        await other.dispose();
      }
    },
    LONG_MS,
  );

  /** A client that went the whole way. */
  async function authorized(application: Application): Promise<Client> {
    const transport = (): StreamableHTTPClientTransport =>
      new StreamableHTTPClientTransport(new URL(server.url), { authProvider: application });
    const first = transport();
    await expect(new Client(CLIENT_INFO).connect(first)).rejects.toThrow(UnauthorizedError);
    expect(application.visits).toHaveLength(1);
    await first.finishAuth(application.code);
    const client = new Client(CLIENT_INFO);
    await client.connect(transport());
    return client;
  }
});

async function whoIs(client: Client): Promise<Json> {
  const { content } = await client.callTool({ name: 'whoami', arguments: {} });
  const [first] = content as { text: string }[];
  return JSON.parse(first?.text ?? '') as Json;
}

/** oidc-provider 9 needs a newer Node than Gatehouse does. */
async function startAuthority(): Promise<Program> {
  const tools = (await import(pathToFileURL(join(ROOT, 'scripts', 'tools.mjs')).href)) as {
    nodeOf(major: number): string;
  };
  const isNew = Number(process.versions.node.split('.')[0]) >= 22;
  const node = isNew ? process.execPath : tools.nodeOf(22);
  const script = join(ROOT, 'test', 'fixtures', 'oauth', 'authorization-server.mjs');
  return Program.start({ command: [node, script], args: [], cwd: ROOT });
}

/** A port that the public URL can name before the server has it. */
async function freePort(): Promise<number> {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as AddressInfo;
  await new Promise((resolve) => holder.close(resolve));
  return port;
}
