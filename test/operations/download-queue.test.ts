import { describe, expect, it } from 'vitest';
import { AppError, CancelledError } from '../../src/ground/errors.ts';
import { DownloadQueue, type Ticket } from '../../src/operations/download-queue.ts';

const clock = { now: () => 0 };
const request = (key: string, user = 'U0ADA') => ({ key, user, userName: user, useCases: ['line-3'] });

/** Work that ends when it is told to. */
function manual() {
  const started: string[] = [];
  const finish = new Map<string, () => void>();
  const work =
    (name: string) =>
    (ticket: Ticket): Promise<string> => {
      started.push(name);
      return new Promise((resolve, reject) => {
        finish.set(name, () => resolve(name));
        ticket.signal.addEventListener('abort', () => reject(new Error('broke on the way')), { once: true });
      });
    };
  return { started, finish, work };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe('[L5] the downloads of downloads', () => {
  it('runs so many at once, and lets whoever has fewer in line go first', async () => {
    const downloads = new DownloadQueue(clock, { perProcess: 1, perUser: 5 });
    const { started, finish, work } = manual();
    const all = [
      downloads.run(request('a1', 'U0A'), work('a1')),
      downloads.run(request('a2', 'U0A'), work('a2')),
      downloads.run(request('a3', 'U0A'), work('a3')),
      downloads.run(request('b1', 'U0B'), work('b1')),
    ];
    await settle();
    expect(started).toEqual(['a1']);
    expect(downloads.ahead).toBe(4);
    for (const name of ['a1', 'b1', 'a2', 'a3']) {
      finish.get(name)!();
      await settle();
    }
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect(started).toEqual(['a1', 'b1', 'a2', 'a3']);
    expect(downloads.ahead).toBe(0);
  });

  it('knows the same request while it runs, and not once it is fulfilled', async () => {
    const downloads = new DownloadQueue(clock);
    const { finish, work } = manual();
    const first = downloads.run(request('same'), work('x'));
    await settle();
    const ticket = downloads.same('same')!;
    expect(ticket.user).toBe('U0ADA');
    expect(() => downloads.run(request('same'), work('y'))).toThrow(AppError);
    downloads.release(ticket.id);
    expect(downloads.same('same')).toBeUndefined();
    finish.get('x')!();
    await first;
  });

  it('refuses more than so many of one person', async () => {
    const downloads = new DownloadQueue(clock, { perProcess: 4, perUser: 1 });
    const { finish, work } = manual();
    const first = downloads.run(request('a'), work('a'));
    await settle();
    expect(() => downloads.run(request('b'), work('b'))).toThrow('1 downloads running');
    finish.get('a')!();
    await first;
  });

  it('cancels what waits at once and what runs when its work has ended, saying by whom', async () => {
    const downloads = new DownloadQueue(clock, { perProcess: 1, perUser: 5 });
    const { work, started } = manual();
    const running = downloads.run(request('a'), work('a'));
    const waiting = downloads.run(request('b'), work('b'));
    await settle();
    expect(downloads.cancel(downloads.same('b')!.id, 'by ada')).toBe(true);
    await expect(waiting).rejects.toThrow(new CancelledError('by ada'));
    expect(downloads.cancel(downloads.same('a')!.id, 'by ada')).toBe(true);
    await expect(running).rejects.toThrow(new CancelledError('by ada'));
    expect(started).toEqual(['a']);
    expect(downloads.cancel('unknown', 'by ada')).toBe(false);
  });

  it('[L4, O5] closes: nothing new, what runs is ended as unavailable', async () => {
    const downloads = new DownloadQueue(clock);
    const { work } = manual();
    const running = downloads.run(request('a'), work('a'));
    const ended = running.catch((error: unknown) => error);
    await settle();
    await downloads.close('restarting');
    // Not a cancellation: by this reason the engine keeps what was fetched.
    expect(await ended).toMatchObject({ name: 'AppError', code: 'unavailable', message: 'restarting' });
    expect(() => downloads.run(request('b'), work('b'))).toThrow('restarting');
  });
});
