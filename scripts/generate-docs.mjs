// Writes what the code knows best: .env.example, docs/configuration.md and docs/errors.md from the built dist, and
// docs/transports.md and docs/requirements.md from the names of tests.
// With --check it writes nothing and exits 1 when one of them differs (W-43).
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES } from '../dist/common/index.js';
import { renderConfigurationDoc, renderEnvExample } from '../dist/config/index.js';
import { renderRequirementsDoc } from './requirements.mjs';
import { renderTransportsDoc } from './transports-doc.mjs';

const ERRORS_HEADER = `# Errors

<!-- Generated from ERROR_CODES by scripts/generate-docs.mjs: edit src/common/errors/error-codes.ts instead. -->

\`kind\` is the only stable name of an error: it stands in \`error.data.kind\`. The JSON-RPC code is the legacy one in the
revisions up to 2025-11-25, and the modern one in 2026-07-28. The HTTP status holds where the fault is all there is to
answer. A retryable error may succeed later with the same request.

| Kind | Legacy code | Modern code | HTTP status | Retryable | When |
| --- | --- | --- | --- | --- | --- |
`;

function renderErrorsDoc() {
  const rows = Object.entries(ERROR_CODES).map(
    ([kind, { legacy, modern, http, retryable, when }]) =>
      `| \`${kind}\` | ${legacy} | ${modern} | ${http} | ${retryable ? 'yes' : 'no'} | ${when} |\n`,
  );
  return ERRORS_HEADER + rows.join('');
}

const FILES = {
  '.env.example': renderEnvExample(),
  'docs/configuration.md': renderConfigurationDoc(),
  'docs/errors.md': renderErrorsDoc(),
  'docs/transports.md': renderTransportsDoc(),
  'docs/requirements.md': renderRequirementsDoc(),
};

const check = process.argv.includes('--check');
for (const [name, text] of Object.entries(FILES)) {
  const path = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const present = await readFile(path, 'utf8').catch(() => '');
  if (present === text) continue;
  if (check) {
    console.error(`${name} differs from the code: run node scripts/generate-docs.mjs and commit it`);
    process.exitCode = 1;
  } else {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    console.log(`${name} written`);
  }
}
