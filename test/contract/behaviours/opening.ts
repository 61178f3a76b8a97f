import { expect } from '@jest/globals';
import type { Unopened } from '../../support/doors.js';
import { initializeParams, type Message, request } from '../../support/messages.js';
import type { Behaviour } from './behaviour.js';

export const OPENING: readonly Behaviour<Unopened>[] = [
  {
    name: 'a revision that is not known gets the newest of its era',
    spec: 'basic/lifecycle, Version Negotiation; DESIGN D-1',
    run: async ({ send }) => {
      const [answer] = (await send(request(1, 'initialize', initializeParams('2099-01-01')))) as [Message];
      expect(answer.result).toMatchObject({ protocolVersion: '2025-11-25' });
    },
  },
  {
    name: 'the modern revision is not negotiated by initialize',
    spec: 'DESIGN D-1',
    run: async ({ send }) => {
      const [answer] = (await send(request(1, 'initialize', initializeParams('2026-07-28')))) as [Message];
      expect(answer.result).toMatchObject({ protocolVersion: '2025-11-25' });
    },
  },
  {
    name: 'an initialize that lacks what it must say is refused, and a whole one then served',
    spec: 'schema, InitializeRequest',
    run: async ({ send }) => {
      const { protocolVersion, clientInfo, capabilities } = initializeParams('2025-06-18');
      const cases = [
        {},
        { protocolVersion },
        { clientInfo, capabilities },
        { protocolVersion: 20250618, clientInfo, capabilities },
        { protocolVersion, capabilities, clientInfo: { name: 'nameless' } },
        { protocolVersion, clientInfo, capabilities: 'all' },
      ];
      for (const params of cases) {
        const [refusal] = (await send(request(1, 'initialize', params))) as [Message];
        expect(refusal).toMatchObject({ id: 1, error: { code: -32602, data: { kind: 'invalid_params' } } });
      }
      const [answer] = (await send(request(2, 'initialize', initializeParams('2025-06-18')))) as [Message];
      expect(answer.result).toMatchObject({ protocolVersion: '2025-06-18' });
    },
  },
  {
    name: 'nothing but initialize is served without a session',
    spec: 'basic/lifecycle, Initialization',
    run: async ({ send }) => {
      for (const method of ['tools/list', 'tools/call', 'resources/read', 'logging/setLevel']) {
        const [refusal] = (await send(request(1, method, { name: 'echo' }))) as [Message];
        expect(['not_initialized', 'session_required']).toContain(refusal.error?.data?.['kind']);
      }
    },
  },
  {
    name: 'a batch cannot open a session',
    spec: 'basic, Batching',
    run: async ({ send }) => {
      const [refusal] = (await send([request(1, 'initialize', initializeParams('2025-03-26'))])) as [Message];
      expect(refusal).toMatchObject({ id: null, error: { code: expect.any(Number) } });
    },
  },
];
