import { describe, expect, it } from '@jest/globals';
import { FORMATS, type FormatName } from './formats.js';
import { parseSessionKeys } from './session-keys.js';

const KEY = Buffer.alloc(32, 7).toString('base64');

const TOKEN = 'h7Jq2mXw9Tz4Lc8Rb1Vn5Ks0Pd3Fg6Ya';
const HASH = 'a1b2c3d4e5f60718'.repeat(4);

const RIGHT: Record<FormatName, readonly string[]> = {
  host: ['127.0.0.1', '::1', '0.0.0.0', 'localhost', 'gate-house.example.com', 'my_host'],
  cidr: ['127.0.0.1', '::1', '10.0.0.0/8', 'fd00::/8'],
  origin: ['https://app.example.com', 'http://localhost:3000', 'http://[::1]:8080'],
  path: ['/var/lib/gatehouse', './a b', 'C:\\x'],
  role: ['viewer', 'A', '0', 'team:db-admin_2.x', 'x'.repeat(64)],
  url: ['https://mcp.example.com', 'http://localhost:8080/mcp', 'http://[::1]:1/'],
  'redis-url': [
    'redis://localhost',
    'redis://127.0.0.1:6380/3',
    'rediss://user:p%40ss@redis.example.com:6379',
    'redis://:secret@[::1]:6379/0',
    'redis+sentinel://u:p@a:26379,b,c:1/mymaster/2',
    'rediss+sentinel://a/m',
  ],
  port: ['0', '1', '8080', '65535'],
  dependency: ['https://db.example.com/ready', 'db:5432', '[::1]:6379', 'nmap', 'python3.12', 'g++'],
  'session-keys': [`a:${KEY}`, `a:${KEY}, b-2_C:${KEY}`],
  'auth-tokens': [`alice:operator:${TOKEN}`, `a@x.org:viewer+admin:${TOKEN}:tcp+http,\nb:viewer:${TOKEN}2`],
  'api-keys': [`ci:${HASH}:operator`, `ci:${HASH.toUpperCase()}:viewer+admin:files:read files:write`],
  'certificate-roles': ['alice=operator', 'CN=alice,O=Example=viewer+admin; *=viewer'],
  'jwt-secret': [TOKEN],
  issuer: ['https://login.example.com/', 'x'],
  scope: ['files:read', "https://a.com/scope'", '!'],
};

const WRONG: Record<FormatName, readonly string[]> = {
  host: ['', '999.1.1.1', '[::1]', 'a..b', '-a', 'http://a', 'a:80', 'a b', '*'],
  cidr: ['', '10', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/', 'proxy.internal', '1.2.3.4/8/8'],
  origin: [
    '',
    'null',
    '*',
    'https://a.com/',
    'https://a.com/x',
    'HTTPS://a.com',
    'https://a.com:443',
    'ftp://a.com',
    'a.com',
  ],
  path: ['', 'a\0b'],
  role: ['', '-a', '.a', 'a b', 'a/b', 'a\n', 'ä', 'x'.repeat(65)],
  url: [
    '',
    'mcp.example.com',
    'ftp://a.com',
    'https://u:p@a.com',
    'https://a.com?x',
    'https://a.com#x',
    'https://',
    'javascript:1',
  ],
  'redis-url': [
    '',
    'localhost:6379',
    'http://localhost',
    'redis://',
    'redis://a:0',
    'redis://a:70000',
    'redis://a/x',
    'redis://a,b/0',
    'redis+sentinel://a',
    'redis://a?x=1',
  ],
  port: ['', '-1', '65536', '80a', ' 80', '8e3'],
  dependency: ['', 'https://u:p@a.com', 'db:', 'db:0', 'u@db:1', 'db:1/x', 'tcp://db:1', '/bin/sh', 'a b', '../x'],
  'session-keys': [
    '',
    KEY,
    `:${KEY}`,
    'a:AAAA',
    `a:${KEY},`,
    `a:${KEY},a:${KEY}`,
    `${'k'.repeat(17)}:${KEY}`,
    `a b:${KEY}`,
  ],
  'auth-tokens': [
    '',
    ',',
    TOKEN,
    `alice:${TOKEN}`,
    `alice::${TOKEN}`,
    `alice:operator:${TOKEN.slice(1)}`,
    `alice:operator:${'a'.repeat(40)}`,
    'alice:operator:your-secret-token-at-least-32-characters',
    `alice:operator:${TOKEN}:ftp`,
    `alice:operator:${TOKEN}:`,
    `alice:operator:${TOKEN}:tcp:more`,
    `anonymous:operator:${TOKEN}`,
    `alice:oper ator:${TOKEN}`,
    `alice:operator:ghk_x_${TOKEN}`,
    `alice:operator:${TOKEN},bob:viewer:${TOKEN}`,
  ],
  'api-keys': [
    '',
    `ci:${HASH}`,
    `ci:${HASH}:`,
    `c_i:${HASH}:viewer`,
    `ci:${HASH}0:viewer`,
    `ci:${HASH}:viewer:`,
    `ci:${HASH}:viewer,cd:${HASH}:viewer`,
  ],
  'certificate-roles': ['', 'alice', '=viewer', 'alice=', 'alice=view er', 'alice=viewer;alice=admin'],
  'jwt-secret': [
    '',
    'short',
    TOKEN.slice(1),
    'change-me-change-me-change-me-change-me',
    'abababababababababababababababababab',
  ],
  issuer: ['', 'gatehouse', 'mtls', 'x'.repeat(257)],
  scope: ['', 'a b', 'a"', 'a\\', 'ü'],
};

describe('FORMATS', () => {
  const rows = (table: Record<FormatName, readonly string[]>): [FormatName, string][] =>
    (Object.keys(FORMATS) as FormatName[]).flatMap((name) =>
      table[name].map((text): [FormatName, string] => [name, text]),
    );

  it.each(rows(RIGHT))('%s accepts %j', (name, text) => {
    expect(FORMATS[name].accepts(text)).toBe(true);
  });

  it.each(rows(WRONG))('%s refuses %j', (name, text) => {
    expect(FORMATS[name].accepts(text)).toBe(false);
  });
});

describe('parseSessionKeys', () => {
  it('D-9 gives the keys in their order, 32 bytes each', () => {
    const keys = parseSessionKeys(`new:${KEY},old:${KEY}`);
    expect(keys?.map(({ kid }) => kid)).toEqual(['new', 'old']);
    expect(keys?.[0]?.key).toEqual(Buffer.alloc(32, 7));
  });
});
