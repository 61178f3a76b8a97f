import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { loadRest, loadServerRest, type RestParts } from './admin/index.js';
import { AuditModule } from './audit/index.js';
import { AuthModule } from './auth/index.js';
import { Clock, Lifecycle, SystemClock } from './common/index.js';
import { AppConfig, ConfigModule, type ConfigOverrides, type ConfigSource } from './config/index.js';
import { DispatchModule, LiveServerFacts } from './dispatch/index.js';
import { HealthIndicators } from './health/index.js';
import { LimitsModule } from './limits/index.js';
import { MetricsModule } from './metrics/index.js';
import { PromptsModule } from './prompts/index.js';
import { ResourcesModule } from './resources/index.js';
import { SessionModule } from './session/index.js';
import { type StoreBackend, StoreModule } from './store/index.js';
import { DefinedTools, EnhancerOptions, type Plugin, ServerFacts, ToolsModule } from './tools/index.js';
import { needsHttp, TransportModule } from './transport/index.js';

/** What `GatehouseModule.forRoot` takes. Of REST it serves what is asked for: a host application has routes of its own. */
export interface GatehouseOptions extends RestParts {
  /** Settings, by group; what is left out has its default. The environment is not read: the host application decides. */
  readonly settings?: ConfigOverrides;
  /** Tools without decorators. */
  readonly tools?: DefinedTools['tools'][number]['tool'][];
  /** Whether guards, interceptors, pipes and filters that the application sets for everything run on tools too. */
  readonly applyGlobalEnhancers?: boolean;
}

/** Gatehouse as one module: import it in a Nest application, and call `attachGatehouse(app)` before `listen`. */
@Module({})
export class GatehouseModule {
  /** @throws StartError the settings have faults */
  static forRoot(options: GatehouseOptions = {}): DynamicModule {
    const settings = { ...options.settings, server: { transports: ['http'] as const, ...options.settings?.server } };
    const tools = (options.tools ?? []).map((tool) => ({ tool, origin: `GatehouseModule.forRoot, tool ${tool.name}` }));
    const config = AppConfig.of(settings);
    const { health, metrics, admin } = options;
    const rest = (health ?? metrics ?? admin) ? [loadRest(config, { health, metrics, admin })] : [];
    return compose(config, { tools, applyGlobalEnhancers: options.applyGlobalEnhancers ?? false }, rest);
  }

  /**
   * The server of the command line: settings from everywhere, tools from plug-ins.
   * @param state closed with the application
   * @param source where the settings can be read again
   */
  static forServer(
    config: AppConfig,
    plugins: readonly Plugin[],
    state: StoreBackend,
    source?: ConfigSource,
  ): DynamicModule {
    const tools = plugins.flatMap(({ source, tools: defined }) => defined.map((tool) => ({ tool, origin: source })));
    const wired = plugins.flatMap(pluginModule);
    // Loaded only where somebody can reach it: on stdio the server starts without.
    const rest = servesHttp(config) ? [loadServerRest(config)] : [];
    return compose(config, { tools, applyGlobalEnhancers: false, state, source }, [...wired, ...rest]);
  }
}

/** Whether a server has a port by which REST is reached: that of the HTTP listener, or one of its own. */
export function servesHttp(config: AppConfig): boolean {
  const { server, metrics } = config;
  return (
    needsHttp(config) || server.managementPorts.length > 0 || (metrics.enabled && metrics.prometheusPort !== undefined)
  );
}

interface Composition {
  readonly tools: DefinedTools['tools'];
  readonly applyGlobalEnhancers: boolean;
  readonly state?: StoreBackend;
  readonly source?: ConfigSource | undefined;
}

function compose(
  config: AppConfig,
  given: Composition,
  more: NonNullable<ModuleMetadata['imports']> = [],
): DynamicModule {
  return {
    module: GatehouseModule,
    global: true,
    imports: [
      ConfigModule.forRoot(config, given.source),
      MetricsModule,
      StoreModule.forRoot(given.state ? { state: given.state } : {}),
      AuditModule,
      AuthModule,
      LimitsModule,
      SessionModule,
      ToolsModule,
      ResourcesModule,
      PromptsModule,
      DispatchModule,
      TransportModule,
      ...more,
    ],
    providers: [
      { provide: Clock, useClass: SystemClock },
      Lifecycle,
      HealthIndicators,
      { provide: DefinedTools, useValue: { tools: given.tools } satisfies DefinedTools },
      {
        provide: EnhancerOptions,
        useValue: { applyGlobalEnhancers: given.applyGlobalEnhancers } satisfies EnhancerOptions,
      },
      { provide: ServerFacts, useClass: LiveServerFacts },
    ],
    // What plug-ins may inject without importing a module of ours.
    exports: [Clock, DefinedTools, DispatchModule, EnhancerOptions, HealthIndicators, Lifecycle, ServerFacts],
  };
}

/** A plug-in's modules as they are, and its provider classes in a module of their own. */
function pluginModule({ modules, providers }: Plugin): NonNullable<ModuleMetadata['imports']> {
  if (providers.length === 0) return [...modules];
  class PluginProviders {}
  return [...modules, { module: PluginProviders, providers: [...providers] }];
}
