import type { IncomingMessage, ServerResponse } from 'node:http';
import { Get, Inject, Optional, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '../docs/api-decorators.js';
import { RequiresPermission } from '../../auth/index.js';
import { MetricsExport } from '../../metrics/index.js';
import { RestController } from '../rest/rest-controller.decorator.js';
import { MetricsReport } from './metrics-report.js';

/** The figures of the server, as Prometheus takes them or as JSON (K-20, S4-8). */
@ApiTags('server')
@RestController('metrics')
export class MetricsController {
  constructor(
    private readonly figures: MetricsReport,
    @Optional() @Inject(MetricsExport) private readonly text: MetricsExport | undefined,
  ) {}

  @ApiOperation({ summary: 'Figures as text for Prometheus; as JSON with ?format=json or Accept: application/json' })
  @ApiQuery({ name: 'format', required: false, enum: ['json', 'text'] })
  @RequiresPermission('read:metrics')
  @Get()
  async show(
    @Query('format') format: string | undefined,
    @Req() req: IncomingMessage,
    @Res() res: ServerResponse,
  ): Promise<void> {
    if (this.text && !wantsJson(format, req)) {
      const text = await this.text.text();
      res.setHeader('Content-Type', this.text.contentType);
      res.end(text);
      return;
    }
    const body = JSON.stringify(await this.figures.report());
    res.setHeader('Content-Type', 'application/json');
    res.end(body);
  }
}

/** Prometheus itself lists types of its own before any other. */
function wantsJson(format: string | undefined, { headers }: IncomingMessage): boolean {
  if (format !== undefined) return format === 'json';
  return headers.accept?.split(',')[0]?.split(';')[0]?.trim().toLowerCase() === 'application/json';
}
