import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemClock, ToolError } from '../../common/index.js';
import { AppConfig, type ConfigOverrides } from '../../config/index.js';
import { CommandRunner } from '../command/command-runner.js';
import { compileSchema } from '../schema/compile-schema.js';
import type { ToolContext } from '../tool-context.js';
import { TOOL_METADATA } from '../tool.decorator.js';
import { isRunCommandOffered, RunCommandInput, RunCommandTool } from './run-command.tool.js';

// What is killed is real, and so are the seconds of grace that it gets.
jest.setTimeout(60_000);

const LONG = 'sleep 1000';

let folder: string;
let runner: CommandRunner;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-run-')));
  runner = new CommandRunner(new SystemClock());
});

afterEach(async () => {
  await runner.onApplicationShutdown();
  await rm(folder, { recursive: true });
});

function tool(more: ConfigOverrides['tools'] = {}): RunCommandTool {
  const allow = { runCommandEnabled: true, runCommandAllow: ['echo', 'pwd', 'sh', 'printf', 'gone-program'] };
  return new RunCommandTool(AppConfig.of({ tools: { filesRoots: [folder], ...allow, ...more } }), runner);
}

function run(command: string, runs = tool(), signal = new AbortController().signal): Promise<string> {
  return runs.runCommand({ command }, { signal } as ToolContext);
}

async function failure(running: Promise<string>): Promise<ToolError> {
  const error: unknown = await running.then(
    (text) => new Error(`no failure: ${text}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ToolError)) throw error;
  return error;
}

describe('run_command', () => {
  it('5.1 answers with command, return code and both outputs', async () => {
    expect(await run('echo a  "b  c"')).toBe('Command: echo a  "b  c"\nReturn code: 0\nStdout: a b  c\n\nStderr: ');
  });

  it('5.1 a command that fails is an answer, not a failure', async () => {
    const command = `sh -c 'echo no >&2; exit 3'`;
    expect(await run(command)).toBe(`Command: ${command}\nReturn code: 3\nStdout: \nStderr: no\n`);
  });

  it('5.1 tells a signal as Python does', async () => {
    expect(await run(`sh -c 'kill -KILL $$'`)).toContain('\nReturn code: -9\n');
  });

  it('W-2 runs in the first root, without a shell', async () => {
    expect(await run('pwd -P')).toContain(`Stdout: ${folder}\n`);
    expect(await run('echo $HOME; id | cat > x *')).toContain('Stdout: $HOME; id | cat > x *\n');
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });

  it('S4-19 cuts outputs at the settings, and says so', async () => {
    const text = await run(`sh -c 'head -c 5000 /dev/zero; echo e >&2'`, tool({ maxStdoutBytes: 1_024 }));
    expect(text).toContain(`Stdout: ${'\0'.repeat(1_024)}\nStderr: e\n`);
    expect(text).toMatch(/\n\[stdout cut at 1024 bytes\]$/);
  });
});

describe('run_command, refusals', () => {
  it('W-2 is off, and for admins, unless the operator says otherwise', () => {
    const method = Reflect.get(RunCommandTool.prototype, 'runCommand') as object;
    const options: unknown = Reflect.getMetadata(TOOL_METADATA, method);
    expect(options).toMatchObject({ name: 'run_command', enabled: false, roles: ['admin'], destructive: true });
  });

  it.each([
    [false, [], false],
    [false, ['ls'], false],
    [true, [], false],
    [true, ['ls'], true],
  ])('W-2 is offered only when switched on (%j) with commands to run (%j)', async (on, allow, isOffered) => {
    const settings = { runCommandEnabled: on, runCommandAllow: allow };
    expect(isRunCommandOffered(settings)).toBe(isOffered);
    if (isOffered) return;
    const refused = await failure(run('ls', tool(settings)));
    expect(refused).toMatchObject({
      kind: 'tool_disabled',
      message: `Tool 'run_command' is not enabled on this server`,
    });
  });

  it.each(['rm -rf x', 'ECHO x', 'echo2', '/bin/echo x', './echo x', '../bin/echo', '"echo x"', `''`])(
    'W-2 runs nothing that is not on the list: %s',
    async (command) => {
      const refused = await failure(run(command));
      expect(refused.message).toMatch(/^Error running command: ('.*' is not allowed here|there is no command)/);
    },
  );

  it('W-2 a command with a slash is refused even where the list has it', async () => {
    const path = join(folder, 'tool');
    await writeFile(path, '#!/bin/sh\ntouch ran\n', { mode: 0o755 });
    const refused = await failure(run(path, tool({ runCommandAllow: [path, 'tool'] })));
    expect(refused.kind).toBe('permission_denied');
    expect(existsSync(join(folder, 'ran'))).toBe(false);
  });

  it.each([
    ['   ', 'there is no command in the command line'],
    [`echo 'a`, 'the single quote at position 6 is never closed'],
    ['echo a\necho b', 'the command line holds a LF character'],
    [`echo ${'€'.repeat(700)}`, 'the command line has 2105 bytes, at most 2048 are allowed'],
  ])('W-2 refuses the command line %j', async (command, why) => {
    expect((await failure(run(command))).message).toBe(`Error running command: ${why}`);
  });

  it.each([{}, { command: '' }, { command: 'x'.repeat(2_049) }, { command: ['ls'] }, { command: 'ls', cwd: '/' }])(
    '5.1 the schema refuses %j',
    async (args) => {
      expect(await compileSchema(RunCommandInput, 'input').check(args)).toMatchObject({ isValid: false });
    },
  );
});

describe('run_command, runs that do not end by themselves', () => {
  it('S4-16 tells a command that is not there', async () => {
    const failed = await failure(run('gone-program'));
    expect(failed.message).toBe('Error running command: Command not found: gone-program. The operator can install it.');
  });

  it('tells a missing folder without naming it', async () => {
    const failed = await failure(run('echo x', tool({ filesRoots: [join(folder, 'gone')] })));
    expect(failed.message).toContain('the folder that commands run in does not exist');
    expect(failed.message).not.toContain(folder);
  });

  it('W-2 W-29 S4-18 ends at its timeout, and shows what was written until then', async () => {
    const failed = await failure(run(`sh -c 'echo so far; ${LONG} & wait'`, tool({ runCommandTimeoutSec: 1 })));
    expect(failed.kind).toBe('timeout');
    expect(failed.message).toBe('Error running command: Process timed out after 1s\nStdout: so far\n\nStderr: ');
  });

  it('W-19 ends when the call is cancelled', async () => {
    const call = new AbortController();
    const running = failure(run(`sh -c 'touch started; ${LONG}'`, tool(), call.signal));
    while (!existsSync(join(folder, 'started'))) await delay(5);
    call.abort();
    expect((await running).kind).toBe('cancelled');
  });

  it('W-2 ends when the server does', async () => {
    const running = failure(run(`sh -c 'touch started; ${LONG}'`));
    while (!existsSync(join(folder, 'started'))) await delay(5);
    await runner.onApplicationShutdown();
    expect((await running).kind).toBe('shutting_down');
  });
});
