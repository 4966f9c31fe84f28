/** Alerts with a clock of their own, on the embedded store, across restarts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../src/blocks/message.ts';
import type { Alert } from '../../src/domain/alerts.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { alertBoard } from '../../src/notifiers/alerts.ts';
import { AlertManager, type Failure } from '../../src/operations/alert-manager.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { LINE_3 } from '../slack/workspace.ts';
import { type MemoryNotices, memoryNotices, type Posted } from './memory-notices.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 5, 12);
const ADA = { team: 'T', user: 'U0ADA' };
const BEN = { team: 'T', user: 'U0BEN' };
const groups: Record<string, string[]> = {};
const useCase: UseCase = {
  ...LINE_3,
  onCall: { levels: [['S0ONCALL'], ['S0SECOND'], ['U0LEAD']], escalateAfterMs: 10 * MINUTE },
};

let dir: string;
let store: Store;
let now: number;
/** Milliseconds by which the machine's clock was set forward. */
let set = 0;
let alerts: AlertManager;
let notices: MemoryNotices;
const errors: unknown[] = [];
/** What Slack shows outlives the process. */
let shown: Posted[] = [];

type Alone = <T>(name: string, work: () => Promise<T>) => Promise<T>;

async function open(): Promise<void> {
  store = await openLowdbStore(dir);
  notices = memoryNotices(store, shown);
  alerts = instance();
}

/** @param alone what its instance shares with others; left out: there is no other */
function instance(alone?: Alone, of: Store = store): AlertManager {
  return new AlertManager({
    store: of,
    clock: { now: () => now + set, elapsed: () => now },
    directory: { membersOf: async (group) => groups[group] ?? [] },
    useCases: [useCase],
    admins: ['U0ROOT'],
    show: alertBoard(notices),
    onError: (error) => void errors.push(error),
    ...(alone ? { alone } : {}),
  });
}

async function restart(): Promise<void> {
  await store.close();
  await open();
  await alerts.recover();
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-alerts-'));
  now = START;
  set = 0;
  errors.length = 0;
  shown = [];
  groups.S0ONCALL = ['U0ADA'];
  groups.S0SECOND = ['U0BEN'];
  await open();
});
afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

const failure = (name: string, more: Partial<Failure> = {}): Failure => ({
  kind: 'compilation',
  title: 'Compilation failed',
  cause: 'operators are not implemented',
  scope: 'model',
  subject: { id: `id ${name}`, name, pipeline: 'model', target: name, at: now },
  job: 'model-1',
  ...more,
});

const texts = (): string[] => notices.all().map(({ message }) => words(message));
const words = (message: Message): string => `${message.text}\n${JSON.stringify(message.blocks)}`;

async function only(): Promise<Alert> {
  const all = await store.listAlerts({ limit: 10 });
  expect(all).toHaveLength(1);
  return all[0]!;
}

