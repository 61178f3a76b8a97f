const ROLE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;

/** Whether a text can name a role: it fits into logs, headers and patterns as it is. */
export function isRoleName(text: string): boolean {
  return ROLE_NAME.test(text);
}
