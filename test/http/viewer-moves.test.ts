/** [W4] Moves of the viewer's window: one at a time, and the reader's newest wish is the last of them. */
import { describe, expect, it } from 'vitest';
import { Moves } from '../../src/http/viewer/moves.ts';

/** Moves that end when a test says so, and what became of each. */
class Watched {
  readonly done: string[] = [];
  changes = 0;
  readonly moves = new Moves(() => (this.changes += 1));
  #end: (error?: Error) => void = () => {};

  work(name: string): () => Promise<void> {
    return () =>
      new Promise((resolve, reject) => {
        this.done.push(name);
        this.#end = (error) => (error ? reject(error) : resolve());
      });
  }

  async end(error?: Error): Promise<void> {
    this.#end(error);
    await new Promise(setImmediate);
  }
}

describe('[W4] moves of the viewer’s window', () => {
  it('makes one at a time, and of the wishes that wait only the newest', async () => {
    const watched = new Watched();
    const { moves } = watched;
    const wishes = ['first', 'second', 'third'].map((name) => moves.wish(watched.work(name)));
    expect([watched.done, moves.isMoving, moves.hasWish, moves.wishes]).toEqual([['first'], true, true, 3]);
    await watched.end();
    expect([watched.done, moves.isMoving, moves.hasWish]).toEqual([['first', 'third'], true, false]);
    await watched.end();
    expect(await Promise.all(wishes)).toEqual([true, false, true]);
    expect([moves.isMoving, watched.changes]).toEqual([false, 2]);
  });

  it('makes all that is needed, before the wish that waits', async () => {
    const watched = new Watched();
    const { moves } = watched;
    const all = [
      moves.need(watched.work('one')),
      moves.wish(watched.work('old wish')),
      moves.need(watched.work('two')),
      moves.wish(watched.work('wish')),
      moves.need(watched.work('three')),
    ];
    for (let n = 0; n < 4; n++) await watched.end();
    expect(await Promise.all(all)).toEqual([true, false, true, true, true]);
    expect(watched.done).toEqual(['one', 'two', 'three', 'wish']);
  });

  it('goes on after one that failed, and tells who asked for it', async () => {
    const watched = new Watched();
    const { moves } = watched;
    const failing = moves.wish(watched.work('failing')).catch((error: Error) => error.message);
    const next = moves.wish(watched.work('next'));
    await watched.end(new Error('no answer'));
    expect(await failing).toBe('no answer');
    await watched.end();
    expect([await next, watched.done, moves.isMoving]).toEqual([true, ['failing', 'next'], false]);
    const again = moves.wish(watched.work('again'));
    await watched.end();
    expect(await again).toBe(true);
  });
});
