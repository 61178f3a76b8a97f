import { describe, expect, it } from '@jest/globals';
import { CallToolResultSchema, ListToolsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { ToolWorld } from '../../test/support/tool-world.js';
import type { RegisteredPrompt } from '../prompts/index.js';
import { LEGACY_REVISIONS, type Revision, rulesOf } from '../protocol/index.js';
import type { RegisteredResource, RegisteredResourceTemplate } from '../resources/index.js';
import type { RegisteredTool } from '../tools/index.js';
import { promptResultView, promptView, resourceTemplateView, resourceView, toolResultView, toolView } from './views.js';

const common = {
  title: 'A title',
  description: 'What it does',
  icons: [{ src: 'https://example.com/i.png' }],
  meta: { 'example.com/x': 1 },
  tags: ['secret tag'],
  roles: ['admin'],
};

function tool(options: object = {}): RegisteredTool {
  const input = { type: 'object', properties: { a: { type: 'string' } } };
  const output = { type: 'object', properties: { b: { type: 'string' } } };
  const world = new ToolWorld().add(
    { ...common, input, output, readOnly: true, openWorld: false, ...options },
    () => 1,
  );
  return world.registry.get('tool') as RegisteredTool;
}

const at = (revision: Revision) => rulesOf(revision);

describe('toolView', () => {
  it('tells each revision what it knows, and no more', () => {
    const inputSchema = { type: 'object', properties: { a: { type: 'string' } } };
    const oldest = { name: 'tool', description: 'What it does', inputSchema };
    const annotations = { title: 'A title', readOnlyHint: true, openWorldHint: false };
    expect(toolView(tool(), at('2024-11-05'))).toEqual(oldest);
    expect(toolView(tool(), at('2025-03-26'))).toEqual({ ...oldest, annotations });
    const structured = {
      ...oldest,
      annotations,
      title: 'A title',
      _meta: { 'example.com/x': 1 },
      outputSchema: { type: 'object', properties: { b: { type: 'string' } } },
    };
    expect(toolView(tool(), at('2025-06-18'))).toEqual(structured);
    const newest = { ...structured, icons: [{ src: 'https://example.com/i.png' }] };
    expect(toolView(tool(), at('2025-11-25'))).toEqual(newest);
    expect(toolView(tool(), at('2026-07-28'))).toEqual(newest);
  });

  it('leaves out what nobody said', () => {
    const bare = new ToolWorld().add({}, () => 1).registry.get('tool') as RegisteredTool;
    expect(toolView(bare, at('2025-11-25'))).toEqual({ name: 'tool', inputSchema: { type: 'object' } });
  });

  it('never shows tags and roles', () => {
    for (const revision of LEGACY_REVISIONS) {
      const shown = JSON.stringify(toolView(tool(), at(revision)));
      expect(shown).not.toMatch(/secret tag|admin/);
      expect(ListToolsResultSchema.safeParse({ tools: [JSON.parse(shown)] }).success).toBe(true);
    }
  });

  it('shows every hint', () => {
    const hints = { readOnly: false, destructive: true, idempotent: true, openWorld: true };
    expect(toolView(tool(hints), at('2025-11-25'))['annotations']).toEqual({
      title: 'A title',
      readOnlyHint: false,
      destructiveHint: true,
      idempotentHint: true,
      openWorldHint: true,
    });
  });
});

describe('the other views', () => {
  const resource = {
    name: 'one',
    options: { ...common, uri: 'a://1', mimeType: 'text/plain', size: 5, annotations: { priority: 1 } },
  } as unknown as RegisteredResource;
  const template = {
    name: 'any',
    options: { ...common, uriTemplate: 'a://{id}', mimeType: 'text/plain' },
  } as unknown as RegisteredResourceTemplate;
  const prompt = {
    name: 'review',
    options: { ...common, arguments: [{ name: 'code', title: 'Code', required: true }, { name: 'tone' }] },
  } as unknown as RegisteredPrompt;

  it('tell each revision what it knows', () => {
    const old = { description: 'What it does', mimeType: 'text/plain' };
    const added = { title: 'A title', _meta: { 'example.com/x': 1 } };
    const icons = [{ src: 'https://example.com/i.png' }];
    const one = { uri: 'a://1', name: 'one', size: 5, annotations: { priority: 1 }, ...old };
    expect(resourceView(resource, at('2024-11-05'))).toEqual(one);
    expect(resourceView(resource, at('2025-06-18'))).toEqual({ ...one, ...added });
    expect(resourceView(resource, at('2025-11-25'))).toEqual({ ...one, ...added, icons });
    const any = { uriTemplate: 'a://{id}', name: 'any', ...old };
    expect(resourceTemplateView(template, at('2025-03-26'))).toEqual(any);
    expect(resourceTemplateView(template, at('2026-07-28'))).toEqual({ ...any, ...added, icons });
    expect(promptView(prompt, at('2025-03-26'))).toEqual({
      name: 'review',
      description: 'What it does',
      arguments: [{ name: 'code', required: true }, { name: 'tone' }],
    });
    expect(promptView(prompt, at('2025-06-18'))).toMatchObject({
      ...added,
      arguments: [{ name: 'code', title: 'Code', required: true }, { name: 'tone' }],
    });
    expect(promptView({ ...prompt, options: {} }, at('2025-11-25'))).toEqual({ name: 'review' });
  });
});

describe('what is returned', () => {
  const text = { type: 'text', text: 'x' } as const;
  const link = { type: 'resource_link', uri: 'a://1', name: 'one' } as const;
  const audio = { type: 'audio', data: 'AA==', mimeType: 'audio/wav' } as const;
  const image = { type: 'image', data: 'AA==', mimeType: 'image/png' } as const;
  const result = { content: [text, link, audio, image], structuredContent: { a: 1 }, isError: false };

  it('is told as text where the revision does not know it', () => {
    const linkText = { type: 'text', text: 'one: a://1' };
    const audioText = { type: 'text', text: '[audio, audio/wav]' };
    expect(toolResultView(result, at('2024-11-05'))).toEqual({
      content: [text, linkText, audioText, image],
      isError: false,
    });
    expect(toolResultView(result, at('2025-03-26'))).toEqual({
      content: [text, linkText, audio, image],
      isError: false,
    });
    expect(toolResultView(result, at('2025-06-18'))).toBe(result);
    for (const revision of LEGACY_REVISIONS) {
      expect(CallToolResultSchema.safeParse(toolResultView(result, at(revision))).success).toBe(true);
    }
  });

  it('is the same for prompts', () => {
    const prompt = {
      messages: [text, link, audio].map((content) => ({ role: 'user' as const, content })),
      description: 'd',
    };
    expect(promptResultView(prompt, at('2025-11-25'))).toBe(prompt);
    expect(promptResultView(prompt, at('2024-11-05'))).toEqual({
      description: 'd',
      messages: [
        { role: 'user', content: text },
        { role: 'user', content: { type: 'text', text: 'one: a://1' } },
        { role: 'user', content: { type: 'text', text: '[audio, audio/wav]' } },
      ],
    });
  });
});
