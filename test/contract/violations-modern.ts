import { type Json, modernParams, request } from '../support/messages.js';
import { MODERN, type SpecRevision } from '../support/wire/spec-schema.js';
import type { Told, Violation } from './violations.js';

const modern = (revision: SpecRevision): boolean => revision === MODERN;
const PREFIX = 'io.modelcontextprotocol/';
const TASKS = { capabilities: { extensions: { [`${PREFIX}tasks`]: {} } } };

const envelope = (field: string): Told => ({
  code: -32602,
  kind: 'invalid_envelope',
  message: `Invalid params: every request needs ${field} in _meta, of its type`,
  status: 400,
});
const params = (message: string, status = 200): Told => ({
  code: -32602,
  kind: 'invalid_params',
  message: `Invalid params: ${message}`,
  status,
});

/** A request whose envelope has something else in a field, or nothing. */
function lacking(field: string, ...values: unknown[]): readonly { frame: Json }[] {
  return values.map((value) => {
    const { _meta, ...rest } = modernParams();
    const { [`${PREFIX}${field}`]: _left, ...others } = _meta as Json;
    const meta = value === undefined ? others : { ...others, [`${PREFIX}${field}`]: value };
    return { frame: request('v', 'tools/list', { ...rest, _meta: meta }) };
  });
}

const listening = (...filters: unknown[]) =>
  filters.map((notifications) => ({
    frame: request('v', 'subscriptions/listen', modernParams({ notifications }, TASKS)),
  }));
const call = (more: Json) =>
  request(
    'v',
    'tools/call',
    modernParams({ name: 'ask_roots', arguments: {}, ...more }, { capabilities: { roots: {} } }),
  );

/** What 2026-07-28 demands besides, whatever the door. */
export const OF_MODERN: readonly Violation[] = [
  {
    name: 'no envelope where there is no doubt of the era',
    spec: 'basic, Per-request protocol fields: the server MUST reject it with -32602, HTTP 400',
    in: modern,
    sends: [{ frame: request('v', 'server/discover') }, { frame: request('v', 'server/discover', { _meta: 7 }) }],
    told: envelope('_meta'),
  },
  {
    name: 'an envelope without a revision, or with one that is no text',
    spec: 'basic, Per-request protocol fields',
    in: modern,
    sends: [
      ...lacking('protocolVersion', 20260728, null),
      { frame: request('v', 'server/discover', { _meta: { [`${PREFIX}clientCapabilities`]: {} } }) },
    ],
    told: envelope(`${PREFIX}protocolVersion`),
  },
  {
    name: 'an envelope without the capabilities of the client',
    spec: 'basic, Per-request protocol fields',
    in: modern,
    sends: lacking('clientCapabilities', undefined, [], 'all'),
    told: envelope(`${PREFIX}clientCapabilities`),
  },
  {
    name: 'an envelope whose log level is no text',
    spec: 'basic, Per-request protocol fields',
    in: modern,
    sends: lacking('logLevel', 7),
    told: envelope(`${PREFIX}logLevel`),
  },
  {
    name: 'a revision that is not served, or is not of this era',
    spec: 'basic/versioning: it MUST respond with an UnsupportedProtocolVersionError, HTTP 400',
    in: modern,
    sends: lacking('protocolVersion', '1900-01-01', '2025-11-25'),
    told: { code: -32022, kind: 'unsupported_revision', message: 'Unsupported protocol version', status: 400 },
  },
  {
    name: 'a call that needs what the client did not declare',
    spec: 'basic, Per-request protocol fields: the server MUST return -32021, HTTP 400',
    in: modern,
    sends: [{ frame: request('v', 'tools/call', modernParams({ name: 'ask_roots', arguments: {} })) }],
    told: { code: -32021, kind: 'missing_capability', message: 'This needs a client that can do roots', status: 400 },
  },
  {
    name: 'a task that is asked for by a client that does not know tasks',
    spec: 'SEP-2663, Capability Negotiation',
    in: modern,
    sends: ['tasks/get', 'tasks/update', 'tasks/cancel'].map((method) => ({
      frame: request('v', method, modernParams({ taskId: 'any', inputResponses: {} })),
    })),
    told: {
      code: -32021,
      kind: 'missing_capability',
      message: 'This needs a client that declares the tasks extension',
      status: 400,
    },
  },
  {
    name: 'a task that there is not',
    spec: 'SEP-2663, Task Polling; Task Update Requests; Task Cancellation',
    in: modern,
    sends: ['tasks/get', 'tasks/update', 'tasks/cancel'].flatMap((method) =>
      ['', 'no such task'].map((taskId) => ({
        frame: request('v', method, modernParams({ taskId, inputResponses: {} }, TASKS)),
      })),
    ),
    told: {
      code: -32602,
      kind: 'unknown_task',
      message: 'Unknown task: it was never made, is not yours, or was forgotten',
      status: 200,
    },
    event: 'invalid_input',
  },
  {
    name: 'an update of a task that answers nothing',
    spec: 'SEP-2663, Task Update Requests',
    in: modern,
    sends: [{ frame: request('v', 'tasks/update', modernParams({ taskId: 'any' }, TASKS)) }],
    told: params('inputResponses must be an object'),
  },
  {
    name: 'a request state that is none of ours',
    spec: 'basic/patterns/mrtr, Server Requirements: servers MUST reject state that fails verification',
    in: modern,
    sends: [7, null, '', 'made up', 'A'.repeat(20_000)].map((requestState) => ({ frame: call({ requestState }) })),
    told: {
      code: -32602,
      kind: 'invalid_state',
      message: 'Invalid request state: send the request again without it',
      status: 200,
    },
    event: 'invalid_input',
  },
  {
    name: 'answers that are none',
    spec: 'basic/patterns/mrtr, Error Handling',
    in: modern,
    sends: [7, [], { roots: 'none' }].map((inputResponses) => ({ frame: call({ inputResponses }) })),
    told: params('inputResponses must map each key to an object'),
  },
  {
    name: 'a subscription without a filter',
    spec: 'basic/patterns/subscriptions, Opening a Stream',
    in: modern,
    sends: listening(undefined, 'all', []),
    told: params('notifications must be an object'),
  },
  {
    name: 'a subscription to resources that are none',
    spec: 'basic/patterns/subscriptions, Notification Filter',
    in: modern,
    sends: listening(
      { resourceSubscriptions: 'contract://plain' },
      { resourceSubscriptions: [7] },
      { resourceSubscriptions: Array.from({ length: 257 }, (_, at) => `contract://${at}`) },
    ),
    told: params('resourceSubscriptions must be an array of at most 256 strings'),
  },
  {
    name: 'a subscription to tasks that are none',
    spec: 'SEP-2663, Task Status Notifications',
    in: modern,
    sends: listening({ taskIds: {} }),
    told: params('taskIds must be an array of at most 256 strings'),
  },
];
