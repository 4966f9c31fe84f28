/** Thousands of failures at once: few alerts, all of them counted, and what has nothing to do with them told beside. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/domain/alerts.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import { envelope, trainingEvent } from '../events/support.ts';
import { ALERTS, House, MINUTE } from './house.ts';

const MANY = 3_000;
const ADA = { team: 'T', user: 'U0ADA' };
let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const iso = () => new Date(house.now).toISOString();
const device = (name: string) => `arn:aws:greengrass:eu-west-1:123456789012:coreDevices:${name}`;

interface Told {
  name: string;
  state?: string;
  details?: string;
}
const components = (on: string, told: readonly Told[]) =>
  envelope(
    'Greengrass V2 Installed Component Status Change',
    {
      components: told.map(({ name, state = 'BROKEN', details }) => ({
        componentName: name,
        componentVersion: '1.0.0',
        lifecycleState: state,
        ...(details === undefined
          ? {}
          : { lifecycleStatusCodes: ['RUN_ERROR'], lifecycleStateDetails: details }),
      })),
    },
    { time: iso(), resources: [device(on)] },
  );
const SAME = 'An error occurred while running the component. The run script exited with code 1.';
const flood = (state = 'BROKEN') =>
  components(
    'press-1',
    Array.from({ length: MANY }, (_, n) => ({
      name: `c${n}`,
      state,
      ...(state === 'BROKEN' ? { details: SAME } : {}),
    })),
  );
/** A cause of letters only: numbers make no difference between causes. */
const cause = (n: number): string =>
  [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]!.repeat(2)).join('');

const training = (job: string) => {
  house.sagemaker = (name) =>
    name === job
      ? {
          name,
          useCase: 'line-3',
          provider: 'sagemaker',
          ...sageMakerState('Failed'),
          failureReason: 'AlgorithmError: loss is nan',
          createdAt: house.now - MINUTE,
          endedAt: house.now,
        }
      : undefined;
  return trainingEvent(job, 'Failed', { LastModifiedTime: house.now }, { time: iso() });
};
const open = (): Promise<Alert[]> => house.store.listAlerts({ unresolved: true, limit: 100 });
const all = (): Promise<Alert[]> => house.store.listAlerts({ limit: 5_000 });

describe('[N4] one event with 3,000 broken components', () => {
  it('is one alert that calls once, counts all of them, and has the list as a file in its thread', async () => {
    await house.emit(flood());
    const [alert, ...others] = await all();
    expect(others).toEqual([]);
    expect(alert).toMatchObject({ count: MANY, calls: [{ to: ['U0ADA'] }] });
    expect(house.on(ALERTS)).toHaveLength(1);
    const [words] = house.words(ALERTS);
    expect(words).toContain('and 2,999 more');
    expect(words).toContain('3,000 failures with the same cause');
    expect(words).toContain('… and 2,992 more');
    expect(words).toContain(SAME);
    expect(words!.match(/<@U0ADA>/g)).toHaveLength(2); // the text and the block of one message
    expect(words!.length).toBeLessThan(8_000);

    await house.tick();
    expect(house.files).toEqual([]);
    house.now += 6_000;
    await house.tick();
    await house.tick();
    expect(house.files).toHaveLength(1);
    const [file] = house.files;
    expect(file).toMatchObject({ thread: `ts of alert/${alert!.id}`, title: 'All 3,000 failures' });
    expect(file!.text.match(/c\d+ 1\.0\.0 on press-1/g)).toHaveLength(MANY);
    expect(house.words(ALERTS)[0]).toContain('All 3,000 are listed in the thread');
  });

  it('is handled as any other: acknowledged, escalated, snoozed, muted, also after a restart', async () => {
    await house.emit(flood());
    await house.restart();
    expect(house.on(ALERTS)).toHaveLength(1);
    house.now += 11 * MINUTE;
    await house.tick();
    const [alert] = await open();
    expect(alert).toMatchObject({ count: MANY, level: 1 });
    await house.alerts.acknowledge(alert!, ADA);
    await house.restart();
    expect((await open())[0]).toMatchObject({ state: 'acknowledged', count: MANY });
    await house.alerts.snooze(alert!, ADA, 30 * MINUTE);
    house.now += 31 * MINUTE;
    await house.tick();
    expect((await open())[0]!.calls!.at(-1)).toMatchObject({ why: 'woken' });
    await house.alerts.mute(alert!, ADA, { pattern: 'c* on press-1' });
    expect(await open()).toEqual([]);
    // Told again: muted, and nothing of it twice.
    house.now += 1_000;
    await house.emit(flood());
    expect(await all()).toHaveLength(1);
  });

  it('is counted once when it is told again, and ends when all of them run', async () => {
    await house.emit(flood());
    await house.restart();
    house.now += 1_000;
    await house.emit(flood());
    expect(await all()).toMatchObject([{ count: MANY }]);
    house.now += 1_000;
    await house.emit(components('press-1', [{ name: 'c7', state: 'RUNNING' }]));
    expect((await open())[0]!.subjects.filter(({ succeededAt }) => succeededAt !== undefined)).toHaveLength(
      1,
    );
    house.now += 1_000;
    await house.emit(flood('RUNNING'));
    expect((await all())[0]).toMatchObject({ state: 'resolved', resolved: { why: 'succeeded' } });
  });
});

