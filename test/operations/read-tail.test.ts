import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { TailReader } from '../../src/operations/read-tail.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';

const RUN = 'line-3~local~press-1';
const WINDOW = 400;
let now = 1;
let logs: MemoryRunLogs;
beforeEach(() => {
  logs = new MemoryRunLogs({ clock: { now: () => now } });
});

async function print(text: string): Promise<void> {
  const { size } = await logs.create(RUN);
  await logs.append(RUN, size, Buffer.from(text));
}

async function read(reader: TailReader, count: number): Promise<string[]> {
  await reader.read((await logs.info(RUN))!);
  return reader.lines(count);
}

describe('reading the end of a log that grows', () => {
  it('[W6] shows the same to whoever has followed it and to whoever takes over, at any time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            lines: fc.array(fc.stringMatching(/^[a-zé ]{0,12}$/), { minLength: 1, maxLength: 30 }),
            bar: fc.boolean(),
            takeOver: fc.boolean(),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        async (steps) => {
          await logs.remove(RUN).catch(() => undefined);
          let all = '';
          let reader = new TailReader(logs, WINDOW);
          for (const { lines, bar, takeOver } of steps) {
            const text = `${lines.join('\n')}\n${bar ? ' 10%\r 20%\r' : ''}`;
            all += text;
            await print(text);
            if (takeOver) reader = new TailReader(logs, WINDOW);
            const shown = await read(reader, 3);
            const whole = new TailReader(logs, 1e9);
            const expected = await read(whole, 3);
            // Of lines longer than the window less is known to whoever takes over.
            expect(shown).toEqual(expected.slice(-shown.length || 99));
            if (all.length > WINDOW || !takeOver) continue;
            expect(shown).toEqual(expected);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('reads no more than the end of a log that is large, also where it has fallen behind', async () => {
    await print('old line\n'.repeat(1_000));
    let bytes = 0;
    const counted = {
      read: async (...[id, at, limit]: Parameters<MemoryRunLogs['read']>) => {
        const slice = await logs.read(id, at, limit);
        bytes += slice.bytes.length;
        return slice;
      },
    };
    const reader = new TailReader(counted, WINDOW);
    expect(await read(reader, 2)).toEqual(['old line', 'old line']);
    await print(`${'newer line\n'.repeat(1_000)}the last\n`);
    expect(await read(reader, 2)).toEqual(['newer line', 'the last']);
    expect(bytes).toBeLessThanOrEqual(2 * WINDOW);
    await print('one more\n');
    expect(await read(reader, 2)).toEqual(['the last', 'one more']);
    expect(bytes).toBeLessThanOrEqual(2 * WINDOW + 20);
  });

  it('says what is missing', async () => {
    await print('before\n');
    const { size } = (await logs.info(RUN))!;
    await logs.skip(RUN, size, size + 1_000);
    await print('after\n');
    const lines = await read(new TailReader(logs), 9);
    expect(lines.filter((line) => line !== '')).toEqual([
      'before',
      '[… 1,000 bytes are missing here: they could not be stored …]',
      'after',
    ]);
  });

  it('begins anew for a log that was removed and is there again', async () => {
    const reader = new TailReader(logs);
    await print('the first\n');
    expect(await read(reader, 9)).toEqual(['the first']);
    await logs.remove(RUN);
    now += 1;
    await print('another\n');
    expect(await read(reader, 9)).toEqual(['another']);
  });
});
