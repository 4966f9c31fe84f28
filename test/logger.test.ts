import { describe, expect, it } from 'vitest';
import { AppError } from '../src/errors.ts';
import { createLogger, logProcessWarnings, maskSecrets } from '../src/logger.ts';

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

  it('masks members whose name says that they are secret', () => {
    const line = JSON.stringify({
      token: 'a"b\\',
      aws: { secretAccessKey: 'k', SessionToken: 't', 'x-api-key': 'v' },
      user: 'ada',
    });
    expect(JSON.parse(maskSecrets(line))).toEqual({
      token: '[masked]',
      aws: { secretAccessKey: '[masked]', SessionToken: '[masked]', 'x-api-key': '[masked]' },
      user: 'ada',
    });
  });
});
