import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { callScope, principalOf, ToolWorld } from '../../test/support/tool-world.js';
import { ProtocolError } from '../common/index.js';
import type { Feature, FeatureScanner } from '../tools/index.js';
import { toResourceResult } from './resource-contents.js';
import { ResourceRegistry } from './resource-registry.js';
import {
  Resource,
  RESOURCE_METADATA,
  RESOURCE_TEMPLATE_METADATA,
  type ResourceOptions,
  ResourceTemplate,
  type ResourceTemplateOptions,
} from './resource.decorator.js';

type Run = Feature<unknown>['run'];
const feature = <Options>(options: Options, run: Run = () => 'text', methodName = 'method'): Feature<Options> => ({
  options,
  run,
  methodName,
  origin: `Spec.${methodName}`,
  firstParameter: undefined,
});

/** A registry over what a scan would have found. */
function registryOf(
  resources: readonly Feature<ResourceOptions>[],
  templates: readonly Feature<ResourceTemplateOptions>[] = [],
  world = new ToolWorld(),
): ResourceRegistry {
  const scans = new Map<symbol, object>([
    [RESOURCE_METADATA, { features: resources, faults: [] }],
    [RESOURCE_TEMPLATE_METADATA, { features: templates, faults: ['Spec.other: it is broken'] }],
  ]);
  const scanner = { scan: (key: symbol) => scans.get(key) } as unknown as FeatureScanner;
  return new ResourceRegistry(scanner, world.gate, world.runner);
}

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('ResourceRegistry: loading', () => {
  it('lists what it found in order, and passes on what was wrong', () => {
    const registry = registryOf(
      [feature({ uri: 'a://2' }, undefined, 'two'), feature({ uri: 'a://1', name: 'One' })],
      [feature({ uriTemplate: 'a://{id}' }, undefined, 'any')],
    );
    expect([registry.version, registry.resources()]).toEqual([0, []]);
    expect(registry.load()).toEqual(['Spec.other: it is broken']);
    expect(registry.version).toBe(1);
    expect(registry.resources().map(({ name, ordinal, options }) => [name, ordinal, options.uri])).toEqual([
      ['two', 0, 'a://2'],
      ['One', 1, 'a://1'],
    ]);
    expect(registry.templates().map(({ name, ordinal }) => [name, ordinal])).toEqual([['any', 0]]);
  });

  it('tells everything that is wrong', () => {
    const registry = registryOf(
      [feature({ uri: 'a://1' }), feature({ uri: 'a://1' }, undefined, 'again'), feature({ uri: 'relative' })],
      [
        feature({ uriTemplate: 'a://{id}' }),
        feature({ uriTemplate: 'a://{id}' }, undefined, 'again'),
        feature({ uriTemplate: 'a://{id' }),
      ],
    );
    expect(registry.load()).toEqual([
      'Spec.other: it is broken',
      'Spec.again: resource "a://1" is already defined by Spec.method',
      'Spec.method: "relative" is not an absolute URI',
      'Spec.again: resource template "a://{id}" is already defined by Spec.method',
      expect.stringMatching(/^Spec.method: "a:\/\/\{id" is not a URI template: /),
    ]);
    expect([registry.resources().length, registry.templates().length]).toEqual([1, 1]);
  });
});

