import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  type IncidentChange,
  Incidents,
  LiveRoles,
  type PolicyTarget,
  type Principal,
  subjectKey,
} from '../auth/index.js';
import { PromptRegistry } from '../prompts/index.js';
import { ResourceRegistry } from '../resources/index.js';
import { ToolRegistry } from '../tools/index.js';
import { Announcements } from './announcements.js';

const KINDS = ['tool', 'resource', 'prompt'] as const;
type Book = LiveRoles['book'];

/** Tells clients of lists that look other because of what operators do: incidents, and other roles (D-13). */
@Injectable()
export class ViewAnnouncements implements OnModuleInit {
  constructor(
    private readonly incidents: Incidents,
    private readonly roles: LiveRoles,
    private readonly announcements: Announcements,
    private readonly tools: ToolRegistry,
    private readonly resources: ResourceRegistry,
    private readonly prompts: PromptRegistry,
  ) {}

  onModuleInit(): void {
    this.incidents.onChange((change) => this.incidentChanged(change));
    this.roles.onChange((before) => this.rolesChanged(before, this.roles.book));
  }

  private incidentChanged({ incident: { scope }, change }: IncidentChange): void {
    if (scope.kind === 'principal') {
      const key = subjectKey(scope);
      if (change === 'started') this.announcements.endWhere((principal) => subjectKey(principal) === key);
      return;
    }
    for (const { target } of this.tools.enabled()) {
      const isMeant = scope.kind === 'tool' ? target.name === scope.tool : target.hints?.readOnly !== true;
      if (isMeant) this.announcements.listChanged(target);
    }
  }

  private rolesChanged(before: Book, after: Book): void {
    for (const kind of KINDS) {
      const targets = this.targets(kind);
      const known = new Map<string, boolean>();
      this.announcements.viewChanged(kind, (principal) => {
        const key = `${before.setOf(principal).key} ${after.setOf(principal).key}`;
        let isOther = known.get(key);
        if (isOther === undefined) known.set(key, (isOther = differs(targets, principal, [before, after])));
        return isOther;
      });
    }
  }

  private targets(kind: PolicyTarget['kind']): readonly PolicyTarget[] {
    switch (kind) {
      case 'tool':
        return this.tools.enabled().map(({ target }) => target);
      case 'resource':
        return [...this.resources.resources(), ...this.resources.templates()].map(({ target }) => target);
      case 'prompt':
        return this.prompts.all().map(({ target }) => target);
    }
  }
}

function differs(
  targets: readonly PolicyTarget[],
  principal: Principal,
  [before, after]: readonly [Book, Book],
): boolean {
  const [old, young] = [before.setOf(principal), after.setOf(principal)];
  return targets.some((target) => old.rulesFor(target).isVisible !== young.rulesFor(target).isVisible);
}
