// docs/requirements.md: which tests name which requirement, so that none is lost without anybody seeing it.
import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { testNamesOf } from './test-names.mjs';

const ROOT = join(import.meta.dirname, '..');
const TESTS = /^src\/.+\.spec\.ts$|^test\/.+\.e2e-spec\.ts$|^test\/contract\/.+\.ts$/;

/** Each family with the numbers that there are: a number that was never given is not among them. */
const FAMILIES = {
  S0: {
    about: 'one server, many clients',
    numbers: [
      [1, 24],
      [27, 31],
    ],
  },
  S1: { about: 'servers with chosen tools, and a client of many', numbers: [[1, 47]] },
  S2: { about: 'agents over WebSocket and TCP', numbers: [[1, 39]] },
  S3: { about: 'one session for each client', numbers: [[1, 33]] },
  S4: { about: 'command tools, limits, health and metrics', numbers: [[1, 54]] },
  W: {
    about: 'what earlier systems did unsafely',
    numbers: [
      [1, 39],
      [41, 43],
    ],
  },
  K: { about: 'where earlier systems disagree', numbers: [[1, 40]] },
};

/** Requirements that no test of this suite can name, and why. One that a test names must not stand here. */
const NEEDS_NONE = {
  'S0-24': 'a document',
  'S1-39': 'a document: docs/proxies.md, whose nginx.conf the tests of proxies run',
  'S3-28': 'npm run lint and npm run typecheck in CI',
  'S3-32': 'documents and manifests, which have tests of their own',
};

const HEADER = `# Requirements and their tests

<!-- Generated from the names of tests by scripts/generate-docs.mjs, which fails where this file differs. -->

Every requirement has a number, and a test that shows it has the number in its name. S0 to S4 are what five earlier systems
could do, W what they did unsafely, K what was decided where they disagree. A test that is renamed or lost changes this
page, and with it the build.

`;

/** @throws Error names each reason that stands for a requirement which a test names */
export function renderRequirementsDoc() {
  const files = filesByNumber();
  const stale = Object.keys(NEEDS_NONE).filter((number) => files.has(number));
  if (stale.length > 0) throw new Error(`scripts/requirements.mjs says that no test names ${stale.join(', ')}`);
  const unnamed = allNumbers().filter((number) => !files.has(number));
  const open = unnamed.filter((number) => !(number in NEEDS_NONE));
  const counts = `${allNumbers().length} requirements: ${files.size} are named by tests, ${unnamed.length} are not.\n`;
  const reasons = Object.entries(NEEDS_NONE).map(([number, why]) => `| ${number} | ${why} |\n`);
  return [
    HEADER,
    counts,
    ...Object.keys(FAMILIES).map((family) => renderFamily(family, files)),
    `\n## Named by no test\n\n${open.length > 0 ? open.join(', ') : 'None.'}\n`,
    `\n## Shown by other means\n\n| | By |\n| --- | --- |\n`,
    ...reasons,
  ].join('');
}

function renderFamily(family, files) {
  const rows = numbersOf(family)
    .filter((number) => files.has(number))
    .map((number) => `| ${number} | ${[...files.get(number)].map((file) => `\`${file}\``).join(', ')} |\n`);
  return `\n## ${family}: ${FAMILIES[family].about}\n\n| | Tests |\n| --- | --- |\n${rows.join('')}`;
}

/** Of each number the files with a test that names it, in their order. */
function filesByNumber() {
  const known = new Set(allNumbers());
  const found = new Map();
  for (const file of testFiles()) {
    for (const number of new Set([...testNamesOf(file)].flatMap(numbersIn))) {
      if (!known.has(number)) throw new Error(`${file} names ${number}, which is no requirement`);
      found.set(number, [...(found.get(number) ?? []), file]);
    }
  }
  return found;
}

function testFiles() {
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((name) => `${folder}/${name.replaceAll(sep, '/')}`),
  );
  return files.filter((file) => TESTS.test(file)).sort();
}

/** @returns numbers as they stand in the name of a test: `S2-17`, `K-9`, and those between for `S2-7..S2-19` */
function numbersIn(name) {
  const mentions = name.matchAll(/\b(S[0-4]|W|K)-(\d+)(?:\.\.(?:\1-)?(\d+))?/g);
  return [...mentions].flatMap(([, family, from, to = from]) => spread(family, [Number(from), Number(to)]));
}

function allNumbers() {
  return Object.keys(FAMILIES).flatMap(numbersOf);
}

function numbersOf(family) {
  return FAMILIES[family].numbers.flatMap((range) => spread(family, range));
}

function spread(family, [from, to]) {
  return Array.from({ length: to - from + 1 }, (_each, at) => `${family}-${from + at}`);
}
