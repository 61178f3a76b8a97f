import { Injectable } from '@nestjs/common';
import { ToolStates } from '../tools/index.js';
import { Announcements } from './announcements.js';

/** What plug-ins may change while the server runs; clients that can see it are told. Inject it where it is needed. */
@Injectable()
export class Catalogue {
  constructor(
    private readonly tools: ToolStates,
    private readonly announcements: Announcements,
  ) {}

  /**
   * Switches a tool on, at once and for every caller, unless an operator switched it off. It holds as long as the
   * process: a plug-in says again what it wants when it is loaded again.
   * @throws ProtocolError unknown_tool
   */
  enableTool(name: string): void {
    this.tools.setByAuthor(name, true);
  }

  /**
   * Switches a tool off, at once and for every caller, unless an operator switched it on; running calls go on.
   * @throws ProtocolError unknown_tool
   */
  disableTool(name: string): void {
    this.tools.setByAuthor(name, false);
  }

  /** Says that what a resource holds has changed. */
  resourceUpdated(uri: string): void {
    this.announcements.updated(uri);
  }

  /** Says that the list of prompts, or of resources, has changed for everyone. */
  listChanged(list: 'prompts' | 'resources'): void {
    this.announcements.wholeListChanged(list === 'prompts' ? 'prompt' : 'resource');
  }
}
