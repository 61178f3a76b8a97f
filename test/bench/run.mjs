// `npm run bench`: prints what a call, a start, a session and a list cost. Everything is measured on loopback, in one
// run, and bounded in time; compare ratios of one run, never figures of two.
//   npm run bench -- [--only throughput,team,channels,start,sessions,streams,lists,scale] [--secs 5] [--connections 16]
//                    [--rounds 2] [--sessions 10000] [--streams 2000] [--redis]
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { channels } from './channels.mjs';
import { lists } from './lists.mjs';
import { redisCost } from './redis.mjs';
import { scale } from './scale.mjs';
import { sessions } from './sessions.mjs';
import { coldStart } from './start.mjs';
import { streams } from './streams.mjs';
import { team } from './team.mjs';
import { throughput } from './throughput.mjs';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'throughput,team,channels,start,sessions,streams,lists' },
    secs: { type: 'string', default: '5' },
    connections: { type: 'string', default: '16' },
    rounds: { type: 'string', default: '2' },
    sessions: { type: 'string', default: '10000' },
    streams: { type: 'string', default: '2000' },
    redis: { type: 'boolean', default: false },
  },
});
// What Redis costs, and what replicas do (scale), is asked for, as it needs one.
const only = values.redis ? ['redis'] : values.only.split(',');
const secs = Number(values.secs);
const connections = Number(values.connections);
// Below those that the system gives to clients, of which there are thousands.
const port = 20_000 + Math.floor(Math.random() * 11_000);

console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0].model}`);
if (only.includes('throughput')) await throughput({ secs, connections, rounds: Number(values.rounds), port });
if (only.includes('team')) await team({ secs, connections, rounds: Number(values.rounds), port: port + 500 });
if (only.includes('channels')) await channels({ secs, connections, rounds: Number(values.rounds), port: port + 700 });
if (only.includes('start')) await coldStart({ port: port + 100, runs: 7 });
if (only.includes('sessions')) await sessions({ port: port + 200, count: Number(values.sessions) });
if (only.includes('streams')) await streams({ port: port + 300, count: Number(values.streams) });
if (only.includes('lists')) await lists({ port: port + 400, secs, connections, counts: [5, 50, 500] });
if (only.includes('redis')) await redisCost({ secs, connections, rounds: Number(values.rounds), port: port + 500 });
if (only.includes('scale'))
  await scale({ secs, connections, rounds: Number(values.rounds), port: port + 600, count: Number(values.sessions) });
