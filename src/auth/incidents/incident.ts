import type { Principal } from '../principal.js';

/** What an incident keeps from running. */
export type IncidentScope =
  /** Every tool that is not read-only. */
  | { readonly kind: 'read_only' }
  /** All that one principal does, whatever their roles. */
  | { readonly kind: 'principal'; readonly issuer: string; readonly subject: string }
  /** One tool. */
  | { readonly kind: 'tool'; readonly tool: string };

/** A switch that an operator has thrown, and that goes back by itself. */
export interface Incident {
  /** `read_only`, `tool:nmap`, `principal:issuer/subject`; one incident at most has it. */
  readonly id: string;
  readonly scope: IncidentScope;
  readonly reason: string;
  /** Who threw it: `issuer/subject`. */
  readonly by: string;
  /** ms since the epoch. */
  readonly since: number;
  /** When it goes back, ms since the epoch. */
  readonly until: number;
}

export function incidentId(scope: IncidentScope): string {
  switch (scope.kind) {
    case 'read_only':
      return 'read_only';
    case 'tool':
      return `tool:${scope.tool}`;
    case 'principal':
      return `principal:${scope.issuer}/${scope.subject}`;
  }
}

/** A principal in one text that no other has. */
export function subjectKey({ issuer, subject }: Pick<Principal, 'issuer' | 'subject'>): string {
  return JSON.stringify([issuer, subject]);
}
