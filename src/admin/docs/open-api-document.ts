import { type INestApplication, Injectable } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { VERSION } from '../../common/index.js';

/** The REST surface, described: made when it is first asked for, as few ever ask. */
@Injectable()
export class OpenApiDocument {
  private app: INestApplication | undefined;
  private made: OpenAPIObject | undefined;

  /** Says which application is described: one that is up knows all its routes. */
  describe(app: INestApplication): void {
    this.app = app;
  }

  /** @throws Error nobody said which application */
  get document(): OpenAPIObject {
    return (this.made ??= this.make());
  }

  private make(): OpenAPIObject {
    if (!this.app) throw new Error('There is no application to describe');
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