describe('[N4] an alert', () => {
  it('is one for forty targets that fail for one cause, with their count', async () => {
    for (let target = 0; target < 40; target += 1) await alerts.raise(useCase, failure(`target-${target}`));
    expect((await only()).count).toBe(40);
    expect(notices.all()).toHaveLength(1);
    expect(texts()[0]).toContain('40 failures with the same cause');
    expect(texts()[0]).toContain('<!subteam^S0ONCALL>');
  });

  it('is posted once however often its failure is told', async () => {
    await Promise.all([1, 2, 3].map(() => alerts.raise(useCase, failure('a'))));
    await restart();
    await alerts.raise(useCase, failure('a'));
    expect((await only()).count).toBe(1);
    expect(notices.all()).toHaveLength(1);
  });

  it('goes to the next level when nobody acknowledges, also when the time passed in a stop, once each', async () => {
    await alerts.raise(useCase, failure('a'));
    now += 9 * MINUTE;
    await alerts.tick();
    expect(notices.all()).toHaveLength(1);
    now += 2 * MINUTE;
    await restart();
    await alerts.tick();
    await alerts.tick();
    expect(texts().filter((text) => text.includes('<!subteam^S0SECOND>'))).toHaveLength(1);
    // The next level has its own time to answer.
    now += 11 * MINUTE;
    await restart();
    await alerts.tick();
    expect(texts().filter((text) => text.includes('<@U0LEAD>'))).toHaveLength(1);
    now += 60 * MINUTE;
    await alerts.tick();
    expect(notices.all()).toHaveLength(3);
  });

  it('escalates as if nothing were when the clock is set forward or back by hours, and in no storm', async () => {
    for (const by of [5 * 60, -3 * 60, -26 * 60]) {
      const before = notices.all().length;
      await alerts.raise(useCase, failure(`set by ${by}`, { cause: `boom ${'x'.repeat(Math.abs(by) % 7)}` }));
      await alerts.tick();
      set += by * MINUTE;
      await alerts.tick();
      now += 9 * MINUTE;
      await alerts.tick();
      expect(notices.all()).toHaveLength(before + 1);
      now += 2 * MINUTE;
      await alerts.tick();
      expect(notices.all()).toHaveLength(before + 2);
      for (const alert of await store.listAlerts({ unresolved: true, limit: 9 }))
        await alerts.close(alert, ADA);
      shown = notices.all().filter(({ key }) => !key.endsWith('/resolved'));
      await restart();
    }
  });

  it('ends a snooze after the time that was asked for when the clock is set meanwhile', async () => {
    for (const by of [8 * 60, -8 * 60]) {
      await alerts.raise(useCase, failure(`snoozed ${by}`, { cause: by > 0 ? 'boom' : 'bang' }));
      const [alert] = await store.listAlerts({ unresolved: true, limit: 1 });
      await alerts.snooze(alert!, ADA, 30 * MINUTE);
      await alerts.tick();
      set += by * MINUTE;
      now += 29 * MINUTE;
      await alerts.tick();
      expect((await store.getAlert(alert!.id))?.snoozedUntil).toBeDefined();
      now += 2 * MINUTE;
      await alerts.tick();
      expect((await store.getAlert(alert!.id))?.trail.at(-1)?.action).toBe('woken');
      await alerts.close(alert!, ADA);
    }
  });

  it('does not wait for hours when the clock was set back while nothing ran', async () => {
    await alerts.raise(useCase, failure('a'));
    set -= 6 * 60 * MINUTE;
    await restart();
    await alerts.tick();
    now += 11 * MINUTE;
    await alerts.tick();
    expect(texts().filter((text) => text.includes('<!subteam^S0SECOND>'))).toHaveLength(1);
  });

  it('is drawn as soon as it can be, without a restart', async () => {
    await alerts.raise(useCase, failure('a'));
    now += 11 * MINUTE;
    notices.broken = true;
    await alerts.tick();
    await alerts.tick();
    expect(notices.all()).toHaveLength(1);
    notices.broken = false;
    await alerts.tick();
    expect(texts().filter((text) => text.includes('<!subteam^S0SECOND>'))).toHaveLength(1);
  });

  it('makes good for a crash between escalating and telling', async () => {
    await alerts.raise(useCase, failure('a'));
    now += 11 * MINUTE;
    notices.broken = true;
    await alerts.tick();
    expect(errors).toHaveLength(1);
    expect(notices.all()).toHaveLength(1);
    await restart();
    expect(texts().filter((text) => text.includes('<!subteam^S0SECOND>'))).toHaveLength(1);
  });

  it('says that a group is empty and tells the next level at once, at last the admins', async () => {
    groups.S0ONCALL = [];
    await alerts.raise(useCase, failure('a'));
    expect(texts()[0]).toContain('Nobody is in the user group `S0ONCALL`');
    expect(texts()[0]).toContain('<!subteam^S0SECOND>');
    expect((await only()).level).toBe(1);
    groups.S0SECOND = [];
    const alone = { ...useCase, id: useCase.id, onCall: { levels: [['S0ONCALL']], escalateAfterMs: MINUTE } };
    await alerts.raise(alone, failure('b', { scope: 'another' }));
    expect(texts().at(-1)).toContain('<@U0DEV>');
  });

  it('is not escalated once it is acknowledged, and a click twice changes nothing', async () => {
    const alert = (await alerts.raise(useCase, failure('a')))!;
    expect((await alerts.acknowledge(alert, ADA)).changed).toBe(true);
    const late = await alerts.acknowledge(alert, BEN);
    expect(late.changed).toBe(false);
    expect(late.alert.acknowledged?.by).toEqual(ADA);
    now += 60 * MINUTE;
    await alerts.tick();
    expect(notices.all()).toHaveLength(1);
    expect(texts()[0]).toContain('Acknowledged by <@U0ADA>');
    const trail = await store.listAudit({ limit: 10 });
    expect(trail.map(({ action }) => action)).toEqual(['alert.acknowledged']);
  });

  it('calls the same level again when a snooze is over, and the one it was passed to', async () => {
    const alert = (await alerts.raise(useCase, failure('a')))!;
    await alerts.snooze(alert, ADA, 30 * MINUTE);
    now += 31 * MINUTE;
    await alerts.tick();
    expect(texts().at(-1)).toContain('The snooze is over');
    await alerts.pass(alert, ADA, 'U0CHLOE');
    expect(texts().at(-1)).toContain('<@U0CHLOE> · Passed to you');
    expect((await only()).level).toBe(0);
  });

  it('is made good by a later success and by no earlier one', async () => {
    await alerts.raise(useCase, failure('a'));
    const success = { kind: 'compilation', pipeline: 'model', target: 'a' } as const;
    await alerts.succeeded(useCase, { ...success, at: now - 1 });
    expect((await only()).state).toBe('open');
    await alerts.succeeded(useCase, { ...success, at: now + 1 });
    expect((await only()).state).toBe('resolved');
    await expect(alerts.acknowledge(await only(), ADA)).rejects.toThrow('resolved already');
  });

  it('[N5] calls nobody for what they did themselves', async () => {
    const mine = { ...useCase, onCall: { levels: [['U0ADA', 'U0BEN']], escalateAfterMs: MINUTE } };
    await alerts.raise(mine, failure('a', { startedBy: ADA }));
    expect(texts()[0]).not.toContain('<@U0ADA>');
    expect(texts()[0]).toContain('<@U0BEN>');
  });

  it('is not raised for what is muted, until the mute ends', async () => {
    const alert = (await alerts.raise(useCase, failure('noisy-1')))!;
    await alerts.mute(alert, ADA, { pattern: 'noisy-*', forMs: 60 * MINUTE });
    expect((await only()).resolved?.why).toBe('muted');
    expect(await alerts.raise(useCase, failure('noisy-2'))).toBeUndefined();
    now += 61 * MINUTE;
    expect(await alerts.raise(useCase, failure('noisy-3'))).toBeDefined();
  });

  it('is not there in another use case, whatever is done to it', async () => {
    const alert = (await alerts.raise(useCase, failure('a')))!;
    const foreign = { id: alert.id, useCase: 'harbor' };
    for (const act of [
      () => alerts.find(foreign),
      () => alerts.acknowledge(foreign, ADA),
      () => alerts.close(foreign, ADA),
      () => alerts.snooze(foreign, ADA, MINUTE),
      () => alerts.pass(foreign, ADA, 'U0BEN'),
      () => alerts.mute(foreign, ADA, { pattern: 'x' }),
    ])
      await expect(act()).rejects.toMatchObject({ code: 'not_found' });
    expect(await store.getAlert(alert.id)).toEqual(alert);
    expect(await store.listMutes()).toEqual([]);
  });

  it('stays muted as long as somebody meant it who came before', async () => {
    const first = (await alerts.raise(useCase, failure('noisy-1')))!;
    expect((await alerts.mute(first, ADA, { pattern: 'noisy-*', forMs: 60 * MINUTE })).kept).toBeUndefined();
    const second = (await alerts.raise(useCase, failure('quiet-1')))!;
    const { kept } = await alerts.mute(second, BEN, { pattern: 'NOISY-*', forMs: 5 * MINUTE });
    expect(kept).toMatchObject({ by: ADA, until: now + 60 * MINUTE });
    expect(await store.listMutes()).toEqual([kept]);
    // A longer one is what the second wants, too.
    const third = (await alerts.raise(useCase, failure('quiet-2')))!;
    expect((await alerts.mute(third, BEN, { pattern: 'noisy-*' })).kept).toBeUndefined();
    expect(await store.listMutes()).toMatchObject([{ by: BEN }]);
  });

  it('is raised again once a mute is taken back, which is on record once', async () => {
    const alert = (await alerts.raise(useCase, failure('noisy-1')))!;
    await alerts.mute(alert, ADA, { pattern: 'noisy-*' });
    const [mute] = await store.listMutes(useCase.id);
    expect(await alerts.unmute('another-use-case', mute!.id, BEN)).toBeUndefined();
    expect((await alerts.unmute(useCase.id, mute!.id, BEN))?.pattern).toBe('noisy-*');
    expect(await alerts.unmute(useCase.id, mute!.id, ADA)).toBeUndefined();
    expect(await alerts.raise(useCase, failure('noisy-2'))).toBeDefined();
    const record = (await store.listAudit({ limit: 100 })).filter(({ action }) => action === 'alert.unmuted');
    expect(record).toMatchObject([{ actor: BEN, useCase: useCase.id, subject: 'noisy-*' }]);
  });

  it('ends alike whatever comes in between: any order of acts, waits and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('raise', 'ack', 'snooze', 'wait', 'tick', 'restart', 'success'), {
          maxLength: 12,
        }),
        async (acts) => {
          await store.close();
          await rm(dir, { recursive: true, force: true });
          now = START;
          shown = [];
          await open();
          let raised = 0;
          for (const act of acts) {
            const [alert] = await store.listAlerts({ unresolved: true, limit: 1 });
            if (act === 'raise') {
              raised += 1;
              await alerts.raise(useCase, failure(`t${raised}`));
            } else if (act === 'wait') now += 11 * MINUTE;
            else if (act === 'tick') await alerts.tick();
            else if (act === 'restart') await restart();
            else if (act === 'success')
              for (let at = 1; at <= raised; at += 1)
                await alerts.succeeded(useCase, {
                  kind: 'compilation',
                  pipeline: 'model',
                  target: `t${at}`,
                  at: now + 1,
                });
            else if (alert && act === 'ack') await alerts.acknowledge(alert, ADA);
            else if (alert && act === 'snooze') await alerts.snooze(alert, ADA, 30 * MINUTE);
          }
          const told = notices.all().length;
          await restart();
          expect(notices.posts).toBe(0);
          expect(notices.all()).toHaveLength(told);
          const left = await store.listAlerts({ unresolved: true, limit: 10 });
          expect(left.length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('several instances', () => {
  /** One after the other, whichever instance it is. */
  function inTurn(): { alone: Alone; times: () => number } {
    let times = 0;
    let last: Promise<unknown> = Promise.resolve();
    const alone: Alone = (_, work) => {
      times += 1;
      const result = last.then(work);
      last = result.catch(() => undefined);
      return result;
    };
    return { alone, times: () => times };
  }

  it('wait for each other to open an alert, and not to add to one', async () => {
    const { alone, times } = inTurn();
    const [one, other] = [instance(alone), instance(alone)];
    await one.raise(useCase, failure('first'));
    expect(times()).toBe(1);
    const stuck = instance(() => new Promise(() => {}));
    const names = Array.from({ length: 20 }, (_, n) => `later ${n}`);
    const all = await Promise.all(
      names.map((name) => (name.endsWith('1') ? stuck : other).raise(useCase, failure(name))),
    );
    expect(new Set(all.map((alert) => alert?.id))).toEqual(new Set([(await only()).id]));
    expect(await only()).toMatchObject({ count: 21 });
    expect(times()).toBe(1);
  });

  it('open one where the alert is resolved just as a failure was to be added', async () => {
    const { alone, times } = inTurn();
    const one = instance(alone);
    const before = await one.raise(useCase, failure('first'));
    const late = new Proxy(store, {
      get(target, name) {
        const method = Reflect.get(target, name, target) as unknown;
        if (name !== 'changeAlertOfGroup') return typeof method === 'function' ? method.bind(target) : method;
        return async (...args: Parameters<Store['changeAlertOfGroup']>) => {
          if (times() === 1) await alerts.close(before!, ADA);
          return target.changeAlertOfGroup(...args);
        };
      },
    });
    const after = await instance(alone, late).raise(useCase, failure('second'));
    expect(after).toMatchObject({ state: 'open', count: 1 });
    expect(after!.id).not.toBe(before!.id);
    expect(times()).toBe(2);
  });

  it('count each failure of a flood once in few alerts, whoever raises it', async () => {
    const { alone } = inTurn();
    const three = [instance(alone), instance(alone), instance(alone)];
    const failures = Array.from({ length: 300 }, (_, n) =>
      failure(`device ${n}`, {
        cause: `cause ${'abcdefghijklmnop'[n % 16]!.repeat(3)}`,
        scope: `part ${n % 7}`,
      }),
    );
    await Promise.all(failures.map((one, n) => three[n % 3]!.raise(useCase, one)));
    const all = await store.listAlerts({ limit: 100 });
    expect(all.length).toBeLessThanOrEqual(9);
    expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(300);
    const subjects = all.flatMap(({ subjects }) => subjects.map(({ id }) => id));
    expect(new Set(subjects).size).toBe(300);
  });
});
