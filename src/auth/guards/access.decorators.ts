import { applyDecorators, Controller, SetMetadata, UseGuards } from '@nestjs/common';
import type { Permission } from '../roles/permission.js';
import { AccessGuard } from './access.guard.js';
import { ACCESS, type AccessRule } from './access-rule.js';

/**
 * Of a tool, resource, prompt or REST route: for callers with one of these roles, or with a role that inherits one.
 * @param roles at least one
 */
export function Roles(...roles: readonly [string, ...string[]]): MethodDecorator & ClassDecorator {
  return declare({ roles });
}

/**
 * Of a tool, resource, prompt or REST route: for credentials that have all of these scopes. A credential that is not
 * limited by scopes, such as an API key, has them all.
 * @param scopes at least one
 */
export function Scopes(...scopes: readonly [string, ...string[]]): MethodDecorator & ClassDecorator {
  return declare({ scopes });
}

/** Of a tool, resource or prompt: for every caller, whatever their roles. Of a REST route: without a credential. */
export function Public(): MethodDecorator & ClassDecorator {
  return declare({ isPublic: true });
}

/** Of a REST route: for every caller that the door lets in, whatever their roles; what they find there may depend on them. */
export function AnyCaller(): MethodDecorator & ClassDecorator {
  return declare({ isForAnyCaller: true });
}

/** Of a REST route: for callers whose roles have the permission. */
export function RequiresPermission(permission: Permission): MethodDecorator & ClassDecorator {
  return declare({ permission });
}

/**
 * A controller of Gatehouse's own: behind the guard, which refuses every route that declares no rule. Controllers of a
 * host application are not, and stay as they are.
 */
export function GatehouseController(path = ''): ClassDecorator {
  return applyDecorators(Controller(path), UseGuards(AccessGuard), SetMetadata(OWN_CONTROLLER, true));
}

/** Metadata key of the controllers that are ours. */
export const OWN_CONTROLLER = Symbol.for('mcp-gatehouse.controller');

/** Adds to what other decorators of the same place have said. */
function declare(rule: AccessRule): MethodDecorator & ClassDecorator {
  return (target: object, _key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const place = (descriptor?.value ?? target) as object;
    const before = Reflect.getOwnMetadata(ACCESS, place) as AccessRule | undefined;
    Reflect.defineMetadata(ACCESS, { ...before, ...rule }, place);
  };
}
