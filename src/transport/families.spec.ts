import { describe, expect, it } from '@jest/globals';
import { AppConfig } from '../config/index.js';
import type { TransportName } from '../config/settings/server.settings.js';
import { httpFamilies, needsHttp } from './families.js';

const names = (transports: readonly TransportName[]): string[] => {
  const families = httpFamilies(AppConfig.of({ server: { transports } }));
  return Object.entries(families).flatMap(([name, isServed]) => (isServed ? [name] : []));
};

describe('httpFamilies', () => {
  it.each<[readonly TransportName[], string[], boolean]>([
    [['http'], ['streamable', 'sse', 'websocket'], true],
    [['http', 'websocket', 'tcp'], ['streamable', 'sse', 'websocket'], true],
    [['websocket'], ['websocket'], true],
    [['sse', 'stdio'], ['sse'], true],
    [['sse', 'websocket'], ['sse', 'websocket'], true],
    [['tcp'], [], false],
    [['tcp', 'stdio'], [], false],
    [['stdio'], ['streamable', 'sse', 'websocket'], false],
  ])('K-2 of %j are %j', (transports, expected, isHttp) => {
    expect(names(transports)).toEqual(expected);
    expect(needsHttp(AppConfig.of({ server: { transports } }))).toBe(isHttp);
  });
});
