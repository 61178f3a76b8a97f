import { expect } from '@jest/globals';
import type { ListMethod, TestClient } from '../../support/test-client.js';
import { type ClientBehaviour, refusalOf } from './behaviour.js';

const LISTS: readonly { readonly method: ListMethod; readonly key: string; readonly all: AllOf }[] = [
  { method: 'tools/list', key: 'tools', all: (client) => client.tools() },
  { method: 'resources/list', key: 'resources', all: (client) => client.resources() },
  { method: 'resources/templates/list', key: 'resourceTemplates', all: (client) => client.resourceTemplates() },
  { method: 'prompts/list', key: 'prompts', all: (client) => client.prompts() },
];

interface Named {
  readonly name: string;
}

type AllOf = (client: TestClient) => Promise<readonly Named[]>;

export const PAGES: readonly ClientBehaviour[] = LISTS.flatMap(({ method, key, all }) => [
  {
    name: `${method} comes in pages that make the whole list, each entry once`,
    spec: 'server/utilities/pagination',
    run: async ({ client }) => {
      const names = (await all(client)).map(({ name }) => name);
      const pages = await pagesOf(client, method, key);
      expect(pages.flat().map(({ name }) => name)).toEqual(names);
      expect(new Set(names).size).toBe(names.length);
      expect(pages.slice(0, -1).every(({ length }) => length === 3)).toBe(true);
      expect(pages.at(-1)?.length).toBeGreaterThan(0);
    },
  },
  {
    name: `${method} refuses a cursor that is not its own`,
    spec: 'server/utilities/pagination, Error Handling',
    run: async ({ client }) => {
      const other = LISTS.find((list) => list.method !== method && list.method !== 'resources/templates/list');
      const foreign = (await client.page(other?.method ?? 'tools/list'))['nextCursor'] as string;
      const tampered = `${foreign.slice(0, 8)}${foreign[8] === 'A' ? 'B' : 'A'}${foreign.slice(9)}`;
      for (const cursor of [foreign, tampered, foreign.slice(0, -1), 'MTA=', '../../etc/passwd']) {
        const refusal = await refusalOf(client, client.page(method, cursor));
        expect(refusal).toMatchObject({ code: -32602, data: { kind: 'invalid_cursor' } });
      }
    },
  },
]);

async function pagesOf(client: TestClient, method: ListMethod, key: string): Promise<readonly Named[][]> {
  const pages: Named[][] = [];
  let cursor: string | undefined;
  do {
    const page = await client.page(method, cursor);
    pages.push(page[key] as Named[]);
    cursor = page['nextCursor'] as string | undefined;
  } while (cursor !== undefined);
  return pages;
}
