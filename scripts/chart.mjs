// Renders helm/gatehouse as `helm template` does, without Helm: its templates are run by Go's own text/template and
// Sprig, from Debian's packages, built once under .tools/ (docs/adr/0030).
//   node scripts/chart.mjs [-r release] [-n namespace] [-f values.yaml]... [--set a.b=c]... [--notes]
//   node scripts/chart.mjs --write    writes k8s/, the chart as plain manifests
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { debianFiles, exclusively } from './tools.mjs';

const root = join(import.meta.dirname, '..');
const CHART = join(root, 'helm', 'gatehouse');
const SOURCE = join(import.meta.dirname, 'helm-render', 'main.go');
const LIBRARIES = '/usr/share/gocode/src';

/** Names under which the manifests in k8s/ are rendered. */
export const PLAIN = { release: 'gatehouse', namespace: 'gatehouse' };

/** What of k8s/ is not of the default rendering: the alerts, for those who have the Prometheus operator. */
const RULES_FILE = 'prometheus-rules.yaml';

/**
 * @param options.chart folder of the chart, where it is not the one of the project
 * @param options.set values by path, such as `{ 'redis.enabled': true }`
 * @param options.files of values, later over earlier
 * @param options.apis that the cluster has besides its own, such as `monitoring.coreos.com/v1`
 * @returns its manifests, in the order of their files
 * @throws Error in the words of the schema of values, or of the template that fails
 */
export function renderChart(options = {}) {
  let source = '';
  return run(options, 'manifests')
    .split(/^---\n/m)
    .flatMap((text) => {
      // One file may hold several.
      source = /^# Source: gatehouse\/(\S+)/.exec(text)?.[1] ?? source;
      const body = text.replace(/^# Source: .*\n/, '');
      return body.trim() === '' ? [] : [{ source, text: body, manifest: parse(body) }];
    });
}

/** @returns what Helm says after an installation */
export function renderNotes(options = {}) {
  return run(options, 'notes');
}

/** The chart as plain manifests, by file name: what `kubectl apply --kustomize k8s` takes. */
export function plainManifests() {
  const about =
    '# The chart of helm/gatehouse with its default values: change that, and run "node scripts/chart.mjs --write".\n';
  const files = new Map();
  for (const { source, text, manifest } of renderChart(PLAIN)) {
    if (manifest.metadata.annotations?.['helm.sh/hook']) continue;
    const name = source.replace(/^templates\//, '');
    const before = files.get(name);
    files.set(name, before === undefined ? about + text : `${before}---\n${text}`);
  }
  const resources = [...files.keys()].map((name) => `  - ${name}\n`).join('');
  const head = 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: gatehouse\nresources:\n';
  return new Map([...files, ['kustomization.yaml', about + head + resources]]);
}

function run(options, show) {
  const {
    chart = CHART,
    release = PLAIN.release,
    namespace = PLAIN.namespace,
    files = [],
    set = {},
    apis = [],
  } = options;
  const args = [
    chart,
    ...['-r', release, '-n', namespace],
    ...files.flatMap((file) => ['-f', file]),
    ...Object.entries(set).flatMap(([path, value]) => ['--set', `${path}=${JSON.stringify(value)}`]),
    ...apis.flatMap((api) => ['--api', api]),
  ];
  checkValues(chart, JSON.parse(render([...args, '--show', 'values'])));
  return render([...args, '--show', show]);
}

function render(args) {
  const { status, stdout, stderr } = spawnSync(renderer(), args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(stderr.trim());
}

/** Helm refuses values that do not fit the schema before it looks at any template. */
function checkValues(chart, values) {
  const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(
    JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')),
  );
  if (validate(values)) return;
  const faults = validate.errors.map(({ instancePath, message, params }) =>
    [`values${instancePath.replaceAll('/', '.')} ${message}`, params.additionalProperty].filter(Boolean).join(': '),
  );
  throw new Error(faults.join('\n'));
}

/** @returns the path of the program, which is built where it is not there yet */
function renderer() {
  const digest = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 12);
  const folder = join(root, '.tools', 'helm-render');
  const program = join(folder, digest);
  if (!existsSync(program)) exclusively('helm-render', () => build(folder, program));
  return program;
}

function build(folder, program) {
  if (existsSync(program)) return;
  debianFiles(
    ['/usr/bin/go', `${LIBRARIES}/github.com/Masterminds/sprig`, `${LIBRARIES}/sigs.k8s.io/yaml`],
    ['golang-go', 'golang-github-masterminds-sprig-dev', 'golang-k8s-sigs-yaml-dev'],
  );
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' };
  const made = `${program}.${process.pid}`;
  execFileSync('/usr/bin/go', ['build', '-o', made, SOURCE], { stdio: 'inherit', env });
  renameSync(made, program);
}

function write() {
  const folder = join(root, 'k8s');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (name !== RULES_FILE) rmSync(join(folder, name));
  for (const [name, text] of plainManifests()) writeFileSync(join(folder, name), text);
}

function main() {
  const { values } = parseArgs({
    options: {
      release: { type: 'string', short: 'r', default: PLAIN.release },
      namespace: { type: 'string', short: 'n', default: PLAIN.namespace },
      file: { type: 'string', short: 'f', multiple: true, default: [] },
      set: { type: 'string', multiple: true, default: [] },
      api: { type: 'string', multiple: true, default: [] },
      notes: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  if (values.write) return write();
  const set = Object.fromEntries(
    values.set.map((pair) => [pair.slice(0, pair.indexOf('=')), parse(pair.slice(pair.indexOf('=') + 1))]),
  );
  const options = { release: values.release, namespace: values.namespace, files: values.file, set, apis: values.api };
  process.stdout.write(values.notes ? renderNotes(options) : run(options, 'manifests'));
}

if (argv[1] === fileURLToPath(import.meta.url)) main();
