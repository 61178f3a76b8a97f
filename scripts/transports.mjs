// What every door guarantees, and the test that shows it: docs/transports.md is made of this. A cell is a test, with the
// words of the table where "yes" would say too little, or the reason why there is nothing to show.
const E2E = 'test/e2e';
const UNIT = 'src/transport';
const CONTRACT = 'test/contract';

/** @param file path from the root of the project. @param name of a test in it, as it stands in the source */
const by = (file, name, says = 'yes') => ({ file, name, says });
const none = (why) => ({ why });

const http = (file, name, says) => by(`${E2E}/${file}.e2e-spec.ts`, name, says);
const webSocket = (name, says) => by(`${E2E}/websocket.e2e-spec.ts`, name, says);
const tcp = (name, says) => by(`${E2E}/tcp.e2e-spec.ts`, name, says);
const sse = (name, says) => by(`${E2E}/sse.e2e-spec.ts`, name, says);
const stdio = (name, says) => by(`${E2E}/stdio.e2e-spec.ts`, name, says);
const older = (name, says) => by(`${E2E}/older-clients.e2e-spec.ts`, name, says);
const legacySse = (name, says) => by(`${UNIT}/sse/legacy-sse.spec.ts`, name, says);

const ONE_CLIENT = none('one client, which started it');
const NO_PAGES = none('no browser speaks it');

/** The same behaviour, which the contract suite runs at every door. @param except doors that have something else to show */
function everywhere(file, name, except = {}) {
  const cell = { ...by(`${CONTRACT}/behaviours/${file}.ts`, name), isContract: true };
  return { http: cell, websocket: cell, tcp: cell, sse: cell, stdio: cell, ...except };
}

const refused = {
  ...by(`${CONTRACT}/stateless.contract.ts`, 'is refused, and the revisions that are served are named (DESIGN D-2)'),
  says: 'refused with -32022',
};

export const DOORS = {
  http: 'Streamable HTTP',
  websocket: 'WebSocket',
  tcp: 'TCP',
  sse: 'Legacy HTTP+SSE',
  stdio: 'stdio',
};

