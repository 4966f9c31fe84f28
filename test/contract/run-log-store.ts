/** What every store of run logs must do, whatever it keeps them in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunEnd } from '../../src/domain/runs.ts';
import { RunLogConflict, type RunLogGap, type RunLogStore } from '../../src/ports/run-log-store.ts';
import { eachTestHasStore, type StoreHarness } from './store-harness.ts';

/** Small, so that a few bytes reach the cap. */
export const LIMITS = { chunkBytes: 64, head: 100, cap: 448 };
/** The head in whole chunks. */
const HEAD = 128;
export const AT = 1_790_000_000_000;

/** Its stores have `LIMITS`, and a clock that begins at `AT` and is told by `now`. */
export interface RunLogStoreHarness extends StoreHarness<RunLogStore> {
  now: { at: number };
}

export const COMPLETED: RunEnd = { state: 'completed', exitCode: 0, signal: null, at: AT + 9 };

/** Everything that is kept, gaps as they are given. */
export async function readAll(
  store: RunLogStore,
  id: string,
  limit = 1000,
): Promise<{ bytes: Buffer; gaps: RunLogGap[] }> {
  const size = (await store.info(id))!.size;
  const parts: Uint8Array[] = [];
  const gaps: RunLogGap[] = [];
  for (let at = 0; at < size; ) {
    const { bytes, gap } = await store.read(id, at, limit);
    if (gap) gaps.push(gap);
    else if (bytes.length === 0) throw new Error(`nothing at ${at} of ${size}`);
    parts.push(bytes);
    at = gap ? gap.to : at + bytes.length;
  }
  return { bytes: Buffer.concat(parts), gaps };
}

type Cell = number | 'cap' | 'lost';

/** Byte by byte what a log is. */
class Model {
  cells: Cell[] = [];
  cursor: string | undefined;

  get gaps(): RunLogGap[] {
    const gaps: RunLogGap[] = [];
    for (const [at, cell] of this.cells.entries()) {
      if (typeof cell === 'number') continue;
      const last = gaps.at(-1);
      if (last?.to === at) {
        last.to += 1;
        if (cell === 'cap') last.reason = 'cap';
      } else gaps.push({ from: at, to: at + 1, reason: cell });
    }
    return gaps;
  }

  append(bytes: Uint8Array, cursor?: string): void {
    this.cells.push(...bytes);
    this.cursor = cursor ?? this.cursor;
    while (this.cells.filter((cell) => typeof cell === 'number').length > LIMITS.cap) {
      const from = this.gaps.find(({ reason }) => reason === 'cap')?.to ?? HEAD;
      const to = (Math.floor(from / LIMITS.chunkBytes) + 1) * LIMITS.chunkBytes;
      this.cells.fill('cap', HEAD, to);
    }
  }
}

