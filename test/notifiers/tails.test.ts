/** Watched runs on the embedded store, with logs and a clock that the test holds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import type { RunEnd } from '../../src/domain/runs.ts';
import { MOST_TAILS, type Tail, type TailPlace, WATCH_FOR } from '../../src/domain/tails.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { Notifier, NotifierDeps } from '../../src/notifiers/notifier.ts';
import { tailNotifier } from '../../src/notifiers/tails.ts';
import { startTail, stopTail, type TailDeps } from '../../src/operations/start-tails.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { LINE_3 } from '../slack/workspace.ts';
import { type MemoryNotices, memoryNotices, type Posted } from './memory-notices.ts';

const CHANNEL = 'C0LINE3';
const JOB = 'local:press-1';
const RUN = 'line-3~local~press-1';
const CARD = `card/line-3/${JOB}`;
const MINUTE = 60_000;
const ada = { team: 'T', user: 'U0ADA' };
const place: TailPlace = { useCase: 'line-3', job: JOB, channel: CHANNEL, thread: CARD };

let dir: string;
let store: Store;
let logs: MemoryRunLogs;
let now: number;
let shown: Posted[];
let notices: MemoryNotices;
let useCase: UseCase;
let readers: string[] | Error;
let errors: unknown[];
/** What is followed and read now. */
let held: string[];
let notifier: Notifier;
let deps: TailDeps;

function begin(): void {
  notices = memoryNotices(store, shown);
  const hold = (what: string) => (run: string) => {
    const name = `${what} ${run}`;
    held.push(name);
    return () => void held.splice(held.indexOf(name), 1);
  };
  notifier = tailNotifier({
    ...({ store, notices, clock: { now: () => now }, team: 'T' } as unknown as NotifierDeps),
    useCases: [useCase],
    onError: (error) => void errors.push(error),
    watched: {
      logs,
      follow: hold('follow'),
      reading: hold('read'),
      directory: {
        isInGroup: async () => false,
        isInChannel: async (user) => {
          if (readers instanceof Error) throw readers;
          return readers.includes(user);
        },
      },
    },
  });
  deps = { store, clock: { now: () => now }, changed: () => {} };
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-tails-'));
  now = Date.UTC(2026, 0, 5, 12);
  store = await openLowdbStore(dir, { now: () => now });
  logs = new MemoryRunLogs({ clock: { now: () => now } });
  useCase = { ...LINE_3, access: { viewer: ['channel-members'] } };
  [shown, errors, held, readers] = [[], [], [], ['U0ADA', 'U0BEN']];
  await train({});
  begin();
});
afterEach(async () => {
  notifier.stop?.();
  await store.close();
  await rm(dir, { recursive: true, force: true });
  expect(held).toEqual([]);
});

async function train(more: Partial<TrainingJob>): Promise<void> {
  const job: TrainingJob = {
    ...{ name: 'press-1', useCase: 'line-3', provider: 'local', state: 'running', status: 'running' },
    ...{ createdAt: now, startedAt: now },
    ...more,
  };
  await store.changeJob('line-3', JOB, () => ({ job, seenAt: now }));
}

async function print(text: string): Promise<void> {
  const { size } = await logs.create(RUN);
  await logs.append(RUN, size, Buffer.from(text));
}

const watch = (by = 'U0ADA', at: TailPlace = place) =>
  startTail(deps, {
    place: at,
    by: { user: by, name: by.slice(2).toLowerCase() },
    actor: { team: 'T', user: by },
  });

/** Time passes, and the background looks. */
async function pass(ms = 4_000): Promise<void> {
  now += ms;
  await notifier.tick!(new AbortController().signal);
}

const words = (key?: string): string =>
  JSON.stringify((key === undefined ? shown : shown.filter((one) => one.key === key)).at(-1)?.message);

async function edited(key: string): Promise<number> {
  return (await store.getPost(key))!.version;
}

