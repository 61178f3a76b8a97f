export {
  Resource,
  type ResourceAnnotations,
  type ResourceOptions,
  ResourceTemplate,
  type ResourceTemplateOptions,
} from './resource.decorator.js';
export { type RegisteredResource, type RegisteredResourceTemplate, ResourceRegistry } from './resource-registry.js';
export { ResourcesModule } from './resources.module.js';
