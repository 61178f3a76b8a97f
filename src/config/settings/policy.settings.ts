import { Path } from '../setting.decorators.js';

/** Who may do what. */
export class PolicySettings {
  @Path({
    env: 'MCP_ROLES_FILE',
    doc: 'File of roles, YAML or JSON; without one there are viewer, operator and admin. Read again on reload.',
  })
  readonly rolesFile?: string;
}
