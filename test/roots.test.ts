import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { stopInSteps } from '../src/roots.ts';

describe('[O5] a stop', () => {
  it('waits for no step for ever, says which it was, and goes on with the next', async () => {
    const lines: { what?: string; msg: string }[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const step = stopInSteps(logger);
    const done: string[] = [];
    await step('the store', 0, new Promise(() => {}));
    await step(
      'monitoring',
      1,
      (async () => {
        done.push('monitoring');
      })(),
    );
    expect(done).toEqual(['monitoring']);
    expect(lines.map(({ what, msg }) => [what, msg])).toEqual([['the store', 'not waited for any longer']]);
  });
});
