import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Alert, acknowledge, applyDue, openAlert } from '../../src/domain/alerts.ts';
import { Schedules, type SchedulesOptions } from '../../src/events/schedules.ts';
import type { Store } from '../../src/ports.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { AT, SILENT } from './support.ts';

let dir: string;
let store: Store;
let now: number;
let schedules: Schedules;
let fired: string[];

function make(options: Partial<SchedulesOptions> = {}): Schedules {
  schedules = new Schedules({
    store,
    clock: { now: () => now },
    log: SILENT,
    beat: () => ({ stop: () => {} }),
    ...options,
  });
  schedules.on('note', async ({ id }) => void fired.push(id));
  return schedules;
}
async function restart(): Promise<void> {
  await schedules.stop();
  await store.close();
  store = await openLowdbStore(dir);
}
async function advance(ms: number): Promise<void> {
  now += ms;
  schedules.tick();
  await schedules.idle();
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-schedules-'));
  store = await openLowdbStore(dir);
  now = AT;
  fired = [];
});
afterEach(async () => {
  await schedules.stop();
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

describe('timers', () => {
  it('fire when they are due, once, in order', async () => {
    await make().start();
    await schedules.at({ id: 'b', kind: 'note', dueAt: AT + 2000 });
    await schedules.at({ id: 'a', kind: 'note', dueAt: AT + 1000 });
    await advance(999);
    expect(fired).toEqual([]);
    await advance(1);
    await advance(5000);
    await advance(5000);
    expect(fired).toEqual(['a', 'b']);
    expect(await store.listTimers()).toEqual([]);
  });

  it('fire after a restart for what became due meanwhile', async () => {
    await make().start();
    await schedules.at({ id: 'a', kind: 'note', dueAt: AT + 60_000 });
    await restart();
    now += 3_600_000;
    await make().start();
    await schedules.idle();
    expect(fired).toEqual(['a']);
  });

  it('can be moved and taken back', async () => {
    await make().start();
    await schedules.at({ id: 'a', kind: 'note', dueAt: AT + 1000 });
    await schedules.at({ id: 'b', kind: 'note', dueAt: AT + 1000 });
    await schedules.at({ id: 'a', kind: 'note', dueAt: AT + 9000 });
    await schedules.cancel('b');
    await advance(5000);
    expect(fired).toEqual([]);
    await advance(5000);
    expect(fired).toEqual(['a']);
  });

  it('stay when their handler sets them again', async () => {
    make();
    schedules.on('again', async ({ id, dueAt }) => {
      fired.push(id);
      if (fired.length < 3) await schedules.at({ id, kind: 'again', dueAt: dueAt + 1000 });
    });
    await schedules.start();
    await schedules.at({ id: 'a', kind: 'again', dueAt: AT + 1000 });
    for (let n = 0; n < 9; n++) await advance(1000);
    expect(fired).toEqual(['a', 'a', 'a']);
    expect(await store.listTimers()).toEqual([]);
  });

  it('are tried again when their handler fails', async () => {
    make({ backoff: [5000, 60_000] });
    let failures = 2;
    schedules.on('hard', async ({ id }) => {
      if (failures-- > 0) throw new Error('not now');
      fired.push(id);
    });
    await schedules.start();
    await schedules.at({ id: 'a', kind: 'hard', dueAt: AT });
    await advance(0);
    await advance(1000);
    expect(failures).toBe(1);
    await advance(5000);
    await advance(10_000);
    expect(fired).toEqual(['a']);
  });

  it('survive a clock that jumps back, and are met by one that jumps ahead', async () => {
    await make().start();
    await schedules.at({ id: 'a', kind: 'note', dueAt: AT + 1000 });
    await advance(-86_400_000);
    expect(fired).toEqual([]);
    await advance(2 * 86_400_000);
    expect(fired).toEqual(['a']);
  });

  it('are left alone when nobody handles their kind', async () => {
    await make().start();
    await schedules.at({ id: 'x', kind: 'of a later version', dueAt: AT });
    await advance(1000);
    expect(await store.listTimers()).toHaveLength(1);
  });
});

it('cron calls by expression and zone, never twice at once, and not after a stop', async () => {
  const ticks: (() => void)[] = [];
  const asked: string[] = [];
  make({
    cron: (expression, timeZone, tick) => {
      asked.push(`${expression} ${timeZone}`);
      ticks.push(tick);
      return { stop: () => {} };
    },
  });
  await schedules.start();
  let release = (): void => {};
  schedules.every('digest', '0 9 * * 1-5', 'Europe/Berlin', async () => {
    fired.push('digest');
    await new Promise<void>((resolve) => (release = resolve));
  });
  ticks[0]!();
  ticks[0]!();
  release();
  await schedules.idle();
  ticks[0]!();
  release();
  await schedules.stop();
  ticks[0]!();
  expect(asked).toEqual(['0 9 * * 1-5 Europe/Berlin']);
  expect(fired).toEqual(['digest', 'digest']);
});

it('[N4] an alert that nobody acknowledges is escalated, also across a restart, and an acknowledged one is not', async () => {
  const rule = { levels: 3, afterMs: 600_000 };
  const calls: string[] = [];
  const arm = (alert: Alert) =>
    alert.dueAt === undefined
      ? schedules.cancel(`alert/${alert.id}`)
      : schedules.at({
          id: `alert/${alert.id}`,
          kind: 'alert',
          dueAt: alert.dueAt,
          data: { alert: alert.id },
        });
  const escalating = (): Schedules => {
    make();
    schedules.on('alert', async ({ data }, at) => {
      let call: unknown;
      const alert = await store.changeAlert(String(data?.alert), (known) => {
        const due = applyDue(known, at, rule);
        call = due.call;
        if (due.call) calls.push(`${known.id} level ${due.call.level}`);
        return due.alert;
      });
      if (call !== undefined) await arm(alert);
    });
    return schedules;
  };
  await escalating().start();
  for (const id of ['slept', 'seen']) {
    const subject = { id: `job/${id}`, name: id, at: now };
    const alert = await store.changeAlertOfGroup({ useCase: 'line-3', group: id, subject: subject.id }, () =>
      openAlert(
        { id, useCase: 'line-3', group: id, kind: 'training', title: id, cause: 'boom', subject },
        now,
        rule,
      ),
    );
    await arm(alert!);
  }
  await store.changeAlert('seen', (alert) => acknowledge(alert, { team: 'T', user: 'U0ADA' }, now));
  await restart();
  now += 660_000;
  await escalating().start();
  await schedules.idle();
  expect(calls).toEqual(['slept level 1']);
  await advance(600_000);
  await advance(600_000);
  await advance(6_000_000);
  expect(calls).toEqual(['slept level 1', 'slept level 2']);
});
