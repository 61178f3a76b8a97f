/** What one kind of error is on every wire. A value of {@link ERROR_CODES}. */
export interface ErrorCode {
  /** JSON-RPC code in the revisions 2024-11-05 to 2025-11-25. */
  readonly legacy: number;
  /** JSON-RPC code in 2026-07-28; our own kinds lie outside -32768..-32000. */
  readonly modern: number;
  /** HTTP status when the fault is all there is to answer. A JSON-RPC error inside a running exchange stays 200. */
  readonly http: number;
  /** Whether the same request may succeed later, unchanged. */
  readonly retryable: boolean;
  /** When it happens, for docs/errors.md. */
  readonly when: string;
}

type Numbers = readonly [legacy: number, modern: number, http: number];

const row = ([legacy, modern, http]: Numbers, when: string, retryable = false): ErrorCode => ({
  legacy,
  modern,
  http,
  retryable,
  when,
});

/**
 * THE table of errors: `kind` is the only stable name of an error, the numbers follow from it.
 * @see DESIGN D-4; REQUIREMENTS 6.2 to 6.4; JSON-RPC 2.0 section 5.1
 */
export const ERROR_CODES = {
  parse_error: row([-32700, -32700, 400], 'The text is not JSON.'),
  invalid_request: row([-32600, -32600, 400], 'The message is not a JSON-RPC 2.0 request, notification or response.'),
  message_too_large: row([-32600, -32600, 413], 'The message is over the size limit of its door.'),
  forbidden_key: row([-32600, -32600, 400], 'A key named __proto__, constructor or prototype, at any depth.'),
  too_complex: row([-32600, -32600, 400], 'The message nests too deep or has too many keys.'),
  batch_not_allowed: row(
    [-32600, -32600, 400],
    'A batch in a revision other than 2025-03-26, or one that is too long.',
  ),
  duplicate_request_id: row([-32600, -32600, 400], 'A request with this id is still running in this session.'),
  method_not_found: row([-32601, -32601, 404], 'The method does not exist in this revision.'),
  invalid_params: row([-32602, -32602, 400], 'The parameters do not fit the method or the input schema.'),
  invalid_envelope: row([-32602, -32602, 400], 'The request lacks what 2026-07-28 demands of its `_meta`.'),
  invalid_state: row([-32602, -32602, 400], 'The request state is not one that this server gave for this request.'),
  header_mismatch: row([-32600, -32020, 400], 'A header is missing, or differs from what the body says.'),
  missing_capability: row([-32600, -32021, 400], 'The client did not declare a capability that the work needs.'),
  input_required: row([-32603, -32603, 200], 'The work waits for input of the client; never sent as an error.'),
  invalid_cursor: row([-32602, -32602, 400], 'The cursor is not one that this server gave for this list.'),
  unknown_tool: row([-32602, -32602, 404], 'No tool of this name for this caller.'),
  unknown_task: row([-32602, -32602, 404], 'No task of this id for this caller.'),
  unknown_prompt: row([-32602, -32602, 404], 'No prompt of this name for this caller.'),
  resource_not_found: row([-32002, -32602, 404], 'No resource of this URI for this caller.'),
  internal: row([-32603, -32603, 500], 'A fault of the server; its log has the cause under the request id.'),
  not_initialized: row([-32600, -32600, 400], 'A request before `initialize`.'),
  already_initialized: row([-32600, -32600, 400], 'A second `initialize` in one session.'),
  unsupported_revision: row([-32602, -32022, 400], 'The protocol revision is not served here.'),
  rate_limited: row([-32000, 42900, 429], 'More messages or tool runs than the limit allows.', true),
  server_busy: row([-32000, 50300, 503], 'The queue of the tool or of the session is full.', true),
  session_limit: row([-32000, 50301, 503], 'No session can be opened, and none can give way.', true),
  shutting_down: row([-32000, 50302, 503], 'The server is ending.', true),
  auth_required: row([-32000, 40100, 401], 'A credential is needed and none was given.'),
  auth_failed: row([-32000, 40101, 401], 'The credential is not valid.'),
  auth_unavailable: row([-32000, 50308, 503], 'What it takes to judge the credential is out of reach.', true),
  permission_denied: row([-32000, 40300, 403], 'The caller may see this, and may not do it.'),
  tool_disabled: row([-32000, 40301, 403], 'The tool exists and is switched off on this server.'),
  breaker_open: row([-32000, 50303, 503], 'The tool failed too often and rests.', true),
  timeout: row([-32001, 50400, 504], 'The deadline passed before the work was done.', true),
  cancelled: row([-32800, 49900, 499], 'The caller cancelled; no answer is sent.'),
  tool_failed: row([-32000, 50001, 500], 'The tool reported a failure, or threw.'),
  invalid_result: row([-32603, 50002, 500], 'The tool returned what its output schema does not allow.'),
  session_required: row([-32000, 40001, 400], 'The request needs an Mcp-Session-Id header.'),
  session_not_found: row([-32001, 40401, 404], 'The session is unknown, ended or not yours: initialize again.'),
  not_found: row([-32000, 40402, 404], 'Nothing is served at this path.'),
  method_not_allowed: row([-32000, 40500, 405], 'The endpoint does not take this HTTP method.'),
  not_acceptable: row([-32000, 40600, 406], 'The Accept header leaves no form that the endpoint can answer in.'),
  unsupported_media_type: row([-32000, 41500, 415], 'The body is not application/json.'),
  request_timeout: row([-32000, 40800, 408], 'The request did not arrive in time.', true),
  shut: row([-32000, 40304, 403], 'The endpoint is bound where it may not be served without authentication.'),
  forbidden_host: row([-32000, 40302, 403], 'The Host header is not one of this server (DNS rebinding).'),
  forbidden_origin: row([-32000, 40303, 403], 'The Origin is not allowed.'),
  blocked: row([-32000, 40305, 403], 'The address failed to authenticate too often, and is blocked for a while.', true),
  insufficient_scope: row([-32000, 40306, 403], 'The credential lacks a scope that the target asks for.'),
  read_only: row([-32000, 40307, 403], 'An operator switched the server to read-only: only readOnly tools run.', true),
  quarantined: row([-32000, 40308, 403], 'An operator put the caller or the target into quarantine.', true),
  connection_limit: row([-32000, 50304, 503], 'No more connections, overall, at this door, or of this caller.', true),
  outcome_unknown: row([-32000, 50305, 503], 'A keyed call was started and its end is not known: it is not run again.'),
  idempotency_conflict: row([-32602, 40900, 409], 'The idempotency key was used before, with other arguments.'),
  store_unavailable: row(
    [-32000, 50306, 503],
    'The store is out of reach, and the work may not go on without it.',
    true,
  ),
  audit_unavailable: row([-32000, 50307, 503], 'The audit log cannot be written, and every call must be.', true),
} as const satisfies Record<string, ErrorCode>;

/** The stable name of an error, snake_case. */
export type ErrorKind = keyof typeof ERROR_CODES;
