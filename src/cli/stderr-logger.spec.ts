import { afterEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { LoggingSettings } from '../config/index.js';
import { StderrLogger } from './stderr-logger.js';

type Sink = { write(line: string): boolean; flushSync(): void };

/** A logger whose lines the test gets. */
function loggerOf(format: LoggingSettings['format'], level: LoggingSettings['level'] = 'debug') {
  const logger = new StderrLogger({ level, format });
  const lines: string[] = [];
  const { sink } = logger as unknown as { sink: Sink };
  jest.spyOn(sink, 'write').mockImplementation((line) => (lines.push(line), true));
  return { logger, lines, sink };
}

// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/;
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('\n', '\r', '\u001b', '\u009b', '\u2028', '\u007f', '\u0000', 'a', '"', '\\', '=', ' '),
  }),
);

afterEach(() => {
  jest.restoreAllMocks();
});

describe('StderrLogger', () => {
  it('K-33 writes one JSON object a line', () => {
    const { logger, lines } = loggerOf('json');
    logger.warn('It is late', 'Clock');
    logger.log({ outcome: 'timeout', kind: 'timeout' }, 'Audit');
    logger.error('It failed', 'Error: x\n    at y', 'Tools');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: 'warn', time: expect.any(String), context: 'Clock', msg: 'It is late' },
      { level: 'info', time: expect.any(String), context: 'Audit', outcome: 'timeout', kind: 'timeout' },
      { level: 'error', time: expect.any(String), context: 'Tools', stack: 'Error: x\n    at y', msg: 'It failed' },
    ]);
    expect((JSON.parse(lines[0] ?? '') as { time: string }).time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('K-33 writes text for people', () => {
    const { logger, lines } = loggerOf('text');
    logger.warn('It is late', 'Clock');
    logger.log({ outcome: 'timeout' }, 'Audit');
    expect(lines[0]).toMatch(/^\S+Z WARN {2}\[Clock\] It is late\n$/);
    expect(lines[1]).toMatch(/^\S+Z INFO {2}\[Audit\] {1,2}\{"outcome":"timeout"\}\n$/);
  });

  it('K-33 writes key=value for tools', () => {
    const { logger, lines } = loggerOf('logfmt');
    logger.warn('It is late', 'Clock');
    logger.debug({ path: '/a/b', count: 3, words: 'two words', none: '' }, 'Audit');
    expect(lines[0]).toMatch(/^level=warn time=\S+ context=Clock msg="It is late"\n$/);
    expect(lines[1]).toMatch(/ context=Audit path=\/a\/b count=3 words="two words" none=""\n$/);
  });

  it('shows a stack under its line', () => {
    const { logger, lines } = loggerOf('text');
    logger.error('It failed', 'Error: x\n    at y (z.ts:1:2)\n    at w', 'Tools');
    const [first, ...rest] = (lines[0] ?? '').trimEnd().split('\n');
    expect(first).toMatch(/ERROR \[Tools\] It failed$/);
    expect(rest.map((line) => line.trim())).toEqual(['Error: x', 'at y (z.ts:1:2)', 'at w']);
  });

  it('takes what Nest hands over, in each of its forms', () => {
    const { logger, lines } = loggerOf('json');
    const error = new Error('thrown');
    logger.error(error, 'Where');
    logger.error('words', error.stack);
    logger.fatal('words');
    logger.verbose('words', 'Where');
    logger.log(undefined);
    const [whole, bare, fatal, verbose] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(whole).toMatchObject({ level: 'error', msg: 'thrown', stack: error.stack, context: 'Where' });
    expect(bare).toMatchObject({ msg: 'words', stack: error.stack });
    expect(bare).not.toHaveProperty('context');
    expect([fatal, verbose]).toMatchObject([{ level: 'fatal' }, { level: 'debug', context: 'Where' }]);
    expect(lines).toHaveLength(5);
  });

  it('holds back what is less severe, and what Nest says of its own start', () => {
    const { logger, lines } = loggerOf('json', 'info');
    logger.debug('x', 'Mine');
    logger.verbose('x', 'Mine');
    for (const context of ['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestApplication']) {
      logger.log('x', context);
    }
    expect(lines).toEqual([]);
    logger.log('x', 'Mine');
    expect(lines).toHaveLength(1);
  });

  it('writes what waits before the process ends', () => {
    const { logger, sink } = loggerOf('json');
    const flush = jest.spyOn(sink, 'flushSync').mockReturnValue(undefined);
    logger.flush();
    expect(flush).toHaveBeenCalledTimes(1);
  });

  it.each(['text', 'logfmt', 'json'] as const)(
    'W-38 lets no control character through as %s, wherever it stands',
    (format) => {
      const { logger, lines } = loggerOf(format);
      fc.assert(
        fc.property(texts, texts, texts, texts, (message, context, stack, fact) => {
          lines.length = 0;
          logger.error(message, stack, context);
          logger.warn({ fact, [fact]: 1, deep: { fact } }, context);
          for (const line of lines) {
            expect(line.endsWith('\n')).toBe(true);
            expect(line).not.toMatch(CONTROL);
          }
          expect(lines).toHaveLength(2);
        }),
        { numRuns: 300 },
      );
    },
  );

  it.each(['text', 'logfmt', 'json'] as const)('W-38 no line can be forged as %s', (format) => {
    const { logger, lines } = loggerOf(format);
    fc.assert(
      fc.property(texts, texts, texts, (message, context, fact) => {
        lines.length = 0;
        logger.warn(message, context);
        logger.log({ fact }, context);
        for (const line of lines) expect(line.indexOf('\n')).toBe(line.length - 1);
      }),
      { numRuns: 300 },
    );
  });

  it('W-38 no line can be forged by a stack, either', () => {
    const { logger, lines } = loggerOf('text');
    logger.error('It failed', 'Error: x\n2026-01-01T00:00:00.000Z INFO  all is well\n    at y', 'Tools');
    const [, ...rest] = (lines[0] ?? '').trimEnd().split('\n');
    expect(rest.every((line) => line.startsWith('    '))).toBe(true);
  });

  it('what is written as JSON reads as what was said', () => {
    const { logger, lines } = loggerOf('json');
    fc.assert(
      fc.property(texts, texts, (message, fact) => {
        lines.length = 0;
        logger.warn(message, 'Mine');
        logger.warn({ fact }, 'Mine');
        expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ msg: message }, { fact }]);
      }),
    );
  });
});
