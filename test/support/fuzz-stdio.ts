import { isUtf8 } from 'node:buffer';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { checkAnswer, checkNotification, type Owed, owedTo } from './fuzz-model.js';
import { type Frame, initializeParams, isAnswer, isBatch, type Message, request } from './messages.js';
import { MAIN } from './places.js';
import { within } from './waiting.js';

/** Limit of a line that the server is started with. */
export const MAX_LINE_BYTES = 262_144;

const NEWLINE = Buffer.from('\n');

/** The built program on stdio, sent lines that may be anything. */
export class StdioFuzzer {
  private readonly arrived: Frame[] = [];
  private rest: Buffer[] = [];
  private onArrival: () => void = () => undefined;
  private sentinels = 0;
  /** What was written to stderr. */
  stderr = '';
  /** What stopped the reading of stdout, such as a line that is no JSON. */
  private failure: Error | undefined;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    child.stdout.on('data', (chunk: Buffer) => this.read(chunk));
    child.stdin.on('error', (error: Error) => (this.failure ??= error));
  }

  static async start(options: {
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
  }): Promise<StdioFuzzer> {
    const { PATH = '' } = process.env;
    const env = { PATH, HOME: options.cwd, MCP_MAX_MESSAGE_BYTES: String(MAX_LINE_BYTES), ...options.env };
    const child = spawn(process.execPath, [MAIN, 'serve', ...options.args], { cwd: options.cwd, env });
    const fuzzer = new StdioFuzzer(child);
    // The one revision that has batches.
    await fuzzer.ask('initialize', initializeParams('2025-03-26'));
    return fuzzer;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Sends one good request, alone. @returns its answer */
  async ask(method: string, params?: Record<string, unknown>): Promise<Message> {
    const id = `sentinel ${this.sentinels++}`;
    this.child.stdin.write(`${JSON.stringify(request(id, method, params))}\n`);
    const isIt = (frame: Frame): boolean => !isBatch(frame) && frame.id === id && frame.method === undefined;
    await this.waitUntil(() => this.arrived.some(isIt), `the answer to ${method}`);
    return this.arrived.splice(this.arrived.findIndex(isIt), 1)[0] as Message;
  }

  /**
   * Sends lines, and sees that each gets what it is owed, and nothing else comes.
   * @param lot each may hold line breaks: then it is several lines
   * @param pieceBytes size of the pieces in which they are written
   * @throws Error what came is not what is owed
   */
  async send(lot: readonly Buffer[], pieceBytes: number): Promise<void> {
    const { lines, owed } = due(lot);
    const bytes = Buffer.concat(lines.flatMap((line) => [line, NEWLINE]));
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      if (!this.child.stdin.write(bytes.subarray(at, at + pieceBytes))) await this.drained();
    }
    const answers = (): Frame[] => this.arrived.filter(isAnswer);
    try {
      await this.waitUntil(() => answers().length >= owed.length, `${owed.length} answers`);
      await this.ask('ping');
      this.arrived.filter((frame) => !isAnswer(frame)).forEach(checkNotification);
      match(owed, answers());
    } catch (cause) {
      const sent = lines.map((line) => shown(line.toString('latin1'))).join('\n');
      const came = answers().map((frame) => shown(JSON.stringify(frame)));
      throw new Error(`${String(cause)}\nsent:\n${sent}\ncame:\n${came.join('\n')}\n${this.stderr.slice(-2_000)}`, {
        cause,
      });
    }
    this.arrived.length = 0;
  }

  /** Ends the input. @returns the exit code, once all is written */
  async leave(): Promise<number | null> {
    const closed = once(this.child, 'close');
    this.child.stdin.end();
    const [code] = (await within(closed, 'the end of the program')) as [number | null];
    if (this.arrived.length > 0) throw new Error(`More came: ${JSON.stringify(this.arrived)}`);
    return code;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async drained(): Promise<void> {
    await within(once(this.child.stdin, 'drain'), 'the program to read');
  }

  private read(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      this.rest.push(chunk.subarray(from, end));
      const line = Buffer.concat(this.rest).toString('utf8');
      this.rest = [];
      from = end + 1;
      try {
        this.arrived.push(JSON.parse(line) as Frame);
      } catch {
        this.failure ??= new Error(`This line is no JSON: ${shown(line)}`);
      }
    }
    this.rest.push(chunk.subarray(from));
    this.onArrival();
  }

  private async waitUntil(isSo: () => boolean, what: string): Promise<void> {
    const arrived = new Promise<void>((resolve, reject) => {
      this.onArrival = () => {
        if (this.failure !== undefined) reject(this.failure);
        else if (isSo()) resolve();
      };
      this.child.once('close', () => reject(new Error(`The program ended before ${what}`)));
      this.onArrival();
    });
    try {
      await within(arrived, what);
    } finally {
      this.onArrival = () => undefined;
      this.child.removeAllListeners('close');
    }
  }
}

/** The lines that go out, and what each that is owed something is owed. */
function due(lot: readonly Buffer[]): { lines: readonly Buffer[]; owed: readonly Owed[] } {
  const all = lot.flatMap(linesOf).map((line) => ({ line, owed: owedToLine(line) }));
  // Whether a request is still running when it is cancelled, nobody can tell.
  const cancelled = new Set(all.flatMap(({ owed }) => owed?.cancels ?? []));
  const sure = all.filter(({ owed }) => !owed?.answers.some(({ id }) => cancelled.has(id)));
  return {
    lines: sure.map(({ line }) => line),
    owed: sure.flatMap(({ owed }) => (owed && owed.form !== 'nothing' ? [owed] : [])),
  };
}

function owedToLine(line: Buffer): Owed | undefined {
  // Blanks around a message are no part of it, be they of JSON or not: some shells begin with a byte order mark.
  const isWhole = line.length <= MAX_LINE_BYTES && isUtf8(line);
  const message = isWhole ? Buffer.from(line.toString('utf8').trim()) : line;
  return message.length === 0 ? undefined : owedTo(message, { maxBytes: MAX_LINE_BYTES, takesBatches: true });
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return [...lines, bytes.subarray(from)];
}

/** @throws Error not every frame is what one of the lines is owed, or the other way round */
function match(owed: readonly Owed[], frames: readonly Frame[]): void {
  const left = [...frames];
  for (const { form, answers } of owed) {
    const at = left.findIndex((frame) => isBatch(frame) === (form === 'batch') && fits(frame, answers));
    const [frame] = left.splice(at < 0 ? left.length : at, 1);
    if (!frame) throw new Error(`This answer did not come: ${shown(JSON.stringify(answers))}`);
    const members = isBatch(frame) ? frame : [frame];
    for (const [index, member] of members.entries()) checkAnswer(member, answers[index]?.id ?? null);
  }
  if (left.length > 0) throw new Error(`This is owed to nobody: ${shown(JSON.stringify(left))}`);
}

function fits(frame: Frame, answers: Owed['answers']): boolean {
  const members: readonly Message[] = isBatch(frame) ? frame : [frame];
  return members.length === answers.length && members.every(({ id }, index) => answers[index]?.id === id);
}

function shown(text: string): string {
  return text.length > 600 ? `${text.slice(0, 600)}… (${text.length} characters)` : text;
}
