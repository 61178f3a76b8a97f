import { type Frame, initializeParams, isAnswer, type Json, type Message, notification, request } from './messages.js';
import { type TemporaryFolder, temporaryFolder } from './places.js';
import { type Exit, Program } from './program.js';
import type { ServerOptions } from './built-server.js';
import type { Channel } from './raw-channel.js';
import { within } from './waiting.js';
import { Conversation, type WireRecord } from './wire/conversation.js';

/** The built program serving stdio, spoken to line by line. */
export class StdioServer implements Channel {
  private nextId = 1;
  private readonly parsed: Frame[] = [];

  private readonly conversation: Conversation | undefined;

  private constructor(
    private readonly folder: TemporaryFolder,
    readonly program: Program,
    record: WireRecord | undefined,
  ) {
    this.conversation = record && new Conversation(record);
  }

  /**
   * Starts the program; it may well read before it is ready.
   * @param record is told of what the specification does not allow in what the program writes
   */
  static async start(
    { env = {}, flags = [], plugins = [] }: ServerOptions = {},
    record?: WireRecord,
  ): Promise<StdioServer> {
    const folder = await temporaryFolder();
    const paths = plugins.length > 0 ? ['--tools-path', ...plugins] : [];
    const args = ['serve', '--transport', 'stdio', ...paths, ...flags];
    const program = Program.start({ args, env: { HOME: folder.path, ...env }, cwd: folder.path });
    return new StdioServer(folder, program, record);
  }

  /** Start folder of the program. */
  get cwd(): string {
    return this.folder.path;
  }

  /** What was written to stdout, line by line; text that is no JSON makes it throw. */
  get frames(): readonly Frame[] {
    for (const line of this.lines.slice(this.parsed.length)) {
      const frame = JSON.parse(line) as Frame;
      this.parsed.push(frame);
      this.conversation?.serverSent(frame);
    }
    return this.parsed;
  }

  /** The whole lines of stdout. */
  get lines(): readonly string[] {
    return this.program.stdout.split('\n').slice(0, -1);
  }

  get messages(): readonly Message[] {
    return this.frames.flatMap((frame) => frame);
  }

  async initialize(revision = '2025-11-25', capabilities: Json = {}): Promise<Message> {
    const answer = await this.request('initialize', initializeParams(revision, capabilities));
    this.send(notification('notifications/initialized'));
    return answer;
  }

  /** Sends a request. @returns its answer, be it a result or an error */
  async request(method: string, params?: Json): Promise<Message> {
    const id = `r${this.nextId++}`;
    this.send(request(id, method, params));
    return this.answer(id);
  }

  callTool(name: string, args: Json = {}): Promise<Message> {
    return this.request('tools/call', { name, arguments: args });
  }

  /** @param frame JSON value, or text or bytes that are sent as they are */
  send(frame: unknown): void {
    this.conversation?.clientSent(frame);
    if (Buffer.isBuffer(frame)) {
      this.program.write(Buffer.concat([frame, Buffer.from('\n')]));
      return;
    }
    this.program.write(`${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n`);
  }

  /** Waits for the answer to a request. */
  answer(id: unknown): Promise<Message> {
    return this.message(
      ({ id: answered, method }) => answered === id && method === undefined,
      `the answer to ${String(id)}`,
    );
  }

  /** Waits for the first message, of any from the beginning, that is as asked. */
  message(isIt: (message: Message) => boolean, what: string): Promise<Message> {
    return this.waitFor(() => this.messages.find(isIt), what);
  }

  /** Sends a frame that is owed an answer. @returns all that came, the answer last */
  async exchange(frame: unknown): Promise<readonly Frame[]> {
    const { length } = this.frames;
    this.send(frame);
    const end = await this.waitFor(() => {
      const at = this.frames.findIndex((each, index) => index >= length && isAnswer(each));
      return at < 0 ? undefined : at + 1;
    }, 'the next answer');
    return this.frames.slice(length, end);
  }

  /** Ends the input, as a client that leaves. */
  leave(): Promise<Exit> {
    this.program.endInput();
    return this.program.ending();
  }

  async dispose(): Promise<void> {
    await this.program.stop();
    await this.folder.remove();
  }

  private waitFor<T>(find: () => T | undefined, what: string): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const look = (): void => {
        try {
          const it = find();
          if (it === undefined && this.program.isRunning) return;
          if (it === undefined) reject(new Error(`The program ended before ${what}:\n${this.program.stderr}`));
          else resolve(it);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        stop();
      };
      const stop = this.program.onOutput(look);
      look();
    });
    return within(found, what);
  }
}
