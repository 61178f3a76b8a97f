import { describe, expect, it } from '@jest/globals';
import { type CallContext, ServerFacts } from '../../tools/index.js';
import { ServerOverviewPrompt } from './server-overview.prompt.js';

type Tools = ReturnType<ServerFacts['enabledTools']>;

function overview(tools: Tools): string {
  const facts = { name: 'calc', version: '1.0.0', enabledTools: () => tools } as Partial<ServerFacts> as ServerFacts;
  return new ServerOverviewPrompt(facts).overview({}, { principal: {} } as unknown as CallContext);
}

describe('server-overview', () => {
  it('5.6 asks for an overview, with the tools and what they do', () => {
    const tools = [
      { name: 'echo', description: 'Echo back the provided message' },
      { name: 'bare', description: undefined },
    ];
    expect(overview(tools)).toBe(
      'Give me an overview of the MCP server calc, version 1.0.0: what it is for, and when to use which of its tools.\n\n' +
        'The tools:\n- echo: Echo back the provided message\n- bare',
    );
  });

  it('5.6 says so where there are no tools', () => {
    expect(overview([])).toMatch(/ It offers me no tools at the moment\.$/);
  });
});
