// What it costs to know who calls, and to say so: the same tools/call with authentication, roles, limits, audit and metrics
// on, against the limit and the SDK of the same era; and what of it the audit log is.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatehouse, script } from './target.mjs';
import { measure } from './throughput.mjs';

const ID = 'bench';
const KEY = `ghk_${ID}_${randomBytes(32).toString('base64url')}`;
const SECRET = randomBytes(48).toString('base64url');
/** Rules as a team has them: a pattern, a denial, and a limit on arguments of something else. */
const ROLES = `
roles:
  member:
    inherits: [viewer]
    allow:
      - tool:echo
      - target: "tool:list_*"
        args: { path: { prefix: "." } }
    deny: ["tool:run_command"]
    messages: 100000
`;

function encoded(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function jwt() {
  const claims = { sub: 'bench', aud: 'bench', exp: Math.floor(Date.now() / 1000) + 3600, roles: ['member'] };
  const text = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

const byKey = { MCP_API_KEYS: `${ID}:${createHash('sha256').update(KEY).digest('hex')}:member` };
const byJwt = { MCP_JWT_SECRET: SECRET, MCP_JWT_AUDIENCE: 'bench' };

/** Each row with what it has in common with the one that it is compared with. */
function rowsOf(rolesFile) {
  const ours = (env) => (port) => gatehouse(port, { env: { MCP_ROLES_FILE: rolesFile, ...env } });
  return [
    { name: 'node:http, the limit', start: (port) => script('limit.mjs', port), kind: 'plain' },
    { name: 'SDK v1, bare', start: (port) => script('sdk-v1.mjs', port, { isPeer: true }), kind: 'session' },
    { name: 'gatehouse, API key', start: ours(byKey), kind: 'session', token: KEY },
    { name: 'gatehouse, JWT', start: ours(byJwt), kind: 'session', token: jwt() },
    { name: 'API key, no audit', start: ours({ ...byKey, MCP_AUDIT_FILE: undefined }), kind: 'session', token: KEY },
  ];
}

export async function team({ secs, connections, rounds, port }) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-roles-'));
  const rolesFile = join(folder, 'roles.yaml');
  writeFileSync(rolesFile, ROLES);
  const rows = rowsOf(rolesFile);
  const best = new Map();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const row of rows) {
        const result = await measure(row, port++, { secs, connections });
        if (result.rps > (best.get(row.name)?.rps ?? 0)) best.set(row.name, result);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  print(rows, best, { secs, connections, rounds });
}

function print(rows, best, { secs, connections, rounds }) {
  const [limit, peer] = rows.map(({ name }) => best.get(name).rps);
  console.log(
    `tools/call with authentication, roles, limits, audit and metrics on, ${connections} connections, ${secs} s, best of ` +
      `${rounds} rounds (aims: 50 % of the limit, 6 x SDK; audit < 5 %):`,
  );
  for (const { name } of rows) {
    const { rps, p50, p99, rss, bad } = best.get(name);
    console.log(
      `  ${name.padEnd(24)} ${rps.toFixed(0).padStart(7)} req/s  ${((rps / limit) * 100).toFixed(1).padStart(5)} % of the limit  ` +
        `${(rps / peer).toFixed(1).padStart(4)} x SDK  p50 ${p50}  p99 ${p99}  ${rss} MiB${bad ? `  ${bad} BAD ANSWERS` : ''}`,
    );
  }
  const [withAudit, without] = [best.get('gatehouse, API key').rps, best.get('API key, no audit').rps];
  console.log(`  the audit log costs ${((1 - withAudit / without) * 100).toFixed(1)} % of the throughput`);
}