describe('ResourceRegistry: reading', () => {
  it('S1-11 reads a resource by its URI', async () => {
    const run = jest.fn<Run>(() => 'words');
    const registry = registryOf([feature({ uri: 'a://1', mimeType: 'text/plain' }, run)]);
    registry.load();
    expect(await registry.read('a://1', callScope())).toEqual({
      contents: [{ uri: 'a://1', mimeType: 'text/plain', text: 'words' }],
    });
    expect(run).toHaveBeenCalledWith('a://1', expect.objectContaining({ requestId: 'req-1' }));
  });

  it('reads by the first template that fits, with its variables', async () => {
    const run = jest.fn<Run>(() => ({ ok: true }));
    const other = jest.fn<Run>();
    const registry = registryOf(
      [feature({ uri: 'repo://us/fixed' }, () => 'fixed')],
      [feature({ uriTemplate: 'repo://{owner}/{name}' }, run), feature({ uriTemplate: 'repo://{a}/{b}' }, other)],
    );
    registry.load();
    expect(await registry.read('repo://us/tools', callScope())).toEqual({
      contents: [{ uri: 'repo://us/tools', mimeType: 'application/json', text: '{"ok":true}' }],
    });
    expect(run).toHaveBeenCalledWith({ owner: 'us', name: 'tools' }, expect.anything(), 'repo://us/tools');
    expect(other).not.toHaveBeenCalled();
    expect(await registry.read('repo://us/fixed', callScope())).toMatchObject({ contents: [{ text: 'fixed' }] });
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('S1-12 names the URI that is not there', async () => {
    const registry = registryOf([], [feature({ uriTemplate: 'repo://{owner}/{name}' })]);
    registry.load();
    for (const uri of ['a://gone', 'repo://us', 'repo://us/a/b', '', `repo://us/${'x'.repeat(9_000)}`]) {
      await expect(registry.read(uri, callScope())).rejects.toMatchObject({
        kind: 'resource_not_found',
        message: `Resource not found: ${uri}`,
        data: { uri },
      });
    }
  });

  it('D-13 answers the same for what is not for the caller, be it a resource or of a template', async () => {
    const run = jest.fn<Run>(() => 'secret');
    const registry = registryOf(
      [feature({ uri: 'a://secret', roles: ['admin'] }, run)],
      [feature({ uriTemplate: 'repo://{owner}/{name}', roles: ['admin'] }, run)],
    );
    registry.load();
    for (const uri of ['a://secret', 'a://gone', 'repo://us/tools']) {
      const error = await registry.read(uri, callScope()).catch((thrown: unknown) => thrown as ProtocolError);
      expect(error).toMatchObject({ kind: 'resource_not_found', message: `Resource not found: ${uri}` });
      expect((error as ProtocolError).data).toEqual({ uri });
    }
    expect(run).not.toHaveBeenCalled();
    const admin = callScope({ principal: principalOf('admin') });
    expect(await registry.read('repo://us/tools', admin)).toMatchObject({ contents: [{ text: 'secret' }] });
  });

  it('counts and audits a template by its own name, not by what was asked for', async () => {
    const world = new ToolWorld();
    const registry = registryOf([], [feature({ uriTemplate: 'repo://{owner}/{name}' })], world);
    registry.load();
    await registry.read('repo://us/tools', callScope());
    await registry.read('repo://us/other', callScope());
    expect(world.outcomes('resource:repo://{owner}/{name}')).toEqual({ success: 2 });
    expect(world.audit.entries.map(({ target }) => target)).toEqual([
      'resource:repo://{owner}/{name}',
      'resource:repo://{owner}/{name}',
    ]);
  });

  it('hides the words of what is thrown', async () => {
    const registry = registryOf([feature({ uri: 'a://1' }, () => Promise.reject(new Error('password')))]);
    registry.load();
    await expect(registry.read('a://1', callScope())).rejects.toMatchObject({
      kind: 'internal',
      message: 'Internal error',
    });
  });
});

describe('toResourceResult', () => {
  const uri = 'a://1';

  it.each<[string, unknown, string | undefined, unknown]>([
    ['a text', 'x', undefined, [{ uri, text: 'x' }]],
    ['a text of a type', 'x', 'text/csv', [{ uri, mimeType: 'text/csv', text: 'x' }]],
    ['bytes', Buffer.from([1, 2]), 'image/png', [{ uri, mimeType: 'image/png', blob: 'AQI=' }]],
    ['an array of bytes', new Uint8Array([255]), undefined, [{ uri, blob: '/w==' }]],
    ['an object', { a: 1 }, undefined, [{ uri, mimeType: 'application/json', text: '{"a":1}' }]],
    [
      'an object of a type',
      { a: 1 },
      'application/geo+json',
      [{ uri, mimeType: 'application/geo+json', text: '{"a":1}' }],
    ],
    ['nothing', undefined, undefined, [{ uri, mimeType: 'application/json', text: 'null' }]],
    ['a number', 5, undefined, [{ uri, mimeType: 'application/json', text: '5' }]],
    ['an array of values', [1, 'x'], undefined, [{ uri, mimeType: 'application/json', text: '[1,"x"]' }]],
    ['contents', { text: 'x' }, 'text/plain', [{ uri, mimeType: 'text/plain', text: 'x' }]],
    [
      'contents of their own',
      { uri: 'b://2', mimeType: 'a/b', blob: 'AA==' },
      'text/plain',
      [{ uri: 'b://2', mimeType: 'a/b', blob: 'AA==' }],
    ],
    [
      'several contents',
      [{ text: 'x' }, { uri: 'b://2', text: 'y' }],
      undefined,
      [
        { text: 'x', uri },
        { uri: 'b://2', text: 'y' },
      ],
    ],
  ])('takes %s', (_name, value, mimeType, contents) => {
    expect(toResourceResult(value, uri, mimeType)).toEqual({ contents });
  });

  it('takes a whole result as it is', () => {
    const whole = { contents: [{ uri: 'b://2', text: 'x' }], _meta: { a: 1 } };
    expect(toResourceResult(whole, uri, 'text/plain')).toBe(whole);
  });
});

describe('the decorators', () => {
  it('write what they say on the method', () => {
    class Files {
      @Resource({ uri: 'a://1' })
      one(): void {}

      @ResourceTemplate({ uriTemplate: 'a://{id}' })
      any(): void {}
    }
    const at = (key: symbol, name: keyof Files): unknown =>
      Reflect.getMetadata(key, Reflect.get(Files.prototype, name));
    expect(at(RESOURCE_METADATA, 'one')).toEqual({ uri: 'a://1' });
    expect(at(RESOURCE_TEMPLATE_METADATA, 'any')).toEqual({ uriTemplate: 'a://{id}' });
    expect(at(RESOURCE_METADATA, 'any')).toBeUndefined();
  });
});
