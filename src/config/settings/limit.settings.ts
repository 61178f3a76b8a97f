import { Int } from '../setting.decorators.js';

/** What one message, call or session may take. */
export class LimitSettings {
  @Int({
    env: 'MCP_MAX_MESSAGE_BYTES',
    flag: 'max-message-size',
    default: 1_048_576,
    min: 1_024,
    max: 104_857_600,
    unit: 'B',
    doc: 'Size of one message on stdio.',
  })
  readonly maxMessageBytes!: number;

  @Int({
    env: 'MCP_MAX_BODY_BYTES',
    flag: 'max-body-size',
    default: 10_485_760,
    min: 1_024,
    max: 104_857_600,
    unit: 'B',
    doc: 'Size of an HTTP body.',
  })
  readonly maxBodyBytes!: number;

  @Int({ env: 'MCP_MAX_IN_FLIGHT', default: 32, min: 1, max: 1_000, doc: 'Requests of one session that run at once.' })
  readonly maxInFlight!: number;

  @Int({
    env: 'MCP_MAX_QUEUE',
    flag: 'max-queue',
    default: 100,
    min: 1,
    max: 10_000,
    doc: 'Calls that wait for a free place of one tool.',
  })
  readonly maxQueue!: number;

  @Int({ env: 'MCP_MAX_BATCH', default: 50, min: 1, max: 1_000, doc: 'Messages in one batch (2025-03-26).' })
  readonly maxBatch!: number;

  @Int({ env: 'MCP_LIST_PAGE_SIZE', default: 500, min: 1, max: 10_000, doc: 'Entries on one page of a list.' })
  readonly listPageSize!: number;
}
