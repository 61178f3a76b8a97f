import { Injectable } from '@nestjs/common';
import { type CallContext, ServerFacts } from '../../tools/index.js';
import { Prompt } from '../prompt.decorator.js';

/** Lets a person ask what the server is good for. */
@Injectable()
export class ServerOverviewPrompt {
  constructor(private readonly facts: ServerFacts) {}

  /** @returns one user message, with the tools that the caller may see */
  @Prompt({
    name: 'server-overview',
    title: 'Server overview',
    description: 'An overview of this server and what its tools can do',
  })
  overview(_args: unknown, { principal }: CallContext): string {
    const { name, version } = this.facts;
    const tools = this.facts.enabledTools(principal);
    const ask = `Give me an overview of the MCP server ${name}, version ${version}`;
    if (tools.length === 0) return `${ask}. It offers me no tools at the moment.`;
    const lines = tools.map((tool) => `- ${tool.name}${tool.description ? `: ${tool.description}` : ''}`);
    return `${ask}: what it is for, and when to use which of its tools.\n\nThe tools:\n${lines.join('\n')}`;
  }
}
