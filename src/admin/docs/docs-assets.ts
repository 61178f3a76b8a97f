import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Files of Swagger UI that the page needs, by the name that it asks for, with their types. */
const FILES: ReadonlyMap<string, string> = new Map([
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['swagger-ui.css', 'text/css; charset=utf-8'],
]);

/** Begins the page: asks for the description with the token that was typed in, and keeps that nowhere. */
const SCRIPT = `'use strict';
const form = document.getElementById('access');
const note = document.getElementById('note');

async function show(token) {
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  const answer = await fetch('/docs-json', { headers });
  if (!answer.ok) {
    note.textContent = (await answer.json()).detail;
    form.hidden = false;
    return;
  }
  form.hidden = true;
  SwaggerUIBundle({
    spec: await answer.json(),
    dom_id: '#docs',
    requestInterceptor: (request) => {
      Object.assign(request.headers, headers, { 'X-Requested-With': 'docs' });
      return request;
    },
  });
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void show(document.getElementById('token').value.trim());
});
void show('');
`;

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Gatehouse REST</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <form id="access" hidden>
      <p id="note" role="status"></p>
      <label>Token <input id="token" type="password" autocomplete="off"></label>
      <button>Show</button>
    </form>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/page.js"></script>
  </body>
</html>
`;

/** Nothing from elsewhere, and nothing inline but styles, which Swagger UI sets on its elements. */
export const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** One file of the page. */
export type DocsAsset = { readonly type: string } & ({ readonly text: string } | { readonly path: string });

/** @param name as the page asks for it; the page itself is the empty name */
export function docsAsset(name: string): DocsAsset | undefined {
  if (name === '') return { type: 'text/html; charset=utf-8', text: PAGE };
  if (name === 'page.js') return { type: 'text/javascript; charset=utf-8', text: SCRIPT };
  const type = FILES.get(name);
  return type === undefined ? undefined : { type, path: join(uiFolder(), name) };
}

/** Swagger UI comes with Nest's own package for it. */
function uiFolder(): string {
  const ofSwagger = createRequire(import.meta.resolve('@nestjs/swagger'));
  return dirname(ofSwagger.resolve('swagger-ui-dist/package.json'));
}
