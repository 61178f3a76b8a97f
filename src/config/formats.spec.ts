import { describe, expect, it } from '@jest/globals';
import { FORMATS, type FormatName } from './formats.js';
import { parseSessionKeys } from './session-keys.js';

const KEY = Buffer.alloc(32, 7).toString('base64');

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
