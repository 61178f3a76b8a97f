import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { Get, Param, Res } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { Public, RequiresPermission } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { ApiExcludeController } from './api-decorators.js';
import { DOCS_POLICY, docsAsset } from './docs-assets.js';
import { OpenApiDocument } from './open-api-document.js';

/**
 * The description of the REST surface, and a page that shows it. The page holds nothing and is for everyone; it asks for
 * the description with a token, as no browser would send one by itself (W-33).
 */
@ApiExcludeController()
@RestController()
export class DocsController {
  constructor(private readonly api: OpenApiDocument) {}

  @RequiresPermission('read:docs')
  @Get('docs-json')
  document(): Promise<OpenAPIObject> {
    return this.api.document;
  }

  @Public()
  @Get('docs')
  async page(@Res() res: ServerResponse): Promise<void> {
    await send(res, '');
  }

  @Public()
  @Get('docs/:file')
  async file(@Param('file') file: string, @Res() res: ServerResponse): Promise<void> {
    await send(res, file);
  }
}

async function send(res: ServerResponse, name: string): Promise<void> {
  const asset = docsAsset(name);
  if (!asset) throw new ProtocolError('not_found', 'Not Found: the page has no such file.');
  const body = 'text' in asset ? asset.text : await readFile(asset.path);
  res.setHeader('Content-Security-Policy', DOCS_POLICY);
  res.setHeader('Content-Type', asset.type);
  res.end(body);
}
