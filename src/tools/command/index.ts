export { CommandRunner } from './command-runner.js';
export { isProgramInstalled } from './find-program.js';