describe('[W6] a run that is watched', () => {
  it('is one message in its place, however often it is asked for, and shows what the run prints', async () => {
    await print('epoch 1\n 10%\r 20%');
    const both = await Promise.all([watch('U0ADA'), watch('U0BEN')]);
    expect(both.map(({ begun }) => begun).sort()).toEqual([false, true]);
    await pass();
    expect(shown).toHaveLength(1);
    expect(shown[0]).toMatchObject({ channel: CHANNEL, thread: CARD });
    expect(words()).toContain('epoch 1\\n 20%');
    await print('\repoch 2\n');
    await pass();
    expect(shown).toHaveLength(1);
    expect(words()).toContain('epoch 1\\nepoch 2');
    expect(held).toEqual([`follow ${RUN}`, `read ${RUN}`]);
    expect((await store.listAudit({ limit: 9 })).map(({ action, actor }) => [action, actor.user])).toEqual([
      ['logs.watched', 'U0BEN'],
      ['logs.watched', 'U0ADA'],
    ]);
    // Another place is another message.
    await watch('U0ADA', { ...place, channel: 'U0ADA', thread: undefined });
    await pass();
    expect(shown.map(({ channel }) => channel)).toEqual([CHANNEL, 'U0ADA']);
  });

  it('is drawn every few seconds, less often the more are watched', async () => {
    await print('1\n');
    await watch();
    await pass();
    await print('2\n');
    await pass(1_000);
    expect(words()).not.toContain('1\\n2');
    await pass(3_000);
    expect(words()).toContain('1\\n2');
    for (let other = 0; other < 9; other += 1)
      await watch('U0ADA', { ...place, thread: `thread/${CHANNEL}/${other}` });
    await pass();
    const { id } = (await store.listTails())[0]!;
    await print('3\n');
    await pass(12_000);
    expect(words(id)).not.toContain('2\\n3');
    await pass(8_000);
    expect(words(id)).toContain('2\\n3');
  });

  it('goes on where it was for whoever takes over, and tells the end that nobody has told', async () => {
    await print('epoch 1\n');
    const { tail } = await watch();
    await pass();
    const before = words();
    notifier.stop?.();
    begin();
    await pass();
    // Nothing has happened, so it says the same, down to its times.
    expect(words()).toBe(before);
    await print('epoch 2\n');
    notices.broken = true;
    await logs.finish(RUN, { state: 'completed', exitCode: 0, signal: null, at: now });
    await pass();
    expect(errors).toHaveLength(1);
    notifier.stop?.();
    begin();
    await pass();
    expect(words()).toMatch(/Training completed.*exit code 0.*epoch 1\\nepoch 2/);
    expect(await store.listTails()).toEqual([]);
    expect((await store.getTail(tail.id))?.ended?.why).toBe('run');
  });

  const ENDS: readonly [RunEnd, RegExp][] = [
    [{ state: 'failed', exitCode: 3, signal: null, at: 1 }, /Training failed.*exit code 3/],
    [{ state: 'failed', exitCode: null, signal: 'SIGKILL', at: 1 }, /Training failed.*SIGKILL/],
    [{ state: 'stopped', exitCode: null, signal: 'SIGTERM', at: 1 }, /Training stopped/],
    [{ state: 'lost', exitCode: null, signal: null, at: 1 }, /Nobody saw how/],
  ];
  it.each(ENDS)('ends as the run: %o', async (end, says) => {
    await print('epoch 1\n');
    await watch();
    await pass();
    await logs.finish(RUN, { ...end, at: now });
    await pass();
    expect(words()).toMatch(says);
    expect(held).toEqual([]);
  });

  it('does not wait for ever for the log of a job that has ended', async () => {
    await print('epoch 1\n');
    await watch();
    await pass();
    await logs.note(RUN, 'CloudWatch does not answer.');
    await train({ state: 'failed', status: 'failed', endedAt: now });
    await pass(9 * MINUTE);
    expect(words()).toContain('Watching');
    await pass(MINUTE);
    expect(words()).toMatch(/Training failed.*CloudWatch does not answer/);
  });

  it('stops after two hours from when it was last asked for, and goes on in the same message', async () => {
    await print('epoch 1\n');
    const { tail } = await watch();
    await pass(WATCH_FOR / 2);
    await watch('U0BEN');
    await pass(WATCH_FOR / 2 + MINUTE);
    expect(words()).toContain('Watching');
    await pass(WATCH_FOR / 2);
    expect(words()).toMatch(/two hours have passed.*Resume/);
    expect(held).toEqual([]);
    expect((await watch('U0BEN')).tail).toMatchObject({ id: tail.id, watchers: [{ user: 'U0BEN' }] });
    await print('epoch 2\n');
    await pass();
    expect(shown).toHaveLength(1);
    expect(words()).toMatch(/Watching.*epoch 1\\nepoch 2/);
  });

  it('is stopped by a person, once, and whoever asks at the same moment has it again', async () => {
    await print('epoch 1\n');
    const { tail } = await watch();
    await pass();
    const ben = { user: 'U0BEN', name: 'ben' };
    const stops = await Promise.all(
      [1, 2].map(() => stopTail(deps, tail, ben, { team: 'T', user: 'U0BEN' })),
    );
    expect(stops.sort()).toEqual([false, true]);
    await pass();
    expect(words()).toContain('ben has stopped it');
    expect((await store.listAudit({ limit: 1 }))[0]).toMatchObject({
      action: 'logs.watch_stopped',
      actor: { user: 'U0BEN' },
    });
    const again = (await watch()).tail;
    await Promise.all([stopTail(deps, again, ben, ada), watch()]);
    await pass();
    expect(words()).toContain('Watching');
  });

  it('ends where nobody who asked may read the log any more, and shows no line then', async () => {
    await print('the secret of the press\n');
    await watch('U0ADA');
    await watch('U0BEN');
    await pass();
    readers = ['U0BEN'];
    await pass(MINUTE);
    expect(words()).toContain('the secret of the press');
    readers = [];
    await pass(MINUTE);
    expect(words()).toMatch(/nobody who asked for it may read/);
    expect(words()).not.toContain('the secret of the press');
    expect((await store.listAudit({ limit: 1 }))[0]).toMatchObject({
      action: 'logs.watch_withdrawn',
      useCase: 'line-3',
    });
  });

  it('shows nothing new while Slack does not say who may read it', async () => {
    await print('epoch 1\n');
    await watch();
    await pass();
    readers = new AppError('unavailable', 'Slack does not answer.');
    await print('epoch 2\n');
    await pass(MINUTE);
    expect(words()).not.toContain('epoch 2');
    readers = ['U0ADA'];
    await pass();
    expect(words()).toContain('epoch 2');
  });

  it('ends where the channel is not the use case’s any more', async () => {
    await print('epoch 1\n');
    await watch();
    await pass();
    notifier.stop?.();
    useCase = { ...useCase, channels: ['C0OTHER'] };
    begin();
    await pass();
    expect(words()).not.toContain('epoch 1');
    expect(await store.listTails()).toEqual([]);
  });

  it('says what keeps the log from going on, and goes on by itself', async () => {
    await print('epoch 1\n');
    await watch();
    await pass();
    await logs.note(RUN, 'The local runner does not answer. Is it running?');
    await pass();
    expect(words()).toContain(':warning: The local runner does not answer. Is it running?');
    await logs.note(RUN, undefined);
    await print('epoch 2\n');
    await pass();
    expect(words()).not.toContain(':warning:');
    expect(words()).toContain('epoch 2');
  });

  it('ends with a message that was deleted, and is another message when it is asked for again', async () => {
    await print('epoch 1\n');
    const { tail } = await watch();
    await pass();
    await store.changePost(tail.id, (post) => ({ ...post!, failed: { code: 'message_not_found', at: now } }));
    await pass();
    expect(await store.listTails()).toEqual([]);
    expect(held).toEqual([]);
    const again = await watch();
    expect(again.tail.id).not.toBe(tail.id);
    await pass();
    expect(shown).toHaveLength(2);
  });

  it('ends in a channel that cannot be posted to', async () => {
    await watch();
    await store.changeDeadChannel(CHANNEL, () => ({
      ...{ channel: CHANNEL, since: now, code: 'is_archived', nextCheckAt: now + MINUTE, checks: 0 },
    }));
    await pass();
    expect((await store.getTail((await watch()).tail.id)) as Tail).toMatchObject({ turn: 2 });
    expect(words()).toContain('I could not write here');
  });

  it('is refused where so many are watched that each would stand still', async () => {
    for (let n = 0; n < MOST_TAILS; n += 1)
      await watch('U0ADA', { ...place, thread: `thread/${CHANNEL}/${n}` });
    await expect(watch()).rejects.toMatchObject({ code: 'rate_limited' });
    // What goes on already may be asked for.
    expect((await watch('U0BEN', { ...place, thread: `thread/${CHANNEL}/1` })).begun).toBe(false);
    expect(await edited((await store.listTails())[0]!.id).catch(() => 0)).toBe(0);
  });
});
