export { CHILD_ENVIRONMENT, CHILD_PATH, type Command, type CommandOutcome, type StartFailure } from './command.js';
export { CommandRunner } from './command-runner.js';
export { splitCommandLine, type SplitLine } from './split-command-line.js';
