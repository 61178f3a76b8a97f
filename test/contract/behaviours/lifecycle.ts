import { expect } from '@jest/globals';
import type { ClientBehaviour } from './behaviour.js';

export const LIFECYCLE: readonly ClientBehaviour[] = [
  {
    name: 'the server names itself and what it can do',
    spec: 'basic/lifecycle, Initialization',
    run: async ({ client }) => {
      expect(client.server.info).toEqual({ name: 'gatehouse', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
      expect(client.server.capabilities).toEqual({
        tools: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
      });
    },
  },
  {
    name: 'a ping is answered',
    spec: 'basic/utilities/ping',
    run: async ({ client }) => {
      expect(await client.ping()).toEqual({});
    },
  },
];