export const GUARANTEES = [
  {
    title: 'The revisions 2024-11-05, 2025-03-26, 2025-06-18 and 2025-11-25',
    cells: everywhere('revisions', 'initialize gives the revision that was asked for'),
  },
  {
    title: 'The revision 2026-07-28',
    cells: everywhere('stateless', 'server/discover names the revisions, what the server can do, and who it is', {
      sse: refused,
    }),
  },
  {
    title: 'Tools, resources and prompts, as their authors wrote them',
    cells: everywhere('tools', 'tools are listed with all that their authors said of them'),
  },
  {
    title: 'Progress, in order, to who asked for it',
    cells: everywhere('running', 'progress comes in order, under the token of its request, and never goes back'),
  },
  {
    title: 'Tools ask the client',
    cells: everywhere(
      'asking',
      'a form is asked for with fields of every kind and their defaults, and what was filled in comes back',
    ),
  },
  {
    title: 'Changes are told to who wants to know',
    cells: everywhere(
      'changes',
      'a resource that is subscribed to is told of when it changes, and no other is, and no more when it is not',
    ),
  },
  {
    title: 'Ids come back as they were',
    cells: everywhere('revisions', 'S2-5 an id comes back as it was, of either kind'),
  },
  {
    title: 'A request that is cancelled ends, and is not answered',
    cells: everywhere('revisions', 'S3-7 cancelling reaches the tool, and no answer follows'),
  },
  {
    title: 'What is no message is refused by name, and the session goes on',
    cells: everywhere('revisions', 'S2-23, S2-24 what is no message is refused, and the session goes on'),
  },
  {
    title: 'No request before `initialize`',
    cells: everywhere('opening', 'nothing but initialize is served without a session'),
  },
  {
    title: 'At most 32 requests of a session at once',
    cells: everywhere('running', 'W-39 of more than 32 requests of a session at once, the last is refused'),
  },
  {
    title: 'An answer goes to who asked, whatever ids others use',
    cells: {
      http: http('isolation', 'see their own answers, failures, progress and log messages, and nobody else’s'),
      websocket: webSocket('S0-9 S2-5 answers each socket its own, though all of them use the same ids at once'),
      tcp: tcp('S2-5 W-8 gives two clients with one id their own answers, also for 0 and for text'),
      sse: sse('S3-4 W-17 brings answers to the stream alone that they belong to'),
      stdio: ONE_CLIENT,
    },
  },
  {
    title: 'A client that leaves',
    cells: {
      http: http(
        'session',
        'D-3 a client that only breaks its connection cancels nothing',
        'goes on: it may come back',
      ),
      websocket: webSocket(
        'D-3 S3-6 S3-7 cancels what runs when a client vanishes, and nothing of anybody else',
        'cancels',
      ),
      tcp: tcp('D-3 cancels what runs when a client leaves, in whatever way', 'cancels'),
      sse: sse('D-3 S3-6 cancels what runs for a stream when it closes', 'cancels'),
      stdio: stdio('D-3 and cancels what runs, down to the child process', 'cancels'),
    },
  },
  {
    title: 'A message that is too large',
    cells: {
      http: http('http-status', 'refuses a length over the limit at once, without waiting for the body', '413'),
      websocket: webSocket(
        'S0-11 K-14 answers 2 MB with Message too large, closes 17 MB with 1009, and harms nobody else',
        'an error; 1009 above the hard limit',
      ),
      tcp: tcp('S2-21 cuts off a client that never sends a newline, at the limit of the buffer', 'an error; cut off'),
      sse: older('S0-11 S1-15 S2-20 a message that is too large is refused with 413, and the stream goes on', '413'),
      stdio: stdio('S0-11 refuses a line that is too long, and serves the next', 'an error'),
    },
  },
  {
    title: 'A reader that does not read holds nothing up, and memory is bounded',
    cells: {
      http: by(`${UNIT}/http/streams.spec.ts`, 'S0-13 cuts off a reader that is too slow, and not one that keeps up'),
      websocket: webSocket(
        'S0-13 takes nothing more from a client that does not read, whatever it sends, and serves the others',
      ),
      tcp: tcp('S0-13 takes nothing more from a client that does not read'),
      sse: legacySse('S0-13 is not taken from a client that does not read its stream'),
      stdio: by(`${UNIT}/stdio/stdio.transport.spec.ts`, 'S0-13 takes nothing more from a client that does not read'),
    },
  },
  {
    title: 'A client that is too slow to say what it wants',
    cells: {
      http: http('http-connection', 'gets 408 when it %s, and is hung up on', '408'),
      websocket: webSocket('takes a frame that comes a byte at a time', 'is waited for; holds nobody up'),
      tcp: tcp(
        'takes a line that comes a byte at a time, and many that come at once',
        'is waited for; holds nobody up',
      ),
      sse: http('http-connection', 'gets 408 when it %s, and is hung up on', '408: the same listener'),
      stdio: stdio('takes a line in pieces, cut within a character', 'is waited for'),
    },
  },
  {
    title: 'Caps of connections',
    cells: {
      http: none('no connection is held for a session: `MCP_MAX_SESSIONS`'),
      websocket: webSocket(
        'S0-10 S2-18 K-13 refuses client 51 of 50 with 503 Service Unavailable, until one leaves',
        '503',
      ),
      tcp: tcp('S2-18 sends client 51 of 50 away, and tells of it', 'an error, and the end'),
      sse: legacySse('S2-15 S2-17 S2-18 K-12 is opened under the rules of every door', '503'),
      stdio: ONE_CLIENT,
    },
  },
  {
    title: 'Connections of an address in a window',
    cells: {
      http: none('messages are what is counted'),
      websocket: webSocket(
        'S2-15 K-11 refuses an address that connects too often with 429, and says when to come again',
        '429',
      ),
      tcp: tcp(
        'S2-15 sends an address away that connects too often, and answers message 101 with an error',
        'an error, and the end',
      ),
      sse: legacySse('S2-15 S2-17 S2-18 K-12 is opened under the rules of every door', '429'),
      stdio: ONE_CLIENT,
    },
  },
  {
    title: 'Messages above the rate',
    cells: {
      http: http(
        'session',
        'S0-12, K-11 refuses message 101 of a session in a minute, and none of another session',
        '429',
      ),
      websocket: webSocket('S0-12 answers message 101 of a minute with Rate limit exceeded, and stays', 'an error'),
      tcp: tcp(
        'S2-15 sends an address away that connects too often, and answers message 101 with an error',
        'an error',
      ),
      sse: legacySse('S1-15 S2-23 that is no JSON is refused with 400, is an event, and counts as any', 'counted'),
      stdio: by(`${UNIT}/stdio/stdio.transport.spec.ts`, 'D-12 counts a line that it cannot read', 'counted'),
    },
  },
  {
    title: 'Credentials before anything else',
    cells: {
      http: http(
        'auth',
        'S2-7 answers 401 Unauthorized with a challenge to who shows nothing or something wrong',
        '401',
      ),
      websocket: by(
        `${UNIT}/websocket/ws-upgrades.spec.ts`,
        'S2-7 S2-8 takes a token by header or sub-protocol, and refuses others with 401',
        '401 at the upgrade',
      ),
      tcp: by(
        `${UNIT}/tcp/tcp-door.spec.ts`,
        'S2-9 says nothing to a stranger, and everything to who has proved who they are',
        '`authenticate` first',
      ),
      sse: http(
        'auth',
        'S2-7 answers 401 Unauthorized with a challenge to who shows nothing or something wrong',
        '401: the same guard',
      ),
      stdio: by(
        `${UNIT}/stdio/stdio.transport.spec.ts`,
        'D-11 is the principal local, with the role of the settings',
        'none: the role of `MCP_STDIO_ROLE`',
      ),
    },
  },
  {
    title: 'A blocked address',
    cells: {
      http: http(
        'auth',
        'S2-17 is blocked after three wrong credentials: 403 Forbidden, also with the right one',
        '403',
      ),
      websocket: by(
        `${UNIT}/websocket/gatehouse-ws.adapter.spec.ts`,
        'S2-17 S2-18 S2-15 refuses with 403, 503 and 429, and frees places that were left',
        '403',
      ),
      tcp: by(`${UNIT}/tcp/tcp-door.spec.ts`, 'S2-17 sends a blocked address away', 'an error, and the end'),
      sse: legacySse('S2-17 is refused to a blocked address, as every request of the lane', '403'),
      stdio: none('has no address'),
    },
  },
  {
    title: 'A page of another site',
    cells: {
      http: http('http-status', 'refuses %s, preflight and all, without a word of CORS', '403'),
      websocket: webSocket('W-5 refuses a foreign %s with 403 Forbidden: %j', '403'),
      tcp: NO_PAGES,
      sse: sse('W-5 is closed to pages of other sites', '403'),
      stdio: NO_PAGES,
    },
  },
  {
    title: 'TLS, minimum version, and certificates that are replaced while clients call',
    cells: {
      http: http('tls', 'is used for connections from then on, and no call fails'),
      websocket: http(
        'secure-doors',
        'use a certificate that is replaced for who comes from then on, and keep who is there',
      ),
      tcp: http('secure-doors', 'use a certificate that is replaced for who comes from then on, and keep who is there'),
      sse: http(
        'secure-doors',
        'S1-14 S2-39 serve legacy SSE with the security headers of the endpoint',
        'yes: the same listener',
      ),
      stdio: none('nothing goes over a network'),
    },
  },
  {
    title: 'Client certificates, where they are required',
    cells: {
      http: http('tls', 'are required where a CA is given, over %s'),
      websocket: http('secure-doors', 'are required where a CA is given, over %s'),
      tcp: http('secure-doors', 'are required where a CA is given, over %s'),
      sse: http('secure-doors', 'are required where a CA is given, over %s', 'yes: the same listener'),
      stdio: none('nothing goes over a network'),
    },
  },
  {
    title: 'Clients that idle, and peers that are dead',
    cells: {
      http: http('session', 'D-24 end after the idle time, but not while a stream is open', 'the session ends'),
      websocket: webSocket(
        'S0-15 S2-19 S0-31 D-24 tells of its clients, closes those that idle with 1001, and drops those that are dead',
        '1001; pings',
      ),
      tcp: tcp('S2-19 W-10 closes a client that idles, and not one that is active for longer', 'hangs up'),
      sse: legacySse('is kept alive by a comment every 15 s', 'comments keep it'),
      stdio: ONE_CLIENT,
    },
  },
  {
    title: 'The end of the server: what runs finishes, then goodbye',
    cells: {
      http: http(
        'shutdown',
        'S2-32 writes down how many were connected, and sends streams away with a hint when to come back',
        'a retry hint',
      ),
      websocket: webSocket(
        'S2-32 K-36 says goodbye with 1001 Server shutting down, when what runs has ended, and ends with 0',
        '1001',
      ),
      tcp: tcp('S2-32 hangs up in order when the server ends, and takes nobody more', 'hangs up'),
      sse: http(
        'shutdown',
        'S2-32 K-36 counts everybody once, and lets everybody have what they wait for, who may still talk',
        'the stream ends',
      ),
      stdio: http('shutdown', 'K-36 lets what runs finish, and begins nothing', 'the process ends'),
    },
  },
  {
    title: 'Nothing is left of who was there: memory, descriptors, child processes',
    cells: {
      http: http('http-connection', 'harms nobody %s, fifty times over'),
      websocket: webSocket('S2-22 keeps nothing of clients that were'),
      tcp: tcp('S2-22 keeps nothing of clients that were'),
      sse: http('connections', 'D-3 S3-7 S2-22 takes its child processes with it, over %s'),
      stdio: stdio('D-3 and ends what run_command started'),
    },
  },
];
