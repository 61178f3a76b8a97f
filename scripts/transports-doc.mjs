// docs/transports.md: what each door guarantees, each word of it backed by a test that is there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { testNamesOf } from './test-names.mjs';
import { DOORS, GUARANTEES } from './transports.mjs';

/** What the contract suite knows of doors. */
const REGISTRY = 'test/support/doors.ts';

const HEADER = `# Transports

<!-- Generated from scripts/transports.mjs by scripts/generate-docs.mjs, which fails where a test is not there. -->

Five doors, one server behind them: what is promised does not depend on the door, and where a door differs the table says
how. Below it stands the test of each cell. Tests of the contract suite run at the door with every revision and client that
it serves, plain, and for one revision of each era with TLS; every message is held against the schema of its revision.

`;

/** @throws Error names each test that is told of and is not there */
export function renderTransportsDoc() {
  const faults = GUARANTEES.flatMap(faultsOf);
  if (faults.length > 0) throw new Error(`docs/transports.md would promise what no test shows:\n${faults.join('\n')}`);
  const head = ['', 'Guarantee', ...Object.values(DOORS)];
  const rows = GUARANTEES.map(({ title, cells }, at) => [
    at + 1,
    title,
    ...doors().map((door) => wordsOf(cells[door])),
  ]);
  const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');
  return `${HEADER}${table}\n## Tests\n${GUARANTEES.map(renderTests).join('')}`;
}

function doors() {
  return Object.keys(DOORS);
}

function wordsOf({ says, why }) {
  return why === undefined ? says : `– (${why})`;
}

function renderTests({ title, cells }, at) {
  const shown = new Map();
  for (const door of doors()) {
    if (cells[door].why !== undefined) continue;
    const test = testOf(cells[door]);
    shown.set(test, [...(shown.get(test) ?? []), DOORS[door]]);
  }
  const lines = [...shown].map(([test, names]) => `- ${names.join(', ')}: ${test}\n`);
  return `\n### ${at + 1}. ${title}\n\n${lines.join('')}`;
}

function testOf({ file, name }) {
  return `“${name}” (\`${file}\`)`;
}

function faultsOf({ title, cells }) {
  return doors().flatMap((door) => {
    const cell = cells[door];
    if (!cell) return [`${title}: nothing is said of ${door}`];
    if (cell.why !== undefined) return [];
    if (!testNamesOf(cell.file).has(cell.name)) return [`${title}, ${door}: no test ${testOf(cell)}`];
    if (cell.isContract && !contractDoors().has(door)) return [`${title}: the contract suite has no door ${door}`];
    return [];
  });
}

/** Names of the properties of DOORS in the registry. */
function contractDoors() {
  const text = readFileSync(join(import.meta.dirname, '..', REGISTRY), 'utf8');
  const source = ts.createSourceFile(REGISTRY, text, ts.ScriptTarget.Latest);
  const declared = source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .find(({ name }) => ts.isIdentifier(name) && name.text === 'DOORS');
  let value = declared?.initializer;
  while (value && !ts.isObjectLiteralExpression(value)) value = value.expression;
  return new Set(value?.properties.map(({ name }) => name.text));
}
