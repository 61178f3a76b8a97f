import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable, Logger } from '@nestjs/common';
import { type ErrorKind, isGatehouseError, isJsonObject, type JsonObject, problemOf } from '../../common/index.js';
import { RestRequests } from './rest-requests.js';

const SERVER_FAULT = 500;

/** What was thrown, in words that a caller may read. */
interface Fault {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly data?: JsonObject | undefined;
  /** Where it is not that of the kind. */
  readonly status?: number;
}

/** Nest's exceptions and those of body parsers, by status. */
const KINDS: ReadonlyMap<number, ErrorKind> = new Map<number, ErrorKind>([
  [400, 'invalid_request'],
  [401, 'auth_failed'],
  [403, 'permission_denied'],
  [404, 'not_found'],
  [405, 'method_not_allowed'],
  [406, 'not_acceptable'],
  [408, 'request_timeout'],
  [413, 'message_too_large'],
  [415, 'unsupported_media_type'],
  [422, 'invalid_params'],
  [429, 'rate_limited'],
  [503, 'server_busy'],
]);

/** The one place where an error becomes an answer of REST (RFC 9457). What nobody foresaw stays in the log. */
@Catch()
@Injectable()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Rest');

  constructor(private readonly requests: RestRequests) {}

  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    const http = host.switchToHttp();
    const req = http.getRequest<IncomingMessage>();
    this.answer(error, req, http.getResponse<ServerResponse>());
  }

  /** Answers a request with what went wrong, where it was not answered yet. */
  answer(error: unknown, req: IncomingMessage, res: ServerResponse): void {
    const request = this.requests.of(req);
    const { requestId } = request;
    const fault = faultOf(error) ?? this.unforeseen(error, requestId);
    request.kind = fault.kind;
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const { status, headers, body } = problemOf({ ...fault, requestId });
    const given = fault.status ?? status;
    res.writeHead(given, headers).end(JSON.stringify({ ...body, status: given }));
  }

  private unforeseen(error: unknown, requestId: string): Fault {
    const stack = error instanceof Error ? error.stack : String(error);
    this.logger.error({ msg: 'A request failed', requestId }, stack);
    return {
      kind: 'internal',
      message: `Internal error. The operator finds the cause in the log under ${requestId}.`,
    };
  }
}

function faultOf(error: unknown): Fault | undefined {
  if (isGatehouseError(error)) return { kind: error.kind, message: error.message, data: error.data };
  if (error instanceof HttpException) return faultOfException(error);
  // What reads bodies throws errors of its own, with a status and a message about the text that came.
  const { status, type } = (error ?? {}) as { status?: unknown; type?: unknown };
  if (typeof status !== 'number' || typeof type !== 'string' || status >= SERVER_FAULT) return undefined;
  if (type === 'entity.parse.failed') return { kind: 'parse_error', message: 'Parse error: the body is not JSON.' };
  return {
    kind: KINDS.get(status) ?? 'invalid_request',
    message: 'The body cannot be read: see its size and headers.',
    status,
  };
}

function faultOfException(error: HttpException): Fault | undefined {
  const status = error.getStatus();
  const kind = KINDS.get(status) ?? (status < SERVER_FAULT ? 'invalid_request' : undefined);
  if (!kind) return undefined;
  const response = error.getResponse();
  const { statusCode: _status, error: _name, message, ...data } = isJsonObject(response) ? response : {};
  // A path with an escape that is none leads nowhere.
  if (error.message.startsWith('Failed to decode param')) {
    return { kind: 'not_found', message: 'Not Found: the path cannot be read.' };
  }
  // A body that is not JSON becomes this exception on its way, with the parser's words.
  if (error.cause instanceof SyntaxError || /JSON/.test(error.message)) {
    return { kind: 'parse_error', message: 'Parse error: the body is not JSON.' };
  }
  const text = Array.isArray(message) ? message.join('; ') : error.message;
  return { kind, message: text, data, status };
}
