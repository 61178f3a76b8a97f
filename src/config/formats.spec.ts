import { describe, expect, it } from '@jest/globals';
import { FORMATS, type FormatName } from './formats.js';
import { parseSessionKeys } from './session-keys.js';

const KEY = Buffer.alloc(32, 7).toString('base64');

const RIGHT: Record<FormatName, readonly string[]> = {
  host: ['127.0.0.1', '::1', '0.0.0.0', 'localhost', 'gate-house.example.com', 'my_host'],
  origin: ['https://app.example.com', 'http://localhost:3000', 'http://[::1]:8080'],
  path: ['/var/lib/gatehouse', './a b', 'C:\\x'],
  url: ['https://mcp.example.com', 'http://localhost:8080/mcp', 'http://[::1]:1/'],
  port: ['0', '1', '8080', '65535'],
  dependency: ['https://db.example.com/ready', 'db:5432', '[::1]:6379', 'nmap', 'python3.12', 'g++'],
  'session-keys': [`a:${KEY}`, `a:${KEY}, b-2_C:${KEY}`],
};

const WRONG: Record<FormatName, readonly string[]> = {
  host: ['', '999.1.1.1', '[::1]', 'a..b', '-a', 'http://a', 'a:80', 'a b', '*'],
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
