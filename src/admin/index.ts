import type { DynamicModule, INestApplication } from '@nestjs/common';
import type { AppConfig } from '../config/index.js';
import { loadHealth, loadManagement } from '../health/index.js';

/** Which parts of the REST surface an application serves. */
export interface RestParts {
  /** `/health`, `/health/live`, `/health/ready`. */
  readonly health?: boolean | undefined;
  /** `/metrics`. */
  readonly metrics?: boolean | undefined;
  /** `/admin`. */
  readonly admin?: boolean | undefined;
}

/**
 * The REST surface of a host application: the parts that it wants, beside its own routes. What they need is loaded with
 * them.
 */
export async function loadRest(config: AppConfig, parts: RestParts): Promise<DynamicModule> {
  const { RestModule } = await import('./rest/rest.module.js');
  const { ADMIN_CONTROLLERS, AdminModule } = await import('./admin.module.js');
  const { MetricsController } = await import('./metrics/metrics.controller.js');
  const { MetricsHttpModule, MetricsReportModule } = await import('./metrics/metrics-http.module.js');
  const controllers = [
    ...(parts.admin ? ADMIN_CONTROLLERS : []),
    ...(parts.metrics && config.metrics.enabled ? [MetricsController] : []),
  ];
  return {
    module: RestSurface,
    imports: [
      RestModule.forRoot(controllers),
      ...(parts.health ? [await loadHealth()] : []),
      ...(parts.metrics ? [MetricsReportModule, await MetricsHttpModule.forRoot(config)] : []),
      ...(parts.admin ? [AdminModule] : []),
      ...(parts.health || parts.metrics ? [await loadManagement()] : []),
    ],
  };
}

/** The whole REST surface, and what stands at the root of a server of our own. */
export async function loadServerRest(config: AppConfig): Promise<DynamicModule> {
  const { RestModule } = await import('./rest/rest.module.js');
  const { AdminModule } = await import('./admin.module.js');
  const { MetricsHttpModule, MetricsReportModule } = await import('./metrics/metrics-http.module.js');
  const { SeedModule } = await import('./seed/seed.module.js');
  return {
    module: RestSurface,
    imports: [
      RestModule.forRoot('all'),
      await loadHealth(),
      MetricsReportModule,
      await MetricsHttpModule.forRoot(config),
      AdminModule,
      SeedModule,
      await loadManagement(),
    ],
  };
}

/** Lets `/docs` describe an application. To be called once it is up. */
export async function describeApi(app: INestApplication): Promise<void> {
  const { OpenApiDocument } = await import('./docs/open-api-document.js');
  app.get(OpenApiDocument, { strict: false }).describe(app);
}

class RestSurface {}
