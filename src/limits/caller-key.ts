/** The key of a proven principal: bound to issuer and subject, so that no reconnect and no new token resets it (W-13). */
export function principalKey({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  return `${issuer}\n${subject}`;
}
