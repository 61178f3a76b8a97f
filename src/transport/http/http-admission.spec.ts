import { afterEach, describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import { duplexPair } from 'node:stream';
import fc from 'fast-check';
import { type Answered, MemoryHttp } from '../../../test/support/memory-http.js';
import { RecordingSecurityLog } from '../../../test/support/tool-world.js';
import { AppConfig, type ConfigOverrides } from '../../config/index.js';
import { ClientAddresses } from '../../limits/index.js';
import { HttpAdmission } from './http-admission.js';

let security: RecordingSecurityLog;

/** A server that answers 200 to whoever gets in. */
function served(settings: ConfigOverrides = {}) {
  security = new RecordingSecurityLog();
  const config = AppConfig.of(settings);
  const admission = new HttpAdmission(config, security, new ClientAddresses(config));
  return createServer((req, res) => {
    if (admission.admit(req, res)) res.writeHead(200).end('in');
  });
}

const ask = (
  settings: ConfigOverrides,
  headers: Record<string, string | undefined>,
  method = 'GET',
): Promise<Answered> => new MemoryHttp(served(settings)).ask({ method, headers });

afterEach(() => {
  security.events.length = 0;
});

describe('HttpAdmission: Host', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    'localhost:8080',
    '127.0.0.1',
    '127.0.0.1:1',
    '[::1]',
    '[::1]:8080',
    'localhost:',
  ])('W-5 takes %s on loopback', async (host) => {
    expect((await ask({}, { host })).status).toBe(200);
  });

  it.each([
    'evil.example',
    'localhost.evil.example',
    'evil.example:8080',
    'localhost@evil.example',
    'localhost:8080@evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '[::2]',
    '[::1].evil.example',
    '[::1]evil:80',
    '::1',
    'localhost:80:80',
    'localhost:x',
    'localhost.',
    '',
    ':80',
    '[]',
  ])('W-5 refuses %j, with an event', async (host) => {
    const answer = await ask({}, { host });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { data: { kind: 'forbidden_host' } } });
    expect(security.events).toMatchObject([{ event: 'host_rejected', details: { host } }]);
  });

  it('W-5 takes the bound host, the public URL and the settings, whatever their case', async () => {
    const settings = {
      server: { host: '::1', publicUrl: 'https://MCP.example.com:8443/x' },
      http: { allowedHosts: ['Proxy.internal'] },
    };
    for (const host of ['[::1]:8080', 'mcp.example.com', 'mcp.EXAMPLE.com:443', 'proxy.internal:1']) {
      expect([host, (await ask(settings, { host })).status]).toEqual([host, 200]);
    }
    expect((await ask(settings, { host: 'example.com' })).status).toBe(403);
  });

  it('refuses two Host or Authorization headers, which others on the way may read the other way round, and no Host', async () => {
    const raw = async (head: string): Promise<string> => {
      const [client, side] = duplexPair();
      served().emit('connection', side);
      client.write(`GET /mcp HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
      let text = '';
      for await (const chunk of client) text += String(chunk);
      return text;
    };
    expect(await raw('Host: localhost\r\nHost: evil.example\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw('Host: localhost\r\nhOST: localhost\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw('')).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw('Host: localhost\r\nX-Host: evil.example\r\n')).toMatch(/^HTTP\/1.1 200 /);
    expect(await raw('Host: localhost\r\nAuthorization: Bearer a\r\n')).toMatch(/^HTTP\/1.1 200 /);
    expect(security.events).toEqual([]);
    expect(await raw('Host: localhost\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n')).toMatch(
      /^HTTP\/1.1 400 [^]*send one authorization header/,
    );
    expect(security.events).toMatchObject([
      { event: 'invalid_input', details: { error: 'authorization came more than once' } },
    ]);
  });
});

describe('HttpAdmission: Origin', () => {
  const listed = { http: { corsOrigins: ['https://app.example.com'] } };

  it('W-4 takes a request of no page, and one of the same page', async () => {
    for (const origin of [undefined, 'http://localhost:8080']) {
      const answer = await ask({}, { host: 'localhost:8080', origin });
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, undefined]);
    }
  });

  it.each([
    'null',
    'https://evil.example',
    'http://localhost:8080.evil.example',
    'http://localhost',
    'https://localhost:8080',
    'http://localhost:80800',
    'http://evil.example/http://localhost:8080',
    'https://app.example.com.evil.example',
    'https://app.example.com:444',
    'http://app.example.com',
    'https://APP.example.com',
    '',
    '*',
  ])('W-4 W-5 refuses the page %j, with an event', async (origin) => {
    const answer = await ask(listed, { host: 'localhost:8080', origin });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { data: { kind: 'forbidden_origin' } } });
    expect(security.events).toMatchObject([{ event: 'origin_rejected', details: { origin } }]);
  });

  it('W-4 takes a page that is listed, and lets it read', async () => {
    const answer = await ask(listed, { origin: 'https://app.example.com' });
    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'access-control-allow-origin': 'https://app.example.com',
        'access-control-expose-headers': 'Mcp-Session-Id, Retry-After, WWW-Authenticate',
        vary: 'Origin',
      },
    });
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  });

  it('W-4 tells caches that answers depend on the page, where pages are let in', async () => {
    expect((await ask(listed, {})).headers.vary).toBe('Origin');
    expect((await ask({}, {})).headers.vary).toBeUndefined();
  });

  it('D-21 answers the question of a browser before it asks', async () => {
    const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'POST' };
    const answer = await ask(listed, headers, 'OPTIONS');
    expect(answer).toMatchObject({
      status: 204,
      text: '',
      headers: {
        'access-control-allow-origin': 'https://app.example.com',
        'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
        'access-control-max-age': '600',
      },
    });
    expect(answer.headers['access-control-allow-headers']).toContain('Mcp-Session-Id');
    expect((await ask(listed, { ...headers, origin: 'https://evil.example' }, 'OPTIONS')).status).toBe(403);
    expect((await ask(listed, { ...headers, host: 'evil.example' }, 'OPTIONS')).status).toBe(403);
    expect((await ask(listed, {}, 'OPTIONS')).status).toBe(200);
  });

  it('W-38 shows nothing of a header that could forge a line', async () => {
    const origins = fc.string({
      unit: fc.integer({ min: 0x80, max: 0xff }).map((code) => String.fromCharCode(code)),
      minLength: 1,
    });
    await fc.assert(
      fc.asyncProperty(origins, async (origin) => {
        await ask({}, { origin });

        expect(JSON.stringify(security.events)).not.toMatch(/[\u007f-\u009f]/);
      }),
      { numRuns: 30 },
    );
  });
});
