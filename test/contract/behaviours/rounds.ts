import { expect } from '@jest/globals';
import type { Json } from '../../support/messages.js';
import { modernError, modernResult, type RawModern } from '../../support/raw-modern.js';
import { textOf } from './behaviour.js';
import type { ModernBehaviour } from './stateless.js';

const CAPABILITIES = { elicitation: {}, sampling: { tools: {} }, roots: {} };
const envelope = { capabilities: CAPABILITIES };
const yes = (answer: boolean): Json => ({ action: 'accept', content: { yes: answer } });

/** One more round of a call. */
function round(client: RawModern, params: Json, more: Json = {}): Promise<Json> {
  return modernResult(client, 'tools/call', { ...params, ...more }, envelope);
}

const IN_ROUNDS = { name: 'ask_in_rounds', arguments: {} };

export const ROUNDS: readonly ModernBehaviour[] = [
  {
    name: 'a result asks for input under keys, and carries a state that tells nothing',
    spec: 'basic/patterns/mrtr, InputRequiredResult',
    run: async ({ client }) => {
      const result = await round(client, { name: 'ask_at_once', arguments: {} });
      expect(result).toEqual({
        resultType: 'input_required',
        inputRequests: {
          user: { method: 'elicitation/create', params: expect.objectContaining({ message: 'Yes?' }) },
          model: { method: 'sampling/createMessage', params: expect.objectContaining({ maxTokens: 50 }) },
          roots: { method: 'roots/list', params: {} },
        },
        requestState: expect.stringMatching(/^[A-Za-z0-9_-]+$/),
        _meta: expect.any(Object),
      });
      expect(Buffer.from(String(result['requestState']), 'base64url').toString()).not.toContain('ask_at_once');
    },
  },
  {
    name: 'rounds follow each other until the call is done, each with the state of the one before',
    spec: 'basic/patterns/mrtr, Basic Workflow',
    run: async ({ client }) => {
      const first = await round(client, IN_ROUNDS);
      expect(Object.keys(first['inputRequests'] as Json)).toEqual(['first']);
      const second = await round(client, IN_ROUNDS, {
        requestState: first['requestState'],
        inputResponses: { first: yes(true) },
      });
      expect(Object.keys(second['inputRequests'] as Json)).toEqual(['second']);
      const done = await round(client, IN_ROUNDS, {
        requestState: second['requestState'],
        inputResponses: { second: yes(false) },
      });
      expect(JSON.parse(textOf(done) ?? '')).toMatchObject({ first: { yes: true }, second: { yes: false } });
    },
  },
  {
    name: 'what is missing or does not fit is asked for again, and what was not asked for is passed over',
    spec: 'basic/patterns/mrtr, Error Handling',
    run: async ({ client }) => {
      const params = { name: 'ask_at_once', arguments: {} };
      const first = await round(client, params);
      const again = await round(client, params, {
        requestState: first['requestState'],
        inputResponses: {
          roots: { roots: [{ uri: 'file:///tmp' }] },
          user: { action: 'accept', content: { yes: 'perhaps' } },
          nobody: { asked: true },
        },
      });
      expect(Object.keys(again['inputRequests'] as Json).sort()).toEqual(['model', 'user']);
      const done = await round(client, params, {
        requestState: again['requestState'],
        inputResponses: {
          user: { action: 'decline' },
          model: { role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } },
        },
      });
      expect(JSON.parse(textOf(done) ?? '')).toEqual(['decline', 'm', 1]);
    },
  },
  {
    name: 'the last round is taken once',
    spec: 'basic/patterns/mrtr, Server Requirements; DESIGN D-5',
    run: async ({ client }) => {
      const params = { name: 'ask_roots', arguments: {} };
      const { requestState } = await round(client, params);
      const last = { ...params, requestState, inputResponses: { roots: { roots: [] } } };
      expect(textOf(await round(client, last))).toBe('[]');
      expect(await modernError(client, 'tools/call', last, envelope)).toMatchObject({
        code: -32602,
        data: { kind: 'invalid_state' },
      });
    },
  },
  {
    name: 'a prompt and a resource ask by their results too, and those are not for caches',
    spec: 'basic/patterns/mrtr, Supported Requests; server/utilities/caching',
    run: async ({ client }) => {
      for (const [method, params] of [
        ['prompts/get', { name: 'asking' }],
        ['resources/read', { uri: 'contract://asked' }],
      ] as const) {
        const result = await modernResult(client, method, params, envelope);
        expect(result['resultType']).toBe('input_required');
        expect(Object.keys(result)).not.toContain('ttlMs');
      }
    },
  },
  {
    name: 'no other method goes on from a state: there it means nothing',
    spec: 'basic/patterns/mrtr, Supported Requests',
    run: async ({ client }) => {
      const { requestState } = await round(client, IN_ROUNDS);
      expect(await modernResult(client, 'tools/list', { requestState }, envelope)).toMatchObject({
        resultType: 'complete',
      });
    },
  },
];