const bytesArbitrary = fc.uint8Array({ maxLength: 150 });
const stepArbitrary = fc.oneof(
  { weight: 8, arbitrary: fc.record({ append: bytesArbitrary }) },
  { weight: 2, arbitrary: fc.record({ append: bytesArbitrary, cursor: fc.string({ maxLength: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ append: fc.uint8Array({ minLength: 400, maxLength: 1500 }) }) },
  { weight: 2, arbitrary: fc.record({ skip: fc.nat(300) }) },
  { weight: 2, arbitrary: fc.record({ wrong: fc.integer({ min: -50, max: 50 }), bytes: bytesArbitrary }) },
  { weight: 2, arbitrary: fc.constant({ reopen: true as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      read: fc.double({ min: 0, max: 1, noNaN: true }),
      limit: fc.integer({ min: 1, max: 200 }),
    }),
  },
);

export function runLogStoreContract(name: string, harness: () => Promise<RunLogStoreHarness>): void {
  describe(`run log store contract: ${name}`, () => {
    let state: RunLogStoreHarness;
    let store: RunLogStore;
    const reopen = eachTestHasStore(
      async () => {
        state = await harness();
        return state;
      },
      (opened) => {
        store = opened;
      },
    );

    it('keeps what was appended, byte for byte, but for gaps that it tells', async () => {
      let n = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 40 }), async (steps) => {
          const id = `run-${n++}`;
          const model = new Model();
          const check = async (at: number, limit: number): Promise<void> => {
            const { cells, gaps } = model;
            const slice = await store.read(id, at, limit);
            expect(slice.offset).toBe(at);
            expect(slice.gap).toEqual(gaps.find(({ from, to }) => from <= at && at < to));
            expect([...slice.bytes]).toEqual(cells.slice(at, at + slice.bytes.length));
            expect(slice.bytes.length).toBeLessThanOrEqual(limit);
            if (!slice.gap && at < cells.length) expect(slice.bytes.length).toBeGreaterThan(0);
          };
          await store.create(id);
          for (const step of steps) {
            const size = model.cells.length;
            if ('append' in step) {
              const cursor = 'cursor' in step ? step.cursor : undefined;
              model.append(step.append, cursor);
              await store.append(id, size, step.append, cursor);
            } else if ('skip' in step) {
              model.cells.push(...Array<Cell>(step.skip).fill('lost'));
              await store.skip(id, size, size + step.skip);
            } else if ('wrong' in step) {
              const offset = Math.max(0, size + step.wrong);
              if (offset !== size) {
                const refusal = await store.append(id, offset, step.bytes).catch((error: unknown) => error);
                expect(refusal).toBeInstanceOf(RunLogConflict);
                expect(refusal).toMatchObject({ code: 'conflict', size });
              }
            } else if ('reopen' in step) {
              await reopen();
            } else await check(Math.floor(step.read * size), step.limit);
            expect(await store.info(id)).toMatchObject({ size: model.cells.length, gaps: model.gaps });
            expect((await store.info(id))?.cursor).toBe(model.cursor);
          }
          const before = await readAll(store, id);
          expect(before.gaps).toEqual(model.gaps);
          expect([...before.bytes]).toEqual(model.cells.filter((cell) => typeof cell === 'number'));
          await store.finish(id, COMPLETED);
          expect(await readAll(store, id, 50)).toEqual(before);
          for (const part of [0, 0.3, 0.6, 1]) await check(Math.floor(part * model.cells.length), 70);
        }),
        { numRuns: 150 },
      );
    });

    it('makes a log once, and gives it back as it is after that', async () => {
      expect(await store.create('a')).toEqual({ id: 'a', size: 0, createdAt: AT, updatedAt: AT, gaps: [] });
      state.now.at = AT + 5;
      await store.append('a', 0, Buffer.from('hello'), 'c1');
      const hello = { id: 'a', size: 5, createdAt: AT, updatedAt: AT + 5, gaps: [], cursor: 'c1' };
      expect(await store.create('a')).toEqual(hello);
      expect(await store.info('a')).toEqual(hello);
    });

    it('knows nothing of a log that was not made', async () => {
      expect(await store.info('nobody')).toBeUndefined();
      expect(await store.list()).toEqual([]);
      for (const call of [
        () => store.append('nobody', 0, Buffer.from('x')),
        () => store.skip('nobody', 0, 1),
        () => store.read('nobody', 0, 1),
        () => store.note('nobody', 'x'),
        () => store.finish('nobody', COMPLETED),
      ])
        await expect(call()).rejects.toMatchObject({ code: 'not_found' });
      await store.remove('nobody');
    });

    it('keeps a cursor without bytes, and the last one where none is given', async () => {
      await store.create('a');
      await store.append('a', 0, new Uint8Array(0), 'c1');
      await store.append('a', 0, Buffer.from('x'));
      await store.skip('a', 1, 2);
      await reopen();
      expect(await store.info('a')).toMatchObject({ size: 2, cursor: 'c1' });
    });

    it('adds nothing for somebody who has read another cursor than the one that is kept', async () => {
      const made = await store.create('a');
      const begun = await store.append('a', 0, Buffer.from('one'), 'c1', made);
      for (const read of [made, { cursor: 'c0' }]) {
        const refusal = await store
          .append('a', 3, Buffer.from('x'), 'c9', read)
          .catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(RunLogConflict);
        expect(refusal).toMatchObject({ size: 3, cursorChanged: true });
      }
      await store.append('a', 3, Buffer.from('two'), 'c2', begun);
      expect(await store.info('a')).toMatchObject({ size: 6, cursor: 'c2' });
    });

    it('refuses writes under an older fence of a lease, and those of nobody else', async () => {
      const older = await store.under({ lease: 'follow a', fence: 3 });
      const other = await store.under({ lease: 'follow b', fence: 1 });
      await older.create('a');
      await older.append('a', 0, Buffer.from('one'));
      const newer = await store.under({ lease: 'follow a', fence: 5 });
      for (const call of [
        () => older.create('b'),
        () => older.append('a', 3, Buffer.from('x')),
        () => older.skip('a', 3, 4),
        () => older.note('a', 'x'),
        () => older.finish('a', COMPLETED),
        () => older.remove('a'),
        () => store.under({ lease: 'follow a', fence: 4 }),
      ]) {
        const refusal = await call().catch((error: unknown) => error);
        expect(refusal).toMatchObject({ code: 'conflict' });
        // That would mean: go on from there.
        expect(refusal).not.toHaveProperty('size');
      }
      await older.close();
      await newer.append('a', 3, Buffer.from('two'));
      await other.append('a', 6, Buffer.from('six'));
      await store.append('a', 9, Buffer.from('all'));
      expect((await older.read('a', 0, 99)).bytes).toHaveLength(12);
      expect(await store.list()).toMatchObject([{ id: 'a', size: 12 }]);
    });

    it('says what each log takes of the disk', async () => {
      await store.create('empty');
      await store.create('full');
      await store.append('full', 0, Buffer.alloc(300, 'x'));
      const sizes = await store.stored();
      expect([...sizes.keys()].sort()).toEqual(['empty', 'full']);
      expect(sizes.get('full')).toBeGreaterThanOrEqual(300);
      expect(sizes.get('full')).toBeGreaterThanOrEqual(sizes.get('empty')!);
    });

    it('takes appends of one run in the order in which they were asked for', async () => {
      await store.create('a');
      const pieces = Array.from({ length: 40 }, (_, n) => Buffer.from(`${n} `));
      let offset = 0;
      const appends = pieces.map((piece) => {
        const append = store.append('a', offset, piece);
        offset += piece.length;
        return append;
      });
      await Promise.all(appends);
      expect((await readAll(store, 'a')).bytes.toString()).toBe(pieces.join(''));
    });

    it('ends a log once, and adds nothing to it any more', async () => {
      await store.create('a');
      await store.append('a', 0, Buffer.from('all'));
      const end: RunEnd = { state: 'failed', exitCode: null, signal: 'SIGKILL', at: AT };
      expect(await store.finish('a', end)).toMatchObject({ size: 3, end });
      expect(await store.finish('a', COMPLETED)).toMatchObject({ size: 3, end });
      for (const call of [() => store.append('a', 3, Buffer.from('x')), () => store.skip('a', 3, 4)])
        await expect(call()).rejects.toMatchObject({ code: 'conflict', size: 3 });
      await reopen();
      expect(await store.info('a')).toMatchObject({ size: 3, end });
      expect((await readAll(store, 'a')).bytes.toString()).toBe('all');
    });

    it('reads nothing at the end, and refuses what lies beyond it or is no offset', async () => {
      await store.create('a');
      await store.append('a', 0, Buffer.from('abc'));
      expect(await store.read('a', 3, 10)).toEqual({
        offset: 3,
        bytes: expect.objectContaining({ length: 0 }),
      });
      for (const [offset, limit] of [
        [4, 1],
        [-1, 1],
        [0.5, 1],
        [Number.NaN, 1],
        [2 ** 60, 1],
        [0, 0],
        [0, -1],
        [0, Number.NaN],
      ] as const)
        await expect(store.read('a', offset, limit)).rejects.toMatchObject({ code: 'invalid_input' });
      for (const call of [
        () => store.append('a', -1, Buffer.from('x')),
        () => store.append('a', 2 ** 60, Buffer.from('x')),
        () => store.skip('a', 3, 2),
        () => store.skip('a', 3, 2 ** 60),
      ])
        await expect(call()).rejects.toMatchObject({ code: 'invalid_input' });
      expect(await store.info('a')).toMatchObject({ size: 3 });
    });

    it('takes no id that could be a path', async () => {
      for (const id of [
        '',
        '.',
        '..',
        '../a',
        'a/b',
        'a\\b',
        '.a',
        '~a',
        '-a',
        'a\0',
        'a b',
        'ä',
        'a'.repeat(201),
      ]) {
        const calls = [
          () => store.create(id),
          () => store.info(id),
          () => store.append(id, 0, Buffer.from('x')),
          () => store.skip(id, 0, 1),
          () => store.read(id, 0, 1),
          () => store.finish(id, COMPLETED),
          () => store.remove(id),
          async () => store.watch(id, () => undefined),
        ];
        for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'invalid_input' });
      }
      const longest = `a.b~c_d-${'e'.repeat(192)}`;
      await store.create(longest);
      expect(await store.list()).toMatchObject([{ id: longest }]);
    });

    it('says what keeps a log from going on until it does, or has ended', async () => {
      await store.create('a');
      const heard: (string | undefined)[] = [];
      const unwatch = store.watch('a', ({ note }) => heard.push(note));
      await store.note('a', 'AWS says “no” – denied');
      await expect.poll(() => heard.at(-1)).toBe('AWS says “no” – denied');
      await store.append('a', 0, Buffer.from('x'), 'c1');
      await reopen();
      expect(await store.info('a')).toMatchObject({ size: 1, cursor: 'c1', note: 'AWS says “no” – denied' });
      expect((await store.note('a', undefined)).note).toBeUndefined();
      expect((await store.note('a', '"🙂'.repeat(2_000))).note).toMatch(/^("🙂?)+…$/u);
      expect((await store.finish('a', COMPLETED)).note).toBeUndefined();
      expect((await store.note('a', 'too late')).note).toBeUndefined();
      unwatch();
    });

    it('goes on after its writer let go of it', async () => {
      await store.create('a');
      await store.append('a', 0, Buffer.from('one'), 'c1');
      await store.release('a');
      await store.release('a');
      await store.release('nobody');
      expect(await store.append('a', 3, Buffer.from('two'))).toMatchObject({ size: 6, cursor: 'c1' });
      expect((await readAll(store, 'a')).bytes.toString()).toBe('onetwo');
    });

    it('lists the newest first', async () => {
      for (const [id, at] of [
        ['b', 1],
        ['c', 3],
        ['a', 2],
      ] as const) {
        state.now.at = AT + at;
        await store.create(id);
      }
      expect((await store.list()).map(({ id }) => id)).toEqual(['c', 'a', 'b']);
    });

    it('lists only those whose ids begin as asked', async () => {
      for (const id of ['line-3~push~1', 'line-3~local~1', 'line-33~push~1', 'line-3~push~2']) {
        state.now.at += 1;
        await store.create(id);
      }
      expect((await store.list('line-3~push~')).map(({ id }) => id)).toEqual([
        'line-3~push~2',
        'line-3~push~1',
      ]);
      expect(await store.list('harbor~')).toEqual([]);
    });

    it('removes a log, and another of the same name begins anew', async () => {
      await store.create('a');
      await store.append('a', 0, Buffer.from('old old old '.repeat(10)));
      await store.finish('a', COMPLETED);
      await readAll(store, 'a');
      await store.remove('a');
      expect(await store.info('a')).toBeUndefined();
      await expect(store.read('a', 0, 1)).rejects.toMatchObject({ code: 'not_found' });
      await store.create('a');
      await store.append('a', 0, Buffer.from('new'));
      expect((await readAll(store, 'a')).bytes.toString()).toBe('new');
    });

    it('tells those who watch how it stands, and of each change up to the end', async () => {
      await store.create('a');
      const seen: Record<'first' | 'second', number[]> = { first: [], second: [] };
      const ends: unknown[] = [];
      const unwatch = store.watch('a', ({ size, end }) => {
        seen.first.push(size);
        if (end) ends.push(end);
      });
      const unwatchSecond = store.watch('a', ({ size }) => seen.second.push(size));
      await expect.poll(() => seen.first.length * seen.second.length).toBeGreaterThan(0);
      await store.append('a', 0, Buffer.from('one'));
      await expect.poll(() => [seen.first.at(-1), seen.second.at(-1)]).toEqual([3, 3]);
      unwatchSecond();
      const before = seen.second.length;
      await store.skip('a', 3, 10);
      await expect.poll(() => seen.first.at(-1)).toBe(10);
      await store.finish('a', COMPLETED);
      await expect.poll(() => ends.at(-1)).toEqual(COMPLETED);
      expect(seen.second.length).toBe(before);
      expect(seen.first).toEqual([...seen.first].sort((a, b) => a - b));
      unwatch();
    });

    it('tells those who watch before there is a log', async () => {
      const sizes: number[] = [];
      const unwatch = store.watch('a', ({ size }) => sizes.push(size));
      await store.create('a');
      await store.append('a', 0, Buffer.from('x'));
      await expect.poll(() => sizes.at(-1)).toBe(1);
      unwatch();
    });
  });
}
