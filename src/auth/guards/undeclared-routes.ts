import { PATH_METADATA, METHOD_METADATA } from '@nestjs/common/constants.js';
import { OWN_CONTROLLER } from './access.decorators.js';
import { accessRuleOf } from './access-rule.js';

/** A controller as Nest knows it. */
type ControllerClass = abstract new (...args: never[]) => object;

/**
 * Walks the routes of controllers.
 * @returns those that are not behind the guard, or declare no rule: `HealthController.live`
 */
export function undeclaredRoutes(controllers: readonly ControllerClass[]): readonly string[] {
  return controllers.flatMap((type) =>
    routesOf(type).flatMap(([name, handler]) => {
      const isOwn = Reflect.getMetadata(OWN_CONTROLLER, type) === true;
      return isOwn && accessRuleOf(handler, type) ? [] : [`${type.name}.${name}`];
    }),
  );
}

function routesOf(type: ControllerClass): readonly (readonly [string, object])[] {
  const prototype = type.prototype as Record<string, unknown>;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = Object.getOwnPropertyDescriptor(prototype, name)?.value as unknown;
    const isRoute =
      typeof handler === 'function' &&
      Reflect.hasMetadata(PATH_METADATA, handler) &&
      Reflect.hasMetadata(METHOD_METADATA, handler);
    return isRoute ? [[name, handler] as const] : [];
  });
}
