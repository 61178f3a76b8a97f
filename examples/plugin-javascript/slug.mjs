// A tool by `defineTool`, which gives an editor the types. It gets a context too: here the deadline signal.
import { setTimeout as pause } from 'node:timers/promises';
import { defineTool } from 'mcp-gatehouse';

export default defineTool({
  name: 'slug',
  description: 'Turn titles into slugs for URLs, one after another',
  readOnly: true,
  input: {
    type: 'object',
    properties: { titles: { type: 'array', items: { type: 'string', maxLength: 200 }, minItems: 1, maxItems: 20 } },
    required: ['titles'],
    additionalProperties: false,
  },
  output: {
    type: 'object',
    properties: { slugs: { type: 'array', items: { type: 'string' } } },
    required: ['slugs'],
  },
  async run({ titles }, context) {
    const slugs = [];
    for (const title of titles) {
      await pause(1, undefined, { signal: context.signal });
      slugs.push(
        title
          .toLowerCase()
          .replace(/[^a-z0-9]+/g, '-')
          .replace(/^-|-$/g, ''),
      );
      context.progress(slugs.length, titles.length);
    }
    return { slugs };
  },
});
