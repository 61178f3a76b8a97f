import { opendir } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { SecurityLog } from '../../audit/index.js';
import { printable, ToolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Describe } from '../schema/describe.decorator.js';
import type { ToolContext } from '../tool-context.js';
import { Tool } from '../tool.decorator.js';
import { fileRoots, resolveWithin } from './file-roots.js';

/** Entries that are read of one folder, to sort them: bounds memory in a folder of millions. */
const MAX_READ = 100_000;
/** Longest name that file systems allow. */
const MAX_NAME = 255;

/** Arguments of `list_files`. */
export class ListFilesInput {
  @IsString()
  @Length(1, 4_096)
  @Describe('Folder: absolute, or relative to the first folder that this server shows', { examples: ['.'] })
  readonly path!: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000)
  @Describe('Names to show at most')
  readonly limit?: number;
}

/** Shows what is in a folder, within the roots that the operator named (W-3). */
@Injectable()
export class ListFilesTool {
  private readonly roots: readonly [string, ...string[]];
  private readonly maxEntries: number;

  constructor(
    { tools }: AppConfig,
    private readonly security: SecurityLog,
  ) {
    this.roots = fileRoots(tools);
    this.maxEntries = tools.filesMaxEntries;
  }

  /** @throws ToolError `Error listing files: …`, which never tells what lies outside the roots */
  @Tool({
    name: 'list_files',
    title: 'List files',
    description: 'List files in a directory',
    readOnly: true,
    idempotent: true,
    openWorld: false,
    roles: ['operator', 'admin'],
  })
  async listFiles(
    { path, limit = this.maxEntries }: ListFilesInput,
    { principal: { subject: principal } }: Pick<ToolContext, 'principal'>,
  ): Promise<string> {
    const folder = await resolveWithin(this.roots, path);
    if (folder.path === undefined) {
      if (folder.isElsewhere) this.security.emit('target_rejected', { tool: 'list_files', principal, rule: 'roots' });
      throw listingError(path, 'there is no such folder among those that this server shows');
    }
    const names = await readNames(folder.path, path);
    const shown = names.sort().slice(0, Math.min(limit, this.maxEntries));
    // A name with a line break in it must not read as two.
    const lines = shown.map((name) => printable(name, MAX_NAME));
    if (shown.length < names.length) lines.push(remark(names.length - shown.length, names.length > MAX_READ));
    return `Files in ${path}:\n${lines.join('\n')}`;
  }
}

/** @returns names in no order, at most one more than {@link MAX_READ} */
async function readNames(folder: string, path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    // Closes itself, also when it is left early.
    for await (const { name } of await opendir(folder)) {
      names.push(name);
      if (names.length > MAX_READ) break;
    }
  } catch (cause) {
    throw listingError(path, 'it is no folder, or the server may not read it', cause);
  }
  return names;
}

function remark(hidden: number, isLowerBound: boolean): string {
  return `[${isLowerBound ? 'at least ' : ''}${hidden} more not shown]`;
}

function listingError(path: string, why: string, cause?: unknown): ToolError {
  return new ToolError(`Error listing files: ${printable(path)}: ${why}`, { cause });
}
