// The names of tests, as they stand in their sources.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
const known = new Map();

/**
 * What the tests of a file are called: first arguments of `it`, `it.each(…)` and `describe`, and the `name` of behaviours,
 * which are data with a `spec`. Of a template the text stands as it is written.
 * @param file path from the root of the project
 */
export function testNamesOf(file) {
  if (!known.has(file)) known.set(file, namesIn(readFileSync(join(root, file), 'utf8'), file));
  return known.get(file);
}

function namesIn(text, file) {
  const names = new Set();
  const visit = (node) => {
    const name = nameOf(node);
    if (name && ts.isStringLiteralLike(name)) names.add(name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return names;
}

function nameOf(node) {
  if (ts.isObjectLiteralExpression(node) && propertyOf(node, 'spec')) return propertyOf(node, 'name');
  if (ts.isCallExpression(node) && isTest(node.expression)) return node.arguments[0];
  return undefined;
}

function propertyOf(object, name) {
  const property = object.properties.find((each) => ts.isPropertyAssignment(each) && each.name.text === name);
  return property?.initializer;
}

/** Whether it is `it`, `it.each`, `it.each(…)`, `it.each<…>(…)`, or the same of `describe`. */
function isTest(callee) {
  if (ts.isIdentifier(callee)) return callee.text === 'it' || callee.text === 'describe';
  if (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee)) return isTest(callee.expression);
  return false;
}
