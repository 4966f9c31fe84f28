/** What an ended instance left unsaid, told by those that live. */
import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { UnfinishedTeller } from '../../src/commands/tell-unfinished.ts';
import { AppError } from '../../src/ground/errors.ts';
import { DownloadsElsewhere } from '../../src/operations/downloads-elsewhere.ts';
import { type Fence, type FencedStore, outdated } from '../../src/ports/fences.ts';
import type { UnfinishedMessage, UnfinishedStore } from '../../src/ports/unfinished-store.ts';
import { InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { handTimers } from '../fixtures/hand-timers.ts';

const SECOND = 1_000;
const log = pino({ level: 'silent' });
let time: ReturnType<typeof handTimers>;
let hub: InProcessHub;
let kept: Map<string, UnfinishedMessage>;
let fences: Map<string, number>;
/** What people and messages have been told, in order. */
let shown: string[];

beforeEach(() => {
  time = handTimers();
  hub = new InProcessHub({ clock: time.clock, after: time.after, onError: () => {} });
  [kept, fences, shown] = [new Map(), new Map(), []];
});

type Store = UnfinishedStore & FencedStore<UnfinishedStore>;

/** One state for all. */
const store: Store = {
  putUnfinished: async (one) => void kept.set(one.id, one),
  removeUnfinished: async (id) => void kept.delete(id),
  listUnfinished: async () => [...kept.values()],
  under: async (held) => {
    refuseOlder(held);
    fences.set(held.lease, held.fence);
    return {
      ...store,
      removeUnfinished: async (id) => {
        refuseOlder(held);
        kept.delete(id);
      },
    };
  },
};
function refuseOlder(held: Fence): void {
  const newest = fences.get(held.lease) ?? 0;
  if (held.fence < newest) throw outdated(held, newest);
}

interface Instance {
  name: string;
  look(): Promise<void>;
  stop(): void;
  /** As after a kill, or while it hangs: it reaches nobody any more. */
  cutOff(): void;
}

/** What stands between an instance and Slack: passes at once, unless a test says otherwise. */
type Gate = (what: string) => Promise<void>;

async function instance(
  gate: Gate = async () => {},
  own: Partial<Store> = {},
  previous?: string,
): Promise<Instance> {
  const coordination = hub.join();
  const elsewhere = new DownloadsElsewhere(store, coordination);
  await elsewhere.begin(() => {}, previous);
  const show = async (what: string): Promise<void> => {
    await gate(what);
    shown.push(what);
  };
  const teller = new UnfinishedTeller({
    store: { ...store, ...own },
    ...{ coordination, elsewhere, isAlone: false, clock: time.clock, log },
    messages: {
      follow: (channel, ts) => ({
        ...{ channel, ts, edit: () => {} },
        finish: ({ text }) => show(`${ts} ${text}`),
        remove: () => show(`${ts} removed`),
      }),
    },
    files: { hasArrived: async () => false },
    lost: { tell: (_, { user }) => show(user) },
  });
  return {
    name: elsewhere.instance,
    look: () => teller.look(),
    stop: () => teller.stop(),
    cutOff: () => coordination.cutOff(),
  };
}

const waits = (user: string, by: string, more: object = {}): UnfinishedMessage => ({
  ...{ id: `answer/${user}`, channel: 'C1', since: time.clock.now(), by },
  answer: { user, typed: '/jobs', ...more },
});
const tells = (ts: string, by: string): UnfinishedMessage => ({
  ...{ id: ts, channel: 'C1', ts, since: time.clock.now(), by, becomes: { text: 'interrupted' } },
});
const leave = (...all: UnfinishedMessage[]): void => {
  for (const one of all) kept.set(one.id, one);
};
/** An instance that has ended, and its lease too. */
async function ended(...of: ((by: string) => UnfinishedMessage)[]): Promise<void> {
  const gone = await instance();
  leave(...of.map((one) => one(gone.name)));
  gone.cutOff();
  await time.advance(30 * SECOND);
}
const closed = (): { gate: Gate; open: () => void } => {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { gate: () => passed, open };
};
const refused = (): Promise<never> =>
  Promise.reject(new AppError('unavailable', 'Slack could not be reached.'));

it('[L4] is told by the second look, once, whoever looks at the same time', async () => {
  await ended(
    (by) => waits('U1', by),
    (by) => tells('1', by),
  );
  const all = [await instance(), await instance(), await instance()];
  for (const one of all) await one.look();
  expect(shown).toEqual([]);
  await Promise.all(all.map((one) => one.look()));
  for (const one of all) await one.look();
  expect(shown.sort()).toEqual(['1 interrupted', 'U1']);
  expect(kept.size).toBe(0);
});

it('[O1] is told at once by the process that comes after it in the same folder, though its lease still runs', async () => {
  const gone = await instance();
  leave(waits('U1', gone.name), tells('1', gone.name));
  gone.cutOff();
  const [other, next] = [await instance(), await instance(undefined, {}, gone.name)];
  await other.look();
  expect(shown).toEqual([]);
  await next.look();
  expect(shown.sort()).toEqual(['1 interrupted', 'U1']);
});

it('is not told of an instance that lives, nor of one that is back by the second look', async () => {
  const [one, back] = [await instance(), await instance()];
  leave(waits('U1', back.name), waits('U2', one.name));
  await one.look();
  await one.look();
  // It hung: others could have had its lease when they looked, and it has it again.
  const by = new Map([['answer/U1', true]]);
  const elsewhere = {
    isLeft: async ({ id }: UnfinishedMessage) => by.get(id) ?? false,
    hasEnded: () => false,
  };
  const teller = new UnfinishedTeller({
    ...{ store, coordination: hub.join(), elsewhere, isAlone: false, clock: time.clock, log },
    messages: { follow: () => Promise.reject() as never },
    files: { hasArrived: async () => false },
    lost: { tell: async (_, { user }) => void shown.push(user) },
  });
  await teller.look();
  by.delete('answer/U1');
  await teller.look();
  by.set('answer/U1', true);
  await teller.look();
  expect(shown).toEqual([]);
  await teller.look();
  expect(shown).toEqual(['U1']);
});

it('people are told though messages wait for Slack, and messages though removals do', async () => {
  await ended(
    (by) => ({ ...tells('1', by), becomes: undefined }),
    (by) => tells('2', by),
    (by) => waits('U1', by),
  );
  const { gate, open } = closed();
  let isSlow = true;
  const one = await instance(async (what) => {
    if (isSlow && !what.startsWith('U')) await gate(what);
  });
  await one.look();
  const first = one.look();
  await time.advance(0);
  expect(shown).toEqual(['U1']);
  // What is lost meanwhile waits behind none of them, in another instance neither.
  isSlow = false;
  await ended(
    (by) => waits('U2', by),
    (by) => tells('3', by),
  );
  await one.look();
  await one.look();
  expect(shown).toEqual(['U1', 'U2']);
  open();
  await first;
  await one.look();
  expect(shown.sort()).toEqual(['1 removed', '2 interrupted', '3 interrupted', 'U1', 'U2']);
});

it('what Slack does not take is left for the next look, and holds up nothing', async () => {
  await ended(
    (by) => waits('U1', by),
    (by) => waits('U2', by),
    (by) => tells('1', by),
  );
  let isDown = true;
  const one = await instance((what) => (isDown && what !== 'U2' ? refused() : Promise.resolve()));
  await one.look();
  await one.look();
  expect(shown).toEqual(['U2']);
  isDown = false;
  await one.look();
  expect(shown.sort()).toEqual(['1 interrupted', 'U1', 'U2']);
});

it('a store that is away ends a look, and not the looking', async () => {
  await ended((by) => waits('U1', by));
  let isAway = true;
  const away = async (): Promise<UnfinishedMessage[]> => {
    if (isAway) throw new AppError('unavailable', 'The database is away.');
    return store.listUnfinished();
  };
  const one = await instance(undefined, { listUnfinished: away });
  await one.look();
  isAway = false;
  await one.look();
  await one.look();
  expect(shown).toEqual(['U1']);
});

it('so many people are told at once; once it is to stop no other, and those stay on record', async () => {
  const users = Array.from({ length: 20 }, (_, index) => `U${index}`);
  await ended(...users.map((user) => (by: string) => waits(user, by)));
  const { gate, open } = closed();
  let atOnce = 0;
  const one = await instance((what) => {
    atOnce += 1;
    return gate(what);
  });
  await one.look();
  const telling = one.look();
  await time.advance(0);
  expect(atOnce).toBe(8);
  one.stop();
  open();
  await telling;
  expect(shown).toHaveLength(8);
  expect(kept.size).toBe(12);
});

it('[O5] once it is to stop, it waits for the people whom it tells, and leaves messages to the next', async () => {
  await ended(
    (by) => waits('U1', by),
    (by) => tells('1', by),
    (by) => ({ ...tells('2', by), becomes: undefined }),
  );
  const { gate, open } = closed();
  const one = await instance((what) => (what === 'U1' ? gate(what) : new Promise(() => {})));
  await one.look();
  let isOver = false;
  const telling = one.look().then(() => {
    isOver = true;
  });
  await time.advance(0);
  one.stop();
  await time.advance(0);
  expect(isOver).toBe(false);
  open();
  await telling;
  expect(shown).toEqual(['U1']);
  expect([...kept.keys()]).toEqual(['1', '2']);
});

describe('nobody is told twice', () => {
  it('when the one who tells is killed just as Slack takes it', async () => {
    await ended(
      (by) => waits('U1', by),
      (by) => waits('U2', by, { view: 'V1' }),
    );
    // Slack has it, and the answer never reaches the one who told.
    const dies = await instance((what) => {
      shown.push(what);
      return new Promise<never>(() => {});
    });
    const other = await instance();
    await dies.look();
    void dies.look();
    await time.advance(0);
    dies.cutOff();
    await time.advance(30 * SECOND);
    await other.look();
    await other.look();
    // The window only says once more what it says.
    expect(shown.sort()).toEqual(['U1', 'U2', 'U2']);
    expect(kept.size).toBe(0);
  });

  it.each(['listUnfinished', 'under', 'removeUnfinished'] as const)(
    'when the one who tells hangs in %s while another does it, and wakes',
    async (where) => {
      await ended((by) => waits('U1', by));
      const { gate, open } = closed();
      let hangs = false;
      const hanging =
        <A extends unknown[], R>(work: (...given: A) => Promise<R>) =>
        async (...given: A): Promise<R> => {
          if (hangs) await gate(where);
          return work(...given);
        };
      const own: Partial<Store> = {
        under: async (held) => {
          hangs = true;
          const under = await (where === 'under' ? hanging(store.under) : store.under)(held);
          return {
            ...under,
            ...(where === 'under' ? {} : { [where]: hanging(under[where] as () => Promise<void>) }),
          };
        },
      };
      const hung = await instance(undefined, own);
      const other = await instance();
      await hung.look();
      const telling = hung.look();
      await time.advance(0);
      expect(shown).toEqual([]);
      hung.cutOff();
      await time.advance(30 * SECOND);
      await other.look();
      await other.look();
      expect(shown).toEqual(['U1']);
      open();
      await telling;
      expect(shown).toEqual(['U1']);
    },
  );
});
