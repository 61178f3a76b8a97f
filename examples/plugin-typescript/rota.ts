/** Who answers the pager, by team: Monday to Sunday. A real plug-in would ask a service. */
const ROTA: Readonly<Record<string, readonly string[]>> = {
  payments: ['Ada', 'Ada', 'Grace', 'Grace', 'Grace', 'Linus', 'Linus'],
  search: ['Edsger', 'Edsger', 'Edsger', 'Barbara', 'Barbara', 'Barbara', 'Barbara'],
};

export const TEAMS = Object.keys(ROTA);

/** @returns seven names, Monday first; undefined for a team that is not there */
export function rotaOf(team: string): readonly string[] | undefined {
  return Object.hasOwn(ROTA, team) ? ROTA[team] : undefined;
}
