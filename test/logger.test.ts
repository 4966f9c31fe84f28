import { describe, expect, it } from 'vitest';
import { AppError } from '../src/ground/errors.ts';
import { createLogger, logProcessWarnings } from '../src/logger.ts';
import { NEAR_MISSES, SECRET_SHAPES } from './fixtures/secret-shapes.ts';

function log(write: (logger: ReturnType<typeof createLogger>) => void, secrets: string[] = []): string[] {
  const lines: string[] = [];
  write(
    createLogger({ level: 'info', secrets, destination: { write: (line: string) => void lines.push(line) } }),
  );
  return lines;
}

describe("[O4] the bot's own log", () => {
  it('is JSON with time and level in words', () => {
    const [line = ''] = log((logger) => logger.info({ job: 'train-a' }, 'asked'));
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      job: 'train-a',
      msg: 'asked',
    });
  });

  it('keeps below the level', () => {
    expect(log((logger) => logger.debug('quiet'))).toEqual([]);
  });

  it('holds reference, code and cause of an error', () => {
    const error = new AppError('unavailable', 'AWS is down.', { cause: new TypeError('socket hang up') });
    const [line = ''] = log((logger) => logger.error({ err: error }, 'failed'));
    expect(JSON.parse(line)).toMatchObject({
      err: {
        code: 'unavailable',
        ref: error.ref,
        cause: { type: 'TypeError', message: 'socket hang up', stack: expect.any(String) },
      },
    });
  });

  it('has what the process warns of as lines of its own, in place of Node’s text', async () => {
    const before = process.listeners('warning');
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });
    const giveBack = logProcessWarnings(logger);
    process.emitWarning('listeners without end', 'MaxListenersExceededWarning');
    await new Promise((resolve) => setImmediate(resolve));
    giveBack();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 'warn',
        msg: 'a warning of the process',
        err: { type: 'MaxListenersExceededWarning', message: 'listeners without end' },
      },
    ]);
    expect(process.listeners('warning')).toEqual(before);
  });

  it('masks the secrets in use wherever they stand', () => {
    const secret = 'wJalrXUtnFEMI/K7MDENG';
    const [line = ''] = log(
      (logger) =>
        logger.error({ err: new Error(`bad ${secret}`), nested: { deep: [secret] } }, `x ${secret} y`),
      [secret],
    );
    expect(line).not.toContain(secret);
    expect(() => JSON.parse(line)).not.toThrow();
  });

  it.each([
    ['a bot token', 'xoxb-123456789-abcdefgh'],
    ['an app-level token', 'xapp-1-A0123-456-abcdef'],
    ['a rotated token', 'xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4'],
    ['a key id', 'ASIAQWERTYUIOPASDFGH'],
    ['a bearer header', 'Bearer abc.def-ghi'],
    ['a signed URL', 'https://b.s3.amazonaws.com/k?X-Amz-Signature=0123456789abcdef'],
  ])('masks %s by its look', (_, secret) => {
    const [line = ''] = log((logger) => logger.warn({ url: secret }, `came ${secret}.`));
    expect(line).not.toContain(secret);
    expect(line).toContain('[masked]');
    expect(() => JSON.parse(line)).not.toThrow();
  });

  it('masks members whose name says that they are secret, however they look', () => {
    const [line = ''] = log((logger) =>
      logger.info({
        token: 'a"b\\',
        aws: { secretAccessKey: 'k', SessionToken: 't', 'x-api-key': 'v', externalId: 'line-3' },
        user: 'ada',
        nextToken: 'page 2',
      }),
    );
    expect(JSON.parse(line)).toMatchObject({
      token: '[masked]',
      aws: {
        secretAccessKey: '[masked]',
        SessionToken: '[masked]',
        'x-api-key': '[masked]',
        externalId: '[masked]',
      },
      user: 'ada',
      nextToken: 'page 2',
    });
  });

  it('masks the secrets in use as JSON and addresses write them', () => {
    const secret = 'a"b\\c/d&e f';
    const [line = ''] = log(
      (logger) => logger.error({ url: `https://x/?q=${encodeURIComponent(secret)}`, said: secret }, secret),
      [secret],
    );
    expect(JSON.parse(line)).toMatchObject({
      url: 'https://x/?q=[masked]',
      said: '[masked]',
      msg: '[masked]',
    });
  });
});

describe('[O6] the log and secrets in their usual shapes', () => {
  /** Every place in which words come into the log. */
  const write = (text: string) =>
    log((logger) => {
      logger.info(text);
      logger.warn({ reason: text, list: [{ deep: text }] }, 'told');
      logger.error({ err: new Error('outer', { cause: new TypeError(text) }) }, 'failed');
      logger.error({ err: new AppError('unavailable', text, { hint: text, adminHint: text, cause: text }) });
      logger.child({ from: text }).error({ error: new AggregateError([new Error(text)], text) }, '%s', text);
    });
  const strings = (value: unknown): string[] =>
    typeof value === 'string'
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(strings)
        : [];

  it.each(SECRET_SHAPES)('masks: $name', ({ text, secrets }) => {
    const said = write(text).flatMap((line) => strings(JSON.parse(line)));
    expect(said.length).toBeGreaterThan(15);
    for (const secret of secrets) expect(said.filter((words) => words.includes(secret))).toEqual([]);
  });

  it.each(NEAR_MISSES)('leaves alone: %s', (text) => {
    const [line = ''] = log((logger) => logger.info({ text }, text));
    expect(JSON.parse(line)).toMatchObject({ text, msg: text });
  });
});
