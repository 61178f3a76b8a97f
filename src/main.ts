#!/usr/bin/env node
import 'reflect-metadata';
import { runCli } from './cli/index.js';

await runCli({ argv: process.argv.slice(2), cwd: process.cwd() });