describe('[N4] a component that fails on 300 devices, one event each', () => {
  it('is one alert, whatever restarts come, and each device makes its own failure good', async () => {
    const on = (n: number, state?: string) =>
      components(`box-${n}`, [{ name: 'vision', ...(state ? { state } : { details: SAME }) }]);
    const receive = (events: object[]) =>
      Promise.all(events.map((event) => house.ingest.receive(JSON.stringify(event), 'sqs')));
    const boxes = Array.from({ length: 300 }, (_, n) => n);
    await receive(boxes.map((n) => on(n)));
    await house.restart();
    await house.settle();
    expect(await all()).toMatchObject([{ count: 300 }]);
    expect(house.on(ALERTS)).toHaveLength(1);
    house.now += 1_000;
    await receive(boxes.map((n) => on(n, 'RUNNING')));
    await house.settle();
    expect((await all())[0]).toMatchObject({ state: 'resolved' });
  });

  it('is one failure for each device, though the device tries it three times and reports each time', async () => {
    for (const state of ['ERRORED', 'ERRORED', 'ERRORED', 'BROKEN']) {
      house.now += 5_000;
      await house.emit(components('box', [{ name: 'vision', state, details: SAME }]));
    }
    expect(await all()).toMatchObject([{ count: 1 }]);
    expect(house.words(ALERTS)[0]).toContain('Component broken on a device');
  });
});

describe('[N4] 300 failures with as many causes', () => {
  it('make few alerts, and all of them are counted, with their causes', async () => {
    for (let n = 0; n < 300; n += 1)
      await house.emit(components(`box-${n}`, [{ name: `part-${n}`, details: cause(n) }]));
    const alerts = await all();
    expect(alerts.length).toBeLessThanOrEqual(9);
    expect(alerts.reduce((sum, { count }) => sum + count, 0)).toBe(300);
    const mixed = alerts.find(({ spread }) => spread === 'kind')!;
    expect(mixed.count).toBeGreaterThan(280);
    expect(house.words(ALERTS).join()).toContain('failures with different causes');
    house.now += 6_000;
    await house.tick();
    expect(house.files.map(({ text }) => text).join()).toContain(cause(299));
  });

  it.each(['before', 'in the middle', 'after'] as const)(
    'a training that fails %s has an alert of its own, and calls',
    async (when) => {
      const at = { before: 0, 'in the middle': 150, after: 299 }[when];
      for (let n = 0; n < 300; n += 1) {
        if (n === at) await house.emit(training('resnet-1'));
        await house.emit(components(`box-${n}`, [{ name: `part-${n}`, details: cause(n) }]));
      }
      const own = (await open()).filter(({ kind }) => kind === 'training');
      expect(own).toMatchObject([{ count: 1, calls: [{ to: ['U0ADA'] }], subjects: [{ name: 'resnet-1' }] }]);
    },
  );
});
