import { expect } from '@jest/globals';
import { type ClientBehaviour, known, legacy } from './behaviour.js';

export const LIFECYCLE: readonly ClientBehaviour[] = [
  {
    name: 'the server names itself and what it can do',
    spec: 'basic/lifecycle, Initialization',
    run: async ({ client, revision }) => {
      expect(client.server.info).toEqual({ name: 'gatehouse', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
      expect(client.server.capabilities).toEqual({
        tools: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        prompts: { listChanged: true },
        logging: {},
        ...known('2025-03-26', revision, { completions: {} }),
        ...known('2026-07-28', revision, { extensions: { 'io.modelcontextprotocol/tasks': {} } }),
      });
    },
  },
  {
    name: 'a ping is answered',
    spec: 'basic/utilities/ping',
    where: legacy,
    run: async ({ client }) => {
      expect(await client.ping()).toEqual({});
    },
  },
];
