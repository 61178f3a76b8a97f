import { Bool, Int, List } from '../setting.decorators.js';

/** The HTTP door. */
export class HttpSettings {
  @List({
    env: 'MCP_ALLOWED_HOSTS',
    default: [],
    doc: 'Host names, besides the loopback names, the bound host and the public URL, that a Host header may carry.',
  })
  readonly allowedHosts!: readonly string[];

  @List({
    env: 'MCP_CORS_ORIGINS',
    flag: 'cors-origin',
    default: [],
    format: 'origin',
    doc: 'Origins of browser pages that may call the server, exact.',
  })
  readonly corsOrigins!: readonly string[];

  @Int({
    env: 'MCP_HEADERS_TIMEOUT_MS',
    default: 10_000,
    min: 1_000,
    max: 60_000,
    unit: 'ms',
    doc: 'Time in which the headers of a request must arrive.',
  })
  readonly headersTimeoutMs!: number;

  @Int({
    env: 'MCP_BODY_TIMEOUT_MS',
    default: 30_000,
    min: 1_000,
    max: 600_000,
    unit: 'ms',
    doc: 'Time in which a whole request must arrive; never less than the headers timeout.',
  })
  readonly bodyTimeoutMs!: number;

  @Int({
    env: 'MCP_HTTP_MAX_SOCKETS',
    min: 10,
    max: 1_000_000,
    doc: 'Connections of the HTTP listener at once, whatever they carry; one more is closed unheard. By default 1000, and what the most sessions, WebSockets and SSE streams need.',
  })
  readonly maxSockets?: number;

  @Int({
    env: 'MCP_KEEP_ALIVE_INTERVAL_MS',
    default: 15_000,
    min: 1_000,
    max: 300_000,
    unit: 'ms',
    doc: 'Pause between keep-alive comments on an open stream.',
  })
  readonly keepAliveMs!: number;

  @Bool({
    env: 'MCP_SECURITY_HEADERS',
    default: true,
    doc: 'Send X-Content-Type-Options, X-Frame-Options, a Content-Security-Policy and Strict-Transport-Security.',
  })
  readonly securityHeaders!: boolean;

  @Int({
    env: 'MCP_HSTS_MAX_AGE',
    default: 0,
    min: 0,
    max: 63_072_000,
    unit: 's',
    doc: 'How long browsers keep to HTTPS (Strict-Transport-Security); 0 sends none. 31536000 where TLS is on and nothing is set.',
  })
  readonly hstsMaxAgeSec!: number;

  @Bool({
    env: 'MCP_WS_FIRST_MESSAGE_AUTH',
    default: false,
    doc: 'Let a WebSocket client without a credential in, to prove itself by `authenticate` as its first message, as on TCP.',
  })
  readonly wsFirstMessageAuth!: boolean;

  @Bool({
    env: 'MCP_WS_CLOSE_REFUSED',
    default: false,
    doc: 'Accept a WebSocket that is over a limit and close it with 1008, in place of an HTTP status.',
  })
  readonly wsCloseRefused!: boolean;

  @Bool({
    env: 'MCP_LEGACY_SSE_ON_MCP',
    default: false,
    doc: 'Open a legacy SSE stream for a GET of /mcp without a session.',
  })
  readonly legacySseOnMcp!: boolean;

  @Bool({
    env: 'MCP_SSE_CLIENT_ID_EVENT',
    default: false,
    doc: 'Tell every legacy SSE client its id by a data event, and ping it so; otherwise only those that ask by client_id or X-Client-ID.',
  })
  readonly sseClientIdEvent!: boolean;
}
