import { modernHeaders, modernParams, request } from '../support/messages.js';
import { MODERN, type SpecRevision } from '../support/wire/spec-schema.js';
import type { Told, Violation } from './violations.js';

const SUPPORTED = '2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26, 2024-11-05';
const legacy = (revision: SpecRevision): boolean => revision !== MODERN;
const modern = (revision: SpecRevision): boolean => revision === MODERN;
const every = (): boolean => true;
const HTTP = { doors: ['http'] } as const;

/** A fault of the transport: each era has its own code. */
const byEra =
  (codes: readonly [legacy: number, modern: number], kind: string, message: string, status: number) =>
  (revision: SpecRevision): Told => ({ code: codes[modern(revision) ? 1 : 0], kind, message, status });

const mismatch = (what: string): Told => ({
  code: -32020,
  kind: 'header_mismatch',
  message: `Header mismatch: ${what}`,
  status: 400,
});

const PING = request('v', 'ping');
const LIST = request('v', 'tools/list', modernParams());
const ECHO = request('v', 'tools/call', modernParams({ name: 'echo', arguments: { message: 'x' } }));
const routed = (args: object) => request('v', 'tools/call', modernParams({ name: 'routed', arguments: args }));

/** A sound request of the era. */
const sound = (revision: SpecRevision) => (modern(revision) ? LIST : PING);

const TRANSPORT: readonly Violation[] = [
  {
    ...HTTP,
    name: 'an Accept header that leaves out events, or JSON',
    isUnread: true,
    spec: 'basic/transports, the client MUST include an Accept header with both',
    in: every,
    sends: (revision) =>
      ['application/json', 'text/event-stream', 'text/html', 'application/json, text/event-stream;q=0'].map(
        (accept) => ({
          frame: sound(revision),
          headers: { Accept: accept },
        }),
      ),
    told: byEra(
      [-32000, 40600],
      'not_acceptable',
      'Not Acceptable: send Accept: application/json, text/event-stream',
      406,
    ),
  },
  {
    ...HTTP,
    name: 'a body that is not said to be JSON',
    isUnread: true,
    spec: 'basic/transports, Sending Messages to the Server',
    in: every,
    sends: (revision) =>
      [null, 'text/plain', 'application/jsonl'].map((type) => ({
        frame: sound(revision),
        headers: { 'Content-Type': type },
      })),
    told: byEra(
      [-32000, 41500],
      'unsupported_media_type',
      'Unsupported Media Type: send Content-Type: application/json',
      415,
    ),
  },
  {
    ...HTTP,
    name: 'a page of another site',
    isUnread: true,
    spec: 'basic/transports, Security Warning: servers MUST validate the Origin header, and answer 403',
    in: every,
    sends: (revision) => [{ frame: sound(revision), headers: { Origin: 'https://evil.example' } }],
    told: byEra(
      [-32000, 40303],
      'forbidden_origin',
      'Forbidden origin: add it to MCP_CORS_ORIGINS to let this page in.',
      403,
    ),
    event: 'origin_rejected',
  },
  {
    ...HTTP,
    name: 'a name that is not ours',
    isUnread: true,
    spec: 'basic/transports, Security Warning (DNS rebinding); W-4',
    in: every,
    sends: (revision) => [{ frame: sound(revision), headers: { Host: 'evil.example' } }],
    told: byEra(
      [-32000, 40302],
      'forbidden_host',
      'Forbidden host: this server is not known by that name. Set MCP_ALLOWED_HOSTS or MCP_PUBLIC_URL.',
      403,
    ),
    event: 'host_rejected',
  },
  {
    ...HTTP,
    name: 'a verb that the endpoint does not have',
    isUnread: true,
    spec: 'basic/transports, the client MUST use HTTP POST',
    in: every,
    sends: (revision) => [{ frame: sound(revision), verb: 'PUT' }],
    told: byEra([-32000, 40500], 'method_not_allowed', 'Method Not Allowed: PUT', 405),
  },
  {
    ...HTTP,
    name: 'a revision in the header that is not served',
    spec: 'basic/transports, Protocol Version Header: it MUST respond with 400',
    in: legacy,
    sends: [{ frame: PING, headers: { 'MCP-Protocol-Version': '2020-01-01' } }],
    told: {
      code: -32022,
      kind: 'unsupported_revision',
      message: `Bad Request: Unsupported protocol version (supported versions: ${SUPPORTED})`,
      status: 400,
    },
  },
  {
    ...HTTP,
    name: 'a header of 2026-07-28 over a body that is not of it',
    spec: 'basic/transports/streamable-http, Protocol Version Header; DESIGN D-1',
    in: legacy,
    sends: [{ frame: PING, headers: { 'MCP-Protocol-Version': MODERN } }],
    told: mismatch('mcp-protocol-version has no counterpart in the body'),
  },
  {
    ...HTTP,
    name: 'a request before initialize, of whichever verb: without the session that it belongs to',
    spec: 'basic/transports, Session Management: clients MUST include the session id',
    in: legacy,
    unopened: true,
    sends: [
      { frame: PING },
      { frame: request('v', 'tools/list') },
      { verb: 'GET', headers: { Accept: 'text/event-stream' } },
      { verb: 'DELETE' },
    ],
    told: {
      code: -32000,
      kind: 'session_required',
      message: 'Mcp-Session-Id header required: initialize first',
      status: 400,
    },
  },
  {
    ...HTTP,
    name: 'a GET that does not take events',
    spec: 'basic/transports, Listening for Messages: the client MUST include an Accept header',
    in: legacy,
    sends: [{ verb: 'GET', headers: { Accept: 'application/json' } }],
    told: {
      code: -32000,
      kind: 'not_acceptable',
      message: 'Not Acceptable: send Accept: text/event-stream',
      status: 406,
    },
  },
];

