import { afterEach, describe, expect, it } from 'vitest';
import { AppError, CancelledError } from '../../src/ground/errors.ts';
import {
  begun,
  type Ending,
  isObserved,
  observe,
  observed,
  observedMethods,
  type Work,
} from '../../src/ground/observed.ts';

const heard: { work: Work; ending?: Ending }[] = [];
const ends: (() => void)[] = [];
const listen = (): void => {
  ends.push(
    observe({
      begin(work) {
        const entry: (typeof heard)[number] = { work };
        heard.push(entry);
        return {
          end: (ending) => {
            entry.ending = ending;
          },
        };
      },
    }),
  );
};
afterEach(() => {
  for (const end of ends.splice(0)) end();
  heard.length = 0;
});

const WORK: Work = { kind: 'command', name: 'logs' };

describe('observed work', () => {
  it('is done as it is where nobody listens, and what is wrapped stays what it was', async () => {
    const target = { ask: async () => 1 };
    expect(isObserved()).toBe(false);
    expect(await observed(WORK, async () => 5)).toBe(5);
    expect(observedMethods(target, () => WORK)).toBe(target);
    expect(() => begun(WORK)()).not.toThrow();
  });

  it('tells how it ended: well, with what was counted, or with an error’s code', async () => {
    listen();
    await observed(WORK, async () => 'abc', { result: (text) => ({ amounts: { bytes: text.length } }) });
    const denied = new AppError('permission_denied', 'no');
    await expect(observed(WORK, () => Promise.reject(denied))).rejects.toBe(denied);
    await observed(WORK, () => Promise.reject(new CancelledError())).catch(() => {});
    await observed(WORK, () => Promise.reject(new TypeError('a bug'))).catch(() => {});
    expect(heard.map(({ ending }) => ending?.outcome)).toEqual([
      'ok',
      'permission_denied',
      'cancelled',
      'internal',
    ]);
    expect(heard[0]!.ending!.amounts).toEqual({ bytes: 3 });
  });

  it('ends once, however often that is said', () => {
    listen();
    let count = 0;
    const end = (): void => {
      count += 1;
    };
    ends.push(observe({ begin: () => ({ end }) }));
    const hasGone = begun({ kind: 'viewer', name: 'stream' });
    hasGone();
    hasGone('failed');
    expect(count).toBe(1);
    expect(heard[0]!.ending!.outcome).toBe('ok');
  });

  it('of an object is that of the methods chosen, with their own this', async () => {
    class Counting {
      #count = 0;
      async add(more: number): Promise<number> {
        this.#count += more;
        return this.#count;
      }
      problem(): string | undefined {
        return this.#count > 2 ? 'too many' : undefined;
      }
    }
    listen();
    const watched = observedMethods(new Counting(), (method) =>
      method === 'add' ? { kind: 'store', name: 'add' } : undefined,
    );
    expect(await watched.add(2)).toBe(2);
    expect(await watched.add(2)).toBe(4);
    expect(watched.problem()).toBe('too many');
    expect(heard.map(({ work }) => work.name)).toEqual(['add', 'add']);
    expect(watched.add).toBe(watched.add);
  });

  it('runs inside what an observer puts around it', async () => {
    let depth = 0;
    ends.push(
      observe({
        begin: () => ({
          within: (run) => {
            depth += 1;
            return run();
          },
          end: () => {
            depth -= 1;
          },
        }),
      }),
    );
    await observed(WORK, () => observed(WORK, async () => expect(depth).toBe(2)));
    expect(depth).toBe(0);
  });
});
