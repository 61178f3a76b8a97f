// Does what the Dockerfile says, without a container engine: `node scripts/image-steps.mjs <new folder>`.
// Each stage gets a folder of its own as its root. COPY copies what .dockerignore lets through, RUN runs what begins
// with npm under the Node of FROM; what concerns the operating system (apt-get, owners, USER) is left out and named.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeOf } from './tools.mjs';

const project = join(import.meta.dirname, '..');

/**
 * @param folder new or empty; holds the stages afterwards
 * @returns the last stage: its root, the Node it runs under, and what its Dockerfile sets
 */
export async function buildImage(folder) {
  const stages = stagesOf(await readFile(join(project, 'Dockerfile'), 'utf8'));
  const allowed = allowList(await readFile(join(project, '.dockerignore'), 'utf8'));
  const built = new Map();
  // All begin at once: a stage that copies from another waits for it there.
  for (const [index, { name, image, steps }] of stages.entries()) {
    const stage = {
      root: join(folder, name ?? `stage-${index}`),
      node: nodeOfImage(image),
      allowed,
      built,
      ...EMPTY(),
    };
    built.set(name ?? String(index), build(stage, steps));
  }
  return (await Promise.all(built.values())).at(-1);
}

const EMPTY = () => ({ workdir: '/', env: {}, labels: {}, volumes: [], skipped: [] });

async function build(stage, steps) {
  await mkdir(stage.root, { recursive: true });
  for (const { instruction, text } of steps) {
    const step = STEPS[instruction];
    if (!step) throw new Error(`Dockerfile: ${instruction} is not known to scripts/image-steps.mjs`);
    await step(stage, text);
  }
  return stage;
}

const STEPS = {
  WORKDIR: (stage, text) => {
    stage.workdir = posix.resolve(stage.workdir, text);
    return mkdir(join(stage.root, stage.workdir), { recursive: true });
  },
  COPY: copy,
  RUN: (stage, text) => (text.startsWith('npm ') ? run(stage, text) : void stage.skipped.push(`RUN ${text}`)),
  ENV: (stage, text) => void Object.assign(stage.env, pairsOf(text)),
  LABEL: (stage, text) => void Object.assign(stage.labels, pairsOf(text)),
  VOLUME: (stage, text) => void stage.volumes.push(...JSON.parse(text)),
  EXPOSE: (stage, text) => void (stage.port = Number(text)),
  USER: (stage, text) => void (stage.user = text),
  STOPSIGNAL: (stage, text) => void (stage.stopSignal = text),
  HEALTHCHECK: (stage, text) => void (stage.healthcheck = JSON.parse(text.slice(text.indexOf('CMD ') + 4))),
  ENTRYPOINT: (stage, text) => void (stage.entrypoint = JSON.parse(text)),
  CMD: (stage, text) => void (stage.cmd = JSON.parse(text)),
};

/** Lines joined where they end in a backslash, cut at each FROM. */
function stagesOf(text) {
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');
  const stages = [];
  for (const line of lines.filter((one) => one.trim() !== '')) {
    const [, instruction, rest] = /^(\w+)\s+(.*)$/.exec(line.trim());
    if (instruction === 'FROM') {
      const [image, , name] = rest.split(/\s+/);
      stages.push({ image, name, steps: [] });
    } else {
      stages.at(-1).steps.push({ instruction, text: rest.trim() });
    }
  }
  return stages;
}

/** `node:24-slim` runs under the newest Node 24 that npm has. */
function nodeOfImage(image) {
  return nodeOf(Number(/^node:(\d+)-slim$/.exec(image)[1]));
}

/** The names behind the exclamation marks: the file refuses everything first. */
function allowList(text) {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.shift() !== '*') throw new Error('.dockerignore must begin with *');
  return new Set(lines.map((line) => line.replace(/^!/, '')));
}

async function copy(stage, text) {
  const words = text.split(/\s+/);
  const from = words[0].startsWith('--from=') ? words.shift().slice('--from='.length) : undefined;
  const target = words.pop();
  for (const word of words) {
    const source = from ? join((await stage.built.get(from)).root, word) : contextPath(stage, word);
    const isFolder = (await stat(source)).isDirectory();
    const place = join(stage.root, posix.resolve(stage.workdir, target));
    const intoFolder = !isFolder && (target.endsWith('/') || words.length > 1);
    await cp(source, intoFolder ? join(place, basename(source)) : place, { recursive: true, verbatimSymlinks: true });
  }
}

function contextPath({ allowed }, path) {
  if (!allowed.has(path)) throw new Error(`COPY ${path}: .dockerignore keeps it out`);
  return join(project, path);
}

/** Runs a command in the stage, as the image would: under its Node, and not in the mode of whoever runs this. */
function run({ root, workdir, node, env }, command) {
  const surroundings = { ...process.env, ...env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  for (const name of ['NODE_ENV', 'NODE_OPTIONS']) if (!(name in env)) delete surroundings[name];
  const child = spawn('sh', ['-c', command], {
    cwd: join(root, workdir),
    env: surroundings,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`RUN ${command}: exit code ${code}\n${output}`)),
    );
  });
}

/** `A=1 B="two words"` */
function pairsOf(text) {
  return Object.fromEntries(
    [...text.matchAll(/([\w.-]+)=(?:"([^"]*)"|(\S+))/g)].map(([, key, quoted, plain]) => [key, quoted ?? plain]),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = process.argv[2];
  if (!folder || existsSync(folder)) {
    console.error('Usage: node scripts/image-steps.mjs <new folder>');
    process.exit(64);
  }
  const { root, node, entrypoint, cmd, skipped } = await buildImage(folder);
  for (const step of skipped) console.log(`left out: ${step}`);
  console.log(`${root} is what the image holds; it would run ${[...entrypoint, ...cmd].join(' ')} (${node})`);
}