const HEADERS: readonly Violation[] = [
  {
    ...HTTP,
    name: 'no header of the revision',
    spec: 'basic/transports/streamable-http, Server Validation: a required standard header is missing',
    in: modern,
    sends: [{ frame: LIST, headers: { 'MCP-Protocol-Version': null } }],
    told: mismatch('mcp-protocol-version is missing'),
  },
  {
    ...HTTP,
    name: 'a header of another revision than the body',
    spec: 'basic/transports/streamable-http, Protocol Version Header: the values MUST match',
    in: modern,
    sends: [{ frame: LIST, headers: { 'MCP-Protocol-Version': '2025-11-25' } }],
    told: mismatch("mcp-protocol-version value '2025-11-25' does not match the body"),
  },
  {
    ...HTTP,
    name: 'no header of the method',
    spec: 'basic/transports/streamable-http, Standard Request Headers',
    in: modern,
    sends: [{ frame: LIST, headers: { 'Mcp-Method': null } }],
    told: mismatch('mcp-method is missing'),
  },
  {
    ...HTTP,
    name: 'a header of another method, or of the same in another case',
    spec: 'basic/transports/streamable-http, Server Validation; Case Sensitivity',
    in: modern,
    sends: [{ frame: LIST, headers: { 'Mcp-Method': 'TOOLS/LIST' } }],
    told: mismatch("mcp-method value 'TOOLS/LIST' does not match the body"),
  },
  {
    ...HTTP,
    name: 'no header of the name',
    spec: 'basic/transports/streamable-http, Standard Request Headers',
    in: modern,
    sends: [
      { frame: ECHO, headers: { 'Mcp-Name': null } },
      {
        frame: request('v', 'resources/read', modernParams({ uri: 'contract://plain' })),
        headers: { 'Mcp-Name': null },
      },
      { frame: request('v', 'prompts/get', modernParams({ name: 'talk' })), headers: { 'Mcp-Name': null } },
    ],
    told: mismatch('mcp-name is missing'),
  },
  {
    ...HTTP,
    name: 'a header of another name',
    spec: 'basic/transports/streamable-http, Server Validation',
    in: modern,
    sends: [
      { frame: ECHO, headers: { 'Mcp-Name': 'sum' } },
      { frame: ECHO, headers: { 'Mcp-Name': `=?base64?${Buffer.from('sum').toString('base64')}?=` } },
    ],
    told: mismatch("mcp-name value 'sum' does not match the body"),
  },
  {
    ...HTTP,
    name: 'a header that is said to be Base64, and is not',
    spec: 'basic/transports/streamable-http, Value Encoding',
    in: modern,
    sends: ['=?base64?ZWNobw?=', '=?base64?ZWN=bw==?=', '=?base64?/w==?='].map((name) => ({
      frame: ECHO,
      headers: { 'Mcp-Name': name },
    })),
    told: mismatch('mcp-name is not Base64 of UTF-8'),
  },
  {
    ...HTTP,
    name: 'a header with characters that a header may not have',
    spec: 'basic/transports/streamable-http, Server Validation: a header value contains invalid characters',
    in: modern,
    sends: [{ frame: routed({ region: 'Région' }), headers: { 'Mcp-Param-Region': 'Région' } }],
    told: mismatch('mcp-param-region has characters that only Base64 can carry'),
  },
  {
    ...HTTP,
    name: 'an argument without the header that repeats it',
    spec: 'basic/transports/streamable-http, Server Behavior for Custom Headers: the server MUST reject the request',
    in: modern,
    sends: [{ frame: routed({ region: 'eu' }) }],
    told: mismatch('mcp-param-region is missing'),
  },
  {
    ...HTTP,
    name: 'an argument that is another than its header says',
    spec: 'basic/transports/streamable-http, Server Behavior for Custom Headers',
    in: modern,
    sends: [{ frame: routed({ region: 'eu' }), headers: { 'Mcp-Param-Region': 'us' } }],
    told: mismatch("mcp-param-region value 'us' does not match the body"),
  },
  {
    ...HTTP,
    name: 'a header of an argument that is not there, or null',
    spec: 'basic/transports/streamable-http, Server Behavior for Custom Headers',
    in: modern,
    sends: [
      { frame: routed({ region: 'eu' }), headers: { 'Mcp-Param-Region': 'eu', 'Mcp-Param-Shard': '1' } },
      { frame: routed({ region: 'eu', shard: null }), headers: { 'Mcp-Param-Region': 'eu', 'Mcp-Param-Shard': '1' } },
    ],
    told: mismatch('mcp-param-shard has no counterpart in the body'),
  },
  {
    ...HTTP,
    name: 'headers of 2026-07-28 over a body without its envelope, or over a batch',
    spec: 'basic/transports/streamable-http, Protocol Version Header; DESIGN D-1',
    in: modern,
    sends: [
      { frame: request('v', 'tools/list'), headers: modernHeaders(LIST) },
      { frame: request('v', 'tools/list', { _meta: {} }), headers: modernHeaders(LIST) },
      { frame: [LIST, LIST], headers: modernHeaders(LIST) },
    ],
    told: mismatch('mcp-protocol-version has no counterpart in the body'),
  },
];

export const OF_HTTP: readonly Violation[] = [...TRANSPORT, ...HEADERS];
