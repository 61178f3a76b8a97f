// Holds manifests against the schemas of Kubernetes and of the Prometheus operator: values by the validators that
// kubernetes-models generates from their OpenAPI, and names by its types, as those schemas let any other name pass.
//   node test/chart/validate-manifests.mjs < manifests.json    prints what is wrong, a line each, and ends with 1
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { npmTool } from '../../scripts/tools.mjs';

const folder = npmTool('kubernetes-schemas', [
  'kubernetes-models@5.1.0',
  '@kubernetes-models/prometheus-operator@6.0.0',
]);

/** The package's module of a kind, as it is imported. */
function moduleOf({ apiVersion, kind }) {
  const name = apiVersion.startsWith('monitoring.coreos.com/')
    ? '@kubernetes-models/prometheus-operator'
    : 'kubernetes-models';
  return `${name}/${apiVersion}/${kind}`;
}

async function faultsOfValues(manifest) {
  const { kind } = manifest;
  const path = join(folder, 'node_modules', `${moduleOf(manifest)}.js`);
  const { [kind]: Model } = await import(pathToFileURL(path).href);
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${kind} ${manifest.metadata.name}: ${error.message}`];
  }
}

function faultsOfNames(manifests) {
  const file = join(folder, `manifests-${process.pid}.ts`);
  const lines = manifests.map((manifest, at) => {
    const type = `I${manifest.kind}`;
    return `import type { ${type} as T${at} } from '${moduleOf(manifest)}';\nexport const m${at}: T${at} = ${JSON.stringify(manifest)};`;
  });
  writeFileSync(file, lines.join('\n'));
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  });
  const found = ts.getPreEmitDiagnostics(program);
  rmSync(file);
  return found.map(({ messageText, start, file: source }) => {
    const at = source && start !== undefined ? source.getLineAndCharacterOfPosition(start).line >> 1 : undefined;
    const { kind, metadata } = manifests[at] ?? { kind: 'TypeScript', metadata: { name: 'itself' } };
    return `${kind} ${metadata.name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

const manifests = JSON.parse(readFileSync(0, 'utf8'));
const faults = [...(await Promise.all(manifests.map(faultsOfValues))).flat(), ...faultsOfNames(manifests)];
if (faults.length > 0) {
  console.log(faults.join('\n'));
  process.exit(1);
}
