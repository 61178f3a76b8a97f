import { EXIT, StartError, VERSION } from '../common/index.js';
import type { Invocation } from './invocation.js';

type Command = (invocation: Invocation) => Promise<void>;

// Each command is loaded when it is called, so that none pays for another's imports.
const COMMANDS: Readonly<Record<string, { readonly about: string; readonly load: () => Promise<Command> }>> = {
  serve: {
    about: 'Serve tools to MCP clients (stdio unless --transport says otherwise)',
    load: async () => (await import('./serve.command.js')).serve,
  },
  config: {
    about: 'Show the settings that serve would use, with the source of each',
    load: async () => (await import('./config.command.js')).showConfig,
  },
  certs: {
    about: 'Make certificates for development, of the server or of a client',
    load: async () => (await import('./certs.command.js')).makeCertificates,
  },
  explain: {
    about: 'Say why a role or a principal may call a tool, or may not',
    load: async () => (await import('./explain.command.js')).explain,
  },
  audit: {
    about: 'Verify, follow or search the audit log',
    load: async () => (await import('./audit.command.js')).audit,
  },
  keys: {
    about: 'Create, list, rotate and revoke API keys, of a server that runs or of one that will',
    load: async () => (await import('./keys/keys.command.js')).keys,
  },
};

/** Runs one command of the `gatehouse` program, and ends the process where it failed. */
export async function runCli({ argv, cwd }: Invocation): Promise<void> {
  const [name, ...rest] = argv;
  if (name === '--version' || name === '-v') return print(VERSION);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return print(usage());
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  try {
    if (!command) throw new StartError(`There is no command "${name}".`, [usage()], EXIT.usage);
    const run = await command.load();
    await run({ argv: rest, cwd });
  } catch (error) {
    end(error);
  }
}

function usage(): string {
  const commands = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(8)} ${about}`);
  return ['Usage: gatehouse <command> [flags]', '', ...commands, '', '`gatehouse serve --help` lists the flags.'].join(
    '\n',
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A fault of the start is told in words; anything else is a defect, and its stack helps. */
function end(error: unknown): void {
  const isExpected = error instanceof StartError;
  const text = isExpected ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`Error running server: ${text}\n`);
  process.exit(isExpected ? error.exitCode : EXIT.fatal);
}
