import { Injectable } from '@nestjs/common';
import { IsDateString, IsIn, IsOptional } from 'class-validator';
import { Completion, Describe, Prompt, Resource, ResourceTemplate, Tool, ToolError } from 'mcp-gatehouse';
import { rotaOf, TEAMS } from './rota.js';

/** The arguments of the tool: clients see them as JSON Schema, and calls that do not fit are refused. */
export class OnCallQuestion {
  @IsIn(TEAMS)
  @Describe('The team to ask for')
  team!: string;

  @IsOptional()
  @IsDateString()
  @Describe('A day, ISO 8601; today when left out', { examples: ['2026-12-24'] })
  day?: string;
}

/** A tool, a resource, a resource template, a prompt and a completion in one class. */
@Injectable()
export default class OnCall {
  @Tool({ name: 'who_is_on_call', description: 'Tell who answers the pager of a team on a day', readOnly: true })
  whoIsOnCall({ team, day }: OnCallQuestion): string {
    const date = day === undefined ? new Date() : new Date(day);
    const weekday = (date.getUTCDay() + 6) % 7;
    return `${rotaOf(team)?.[weekday]} is on call for ${team} on ${date.toISOString().slice(0, 10)}.`;
  }

  @Resource({ uri: 'oncall://teams', description: 'The teams that have a rota', mimeType: 'application/json' })
  teams(): { teams: readonly string[] } {
    return { teams: TEAMS };
  }

  @ResourceTemplate({ uriTemplate: 'oncall://rota/{team}', description: 'The rota of one team, Monday first' })
  rota({ team }: { team: string }): string {
    const rota = rotaOf(team);
    if (!rota) throw new ToolError(`There is no team "${team}".`, { kind: 'resource_not_found' });
    return rota.join('\n');
  }

  @Prompt({
    name: 'hand_over',
    description: 'Write the notes for a hand-over of the pager',
    arguments: [{ name: 'team', description: 'The team that hands over', required: true }],
  })
  handOver({ team }: { team: string }): string {
    return `Write hand-over notes for the on-call engineer of ${team}. Ask who_is_on_call who takes over tomorrow.`;
  }

  @Completion({ prompt: 'hand_over', argument: 'team' })
  completeTeam(typed: string): string[] {
    return TEAMS.filter((team) => team.startsWith(typed));
  }
}
