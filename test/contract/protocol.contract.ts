import { afterAll, afterEach, beforeAll, describe, it } from '@jest/globals';
import { BuiltServer } from '../support/built-server.js';
import { CLIENT_NAMES, type ClientName, connect } from '../support/clients.js';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import type { Target, TestClient } from '../support/test-client.js';
import { RawHttp } from '../support/raw-http.js';
import { HttpSession, type RawSession, StdioSession } from '../support/raw-session.js';
import { StdioServer } from '../support/stdio-server.js';
import { PATIENCE_MS } from '../support/waiting.js';
import { SETTINGS } from './behaviours/behaviour.js';
import { COMPLETIONS, PROMPTS, RESOURCES } from './behaviours/features.js';
import { LIFECYCLE } from './behaviours/lifecycle.js';
import { PAGES } from './behaviours/lists.js';
import { OPENING, type Unopened } from './behaviours/opening.js';
import { OF_EVERY_REVISION, REVISIONS } from './behaviours/revisions.js';
import { RUNNING } from './behaviours/running.js';
import { TOOLS } from './behaviours/tools.js';

const BEHAVIOURS = [...LIFECYCLE, ...TOOLS, ...PAGES, ...RUNNING, ...RESOURCES, ...PROMPTS, ...COMPLETIONS];

const DOORS = ['http', 'stdio'] as const;
type Door = (typeof DOORS)[number];
const CELLS = CLIENT_NAMES.flatMap((name) => DOORS.map((door) => ({ name, door })));

const REVISION_CELLS = REVISIONS.flatMap((revision) => DOORS.map((door) => ({ revision, door })));

describe('the protocol', () => {
  let server: BuiltServer;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    folder = await temporaryFolder();
    server = await BuiltServer.start({ plugins: [fixture('contract/index')], env: SETTINGS });
  }, PATIENCE_MS);

  afterAll(async () => {
    await server.dispose();
    await folder.remove();
  }, PATIENCE_MS);

  const targetOf = (door: Door): Target => {
    if (door === 'http') return { door, url: server.url };
    const args = ['serve', '--tools-path', fixture('contract/index')];
    return { door, args, env: SETTINGS, cwd: folder.path };
  };

  describe.each(CELLS)('$name over $door', ({ name, door }: { name: ClientName; door: Door }) => {
    let client: TestClient;
    const another = (): Promise<TestClient> => connect(name, targetOf(door));

    beforeAll(async () => {
      client = await another();
    }, PATIENCE_MS);

    afterAll(() => client.end(), PATIENCE_MS);

    it.each(BEHAVIOURS)('$name ($spec)', async ({ run }) => run({ client, another }), PATIENCE_MS);
  });

  describe.each(REVISION_CELLS)('$revision over $door', ({ revision, door }) => {
    let session: RawSession;
    let process: StdioServer | undefined;

    beforeAll(async () => {
      if (door === 'http') {
        session = await HttpSession.open(server.url, revision);
      } else {
        process = await StdioServer.start({ plugins: [fixture('contract/index')], env: SETTINGS });
        session = await StdioSession.open(process, revision);
      }
    }, PATIENCE_MS);

    afterAll(() => process?.dispose(), PATIENCE_MS);

    it.each(OF_EVERY_REVISION)('$name ($spec)', async ({ run }) => run({ session, revision }), PATIENCE_MS);
  });

  describe.each(DOORS)('the start of a session over %s', (door) => {
    let process: StdioServer | undefined;

    afterEach(() => process?.dispose(), PATIENCE_MS);

    const unopened = async (): Promise<Unopened> => {
      if (door === 'http') return { send: async (frame) => (await new RawHttp(server.url).post(frame)).frames };
      const started = (process = await StdioServer.start({ env: SETTINGS }));
      return { send: (frame) => started.exchange(frame) };
    };

    it.each(OPENING)('$name ($spec)', async ({ run }) => run(await unopened()), PATIENCE_MS);
  });
});
