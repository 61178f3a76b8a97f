/**
 * What events are called where they happen on TCP: operators grep for these names. The others keep theirs.
 * @see REQUIREMENTS 6.1
 */
const TCP_NAMES: ReadonlyMap<string, string> = new Map([
  ['connection_established', 'tcp_connection_established'],
  ['connection_closed', 'tcp_connection_closed'],
  ['connection_timeout', 'tcp_connection_timeout'],
  ['connection_limit', 'tcp_connection_limit'],
  ['blocked_connection', 'tcp_blocked_connection'],
  ['invalid_auth', 'tcp_auth_failed'],
  ['auth_success', 'tcp_auth_success'],
  ['rate_limit_exceeded', 'tcp_rate_limit_exceeded'],
  ['invalid_input', 'tcp_invalid_input'],
  ['websocket_error', 'tcp_client_error'],
]);

/** @param transport the door that an event tells of, where it tells of one */
export function eventName(event: string, transport: unknown): string {
  return transport === 'tcp' ? (TCP_NAMES.get(event) ?? event) : event;
}
