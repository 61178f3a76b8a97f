import { type INestApplication, Injectable } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { VERSION } from '../../common/index.js';
import { loadSwagger } from './api-decorators.js';

/** The REST surface, described: made when it is first asked for, as few ever ask. */
@Injectable()
export class OpenApiDocument {
  private app: INestApplication | undefined;
  private made: Promise<OpenAPIObject> | undefined;

  /** Says which application is described: one that is up knows all its routes. */
  describe(app: INestApplication): void {
    this.app = app;
  }

  /** @throws Error nobody said which application */
  get document(): Promise<OpenAPIObject> {
    return (this.made ??= this.make());
  }

  private async make(): Promise<OpenAPIObject> {
    if (!this.app) throw new Error('There is no application to describe');
    const { DocumentBuilder, SwaggerModule } = await loadSwagger();
    const options = new DocumentBuilder()
      .setTitle('Gatehouse')
      .setDescription('REST beside the MCP endpoint: tools, health, metrics and management. Errors are RFC 9457.')
      .setVersion(VERSION)
      .addBearerAuth()
      .addSecurityRequirements('bearer')
      .build();
    return SwaggerModule.createDocument(this.app, options);
  }
}
