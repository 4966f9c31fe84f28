import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diskUse } from '../../src/runs/disk-use.ts';
import { LogLines } from '../../src/runs/log-lines.ts';
import { RunTimes, TimeTables } from '../../src/runs/run-times.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { testFolder } from '../fixtures/test-folder.ts';

const linesOf = (text: string): string[] => {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  if (text.endsWith('\n') || text === '') lines.pop();
  return lines;
};

describe('lines of a raw log', () => {
  it('are those of the text, by number and from the end, however it grows', async () => {
    const piece = fc.array(fc.constantFrom('a', 'é', '\n', '\r', '\r\n', 'step 1\n', '\u001b[31m'), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 8 }),
        fc.nat(12),
        fc.integer({ min: 1, max: 12 }),
        async (pieces, offset, limit) => {
          const logs = new MemoryRunLogs({});
          const lines = new LogLines(logs);
          await logs.create('run');
          let text = '';
          for (const parts of pieces) {
            const { size } = (await logs.info('run'))!;
            await logs.append('run', size, Buffer.from(parts.join('')));
            text += parts.join('');
            const info = (await logs.info('run'))!;
            const all = linesOf(text);
            const unfinished = text !== '' && !text.endsWith('\n');
            const from = Math.min(offset, all.length);
            const some = await lines.read(info, limit, offset);
            expect(some).toMatchObject({ total: all.length, offset: from, unfinished });
            expect(some.lines).toEqual(all.slice(from, from + limit));
            const last = await lines.read(info, limit);
            expect(last.lines).toEqual(all.slice(-limit));
            expect(last.offset).toBe(Math.max(0, all.length - limit));
            for (const [index, end] of last.ends.entries())
              expect(linesOf(Buffer.from(text).subarray(0, end).toString())).toHaveLength(
                last.offset + index + 1,
              );
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('of a large log are found from marks, and a gap is a line', async () => {
    const logs = new MemoryRunLogs({});
    const lines = new LogLines(logs);
    await logs.create('run');
    const text = Array.from({ length: 60_000 }, (_, n) => `line ${n} ${'x'.repeat(n % 40)}\n`).join('');
    await logs.append('run', 0, Buffer.from(text));
    const first = (await logs.info('run'))!;
    for (const at of [0, 1, 29_999, 59_998])
      expect((await lines.read(first, 2, at)).lines).toEqual(linesOf(text).slice(at, at + 2));
    await logs.skip('run', text.length, text.length + 4_096);
    await logs.append('run', text.length + 4_096, Buffer.from('after\n'));
    const read = await lines.read((await logs.info('run'))!, 3);
    expect(read.lines.at(-1)).toBe('after');
    expect(read.lines.at(-2)).toMatch(/4,096 bytes are missing here/);
    expect(read.ends.slice(-2)).toEqual([text.length + 4_096, text.length + 4_102]);
  });

  it('that are longer than a megabyte keep their ends and say what is left out', async () => {
    const logs = new MemoryRunLogs({});
    const lines = new LogLines(logs);
    await logs.create('run');
    const long = Buffer.alloc(10_000_000, '\rstep 1/2');
    await logs.append('run', 0, Buffer.concat([Buffer.from('one\n'), long, Buffer.from('END\nlast')]));
    const { lines: read, total } = await lines.read((await logs.info('run'))!, 1_000);
    expect([read.length, total, read[0], read[2]]).toEqual([3, 3, 'one', 'last']);
    expect(read[1]!.length).toBeLessThan(1_400_000);
    expect(read[1]).toMatch(/^\rstep 1\/2\r.* … [\d,]+ bytes of this line are left out … .*END$/s);
    expect((await lines.read((await logs.info('run'))!, 1, 2)).lines).toEqual(['last']);
  });

  it('come in answers of a few megabytes: the first of those asked for, or the very last', async () => {
    const logs = new MemoryRunLogs({});
    const lines = new LogLines(logs);
    await logs.create('run');
    const text = Array.from({ length: 20 }, (_, n) => `${n}${'y'.repeat(600_000)}\n`).join('');
    await logs.append('run', 0, Buffer.from(text));
    const info = (await logs.info('run'))!;
    const some = await lines.read(info, 100, 3);
    expect([some.offset, some.lines.length < 10, some.lines[0]!.slice(0, 2)]).toEqual([3, true, '3y']);
    const last = await lines.read(info, 100);
    expect(last.offset + last.lines.length).toBe(20);
    expect(last.lines.at(-1)).toMatch(/^19y/);
    expect(last.lines[0]).toMatch(new RegExp(`^${last.offset}y`));
  });
});

describe('when a run printed', () => {
  it('is known to a second, and never runs backwards', async () => {
    const path = join(testFolder('times'), 'times');
    const at = 1_790_000_000_000;
    const times = await RunTimes.open(path, at);
    times.note(at + 100, 10);
    times.note(at + 200, 20);
    times.note(at + 5_300, 30);
    times.note(at + 4_000, 40);
    times.note(at + 9_900, 50);
    await times.close();
    const table = await new TimeTables().read(path, { first: at, last: at + 20_000 });
    expect([1, 20, 25, 30, 31, 50, 51].map((size) => table.at(size) - at)).toEqual([
      200, 200, 5_300, 5_300, 5_300, 9_900, 20_000,
    ]);
  });

  it('is between its start and its last sign where nothing was noted, or a line of it was cut off', async () => {
    const path = join(testFolder('times'), 'times');
    const tables = new TimeTables();
    expect((await tables.read(path, { first: 5, last: 9 })).at(3)).toBe(9);
    await writeFile(path, '7 100\n8 2');
    const table = await tables.read(path, { first: 5, last: 9 });
    expect([table.at(3), table.at(150)]).toEqual([7, 9]);
  });
});

describe('what a folder takes of the disk', () => {
  it('counts no link’s target, and nothing of what is not there', async () => {
    const folder = testFolder('use');
    await writeFile(join(folder, 'log'), Buffer.alloc(100_000));
    const alone = await diskUse(folder);
    expect(alone).toBeGreaterThanOrEqual(100_000);
    expect(alone).toBeLessThan(200_000);
    await symlink('/', join(folder, 'everything'));
    await symlink('.', join(folder, 'round'));
    expect(await diskUse(folder)).toBeLessThan(alone + 20_000);
    expect(await diskUse(join(folder, 'nothing'))).toBe(0);
  });
});
