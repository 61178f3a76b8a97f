import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { isJsonObject, printable, ProtocolError } from '../../common/index.js';
import { type RequestMessage, revisionOf } from '../../protocol/index.js';
import { ToolRegistry } from '../../tools/index.js';

/** The parameter that `Mcp-Name` repeats, by method. */
const NAMED_BY: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);
const ENCODED_START = '=?base64?';
const ENCODED_END = '?=';
/** What a header may hold as it is. @see RFC 9110 section 5.5 */
const PLAIN = /^[\t\x20-\x7e]*$/;

/**
 * Holds the headers of a modern request against its body, so that nobody between can be told another story.
 * @see MCP 2026-07-28, basic/transports/streamable-http, "Server Validation"
 */
@Injectable()
export class ModernHeaders {
  constructor(private readonly tools: ToolRegistry) {}

  /** @throws ProtocolError header_mismatch */
  check(req: IncomingMessage, { method, params = {} }: RequestMessage): void {
    const revision = revisionOf(params);
    // A request that names no revision is refused for that, by whoever reads its envelope.
    if (revision !== undefined) demand(req, 'mcp-protocol-version', revision);
    demand(req, 'mcp-method', method);
    const source = NAMED_BY.get(method);
    const name = source === undefined ? undefined : params[source];
    if (typeof name === 'string') demand(req, 'mcp-name', name);
    if (method === 'tools/call' && typeof name === 'string') this.checkParameters(req, name, params['arguments']);
  }

  private checkParameters(req: IncomingMessage, tool: string, args: unknown): void {
    for (const { header, path } of this.tools.get(tool)?.headerParameters ?? []) {
      const value = path.reduce<unknown>((at, key) => (isJsonObject(at) ? at[key] : undefined), args);
      if (value !== undefined && value !== null) demand(req, header, value);
      else if (header in req.headers) throw mismatch(header, 'has no counterpart in the body');
    }
  }
}

function demand(req: IncomingMessage, header: string, expected: unknown): void {
  const given = req.headers[header];
  if (typeof given !== 'string') throw mismatch(header, 'is missing');
  const value = decoded(header, given);
  const isSame =
    typeof expected === 'number' ? Number(value) === expected && value.trim() !== '' : value === String(expected);
  if (!isSame) throw mismatch(header, `value '${printable(value, 64)}' does not match the body`);
}

/** @throws ProtocolError header_mismatch the Base64 form is broken */
function decoded(header: string, given: string): string {
  if (!PLAIN.test(given)) throw mismatch(header, 'has characters that only Base64 can carry');
  if (!given.startsWith(ENCODED_START) || !given.endsWith(ENCODED_END)) return given;
  const encoded = given.slice(ENCODED_START.length, -ENCODED_END.length);
  const bytes = Buffer.from(encoded, 'base64');
  // Node reads past what is wrong: only what comes out as it went in was Base64.
  if (bytes.toString('base64') !== encoded || !isUtf8(bytes)) throw mismatch(header, 'is not Base64 of UTF-8');
  return bytes.toString('utf8');
}

function mismatch(header: string, what: string): ProtocolError {
  return new ProtocolError('header_mismatch', `Header mismatch: ${header} ${what}`);
}
