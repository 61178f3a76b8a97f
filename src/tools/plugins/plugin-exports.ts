import type { DynamicModule, Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import { isJsonObject } from '../../common/index.js';
import type { DefinedTool } from '../tool-options.js';
import type { Plugin } from './plugin.js';

/**
 * Sorts the default export of a plug-in: a Nest module, a provider class, a defined tool, or an array of these.
 * @throws Error it is none of them; the message is for the plug-in's author
 */
export function sortExports(source: string, exported: unknown): Plugin {
  const items = Array.isArray(exported) ? (exported as unknown[]) : [exported];
  if (items.length === 0) throw new Error('its default export is an empty array');
  return {
    source,
    modules: items.filter(isModule),
    providers: items.filter((item): item is Type => isClass(item) && !isModule(item)),
    tools: items.filter((item) => isDefinedTool(item)),
    ...refuseOthers(items),
  };
}

function refuseOthers(items: readonly unknown[]): object {
  for (const item of items) {
    if (isModule(item) || isClass(item) || isDefinedTool(item)) continue;
    const what = item === undefined ? 'missing' : `${item === null ? 'null' : typeof item}`;
    throw new Error(
      `its default export is ${what}: export a Nest module, a provider class, a defined tool, or an array of these`,
    );
  }
  return {};
}

function isClass(value: unknown): value is Type {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function isModule(value: unknown): value is Type | DynamicModule {
  if (isJsonObject(value)) return typeof value['module'] === 'function';
  return isClass(value) && Object.values(MODULE_METADATA).some((key) => Reflect.hasOwnMetadata(key, value));
}

function isDefinedTool(value: unknown): value is DefinedTool {
  return isJsonObject(value) && typeof value['name'] === 'string' && typeof value['run'] === 'function';
}
