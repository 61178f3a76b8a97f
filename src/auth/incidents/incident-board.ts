import { Injectable } from '@nestjs/common';
import type { PolicyTarget } from '../policy-target.js';
import type { Principal } from '../principal.js';
import { type Incident, subjectKey } from './incident.js';

/** The incidents that are on, as the gate asks for them: where there are none, each question is one look at a flag. */
@Injectable()
export class IncidentBoard {
  private isOn = false;
  private readOnly: Incident | undefined;
  private readonly principals = new Map<string, Incident>();
  private readonly tools = new Map<string, Incident>();
  private changes = 0;

  /** Whether any incident is on. */
  get isActive(): boolean {
    return this.isOn;
  }

  /** Names what is on: lists that were made under one of these are good under the same. */
  get stamp(): string {
    return this.isOn ? `!${this.changes}` : '';
  }

  /** What keeps this caller from everything. */
  ofPrincipal(principal: Principal): Incident | undefined {
    return this.isOn && this.principals.size > 0 ? this.principals.get(subjectKey(principal)) : undefined;
  }

  /** What keeps a target from everyone. */
  ofTarget(target: PolicyTarget): Incident | undefined {
    if (!this.isOn || target.kind !== 'tool') return undefined;
    return this.tools.get(target.name) ?? (target.hints?.readOnly === true ? undefined : this.readOnly);
  }

  /** Takes over what is on now. */
  set(incidents: Iterable<Incident>): void {
    this.readOnly = undefined;
    this.principals.clear();
    this.tools.clear();
    for (const incident of incidents) this.add(incident);
    this.isOn = this.readOnly !== undefined || this.principals.size + this.tools.size > 0;
    this.changes += 1;
  }

  private add(incident: Incident): void {
    const { scope } = incident;
    if (scope.kind === 'read_only') this.readOnly = incident;
    else if (scope.kind === 'tool') this.tools.set(scope.tool, incident);
    else this.principals.set(subjectKey(scope), incident);
  }
}
