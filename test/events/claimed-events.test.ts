import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClaimedEvents, giveBackOfGone, leaseOfInstance } from '../../src/events/claimed-events.ts';
import { Ingest } from '../../src/events/ingest.ts';
import type { Store } from '../../src/ports/store.ts';
import { type InProcessCoordination, InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { type HandTimers, handTimers } from '../fixtures/hand-timers.ts';
import { AT, body, envelope, SILENT, USE_CASE } from './support.ts';

const TTL = 12_000;
let dir: string;
let store: Store;
let time: HandTimers;
let hub: InProcessHub;
let running: Instance[];
/** Ends the hanging of handlers. */
let hanging: (() => void)[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-claims-'));
  store = await openLowdbStore(dir, { now: () => AT });
  time = handTimers();
  hub = new InProcessHub({ clock: time.clock, after: time.after, onError: () => {} });
  running = [];
  hanging = [];
});
afterEach(async () => {
  for (const wake of hanging) wake();
  for (const { events } of running) await events.stop();
  await store.close();
  await rm(dir, { recursive: true, force: true });
});

interface Instance {
  by: string;
  events: ClaimedEvents;
  coordination: InProcessCoordination;
  /** Under its lease. */
  store: Store;
}

type Told = (told: string, instance: Instance) => Promise<void>;

async function instance(by: string, told: Told, most?: number): Promise<Instance> {
  const coordination = hub.join();
  const lease = await coordination.lease(leaseOfInstance(by), TTL);
  const own = await store.under({ lease: lease.name, fence: lease.fence });
  const events = new ClaimedEvents({
    ...{ store: own, by, clock: { now: () => AT }, useCases: [USE_CASE], log: SILENT, backoff: [0, 0] },
    ...(most === undefined ? {} : { most, concurrency: most }),
  });
  const one: Instance = { by, events, coordination, store: own };
  events.on('alarm', ({ alarm }) => told(alarm, one));
  events.on('deployment', ({ device }) => told(device, one));
  running.push(one);
  return one;
}

let sent = 0;
const intake = () => new Ingest({ store, clock: { now: () => AT }, useCases: [USE_CASE], log: SILENT });
const receive = (event: object) => intake().receive(body(event), 'sqs');
function alarm(name: string, thing = name) {
  sent += 1;
  return envelope(
    'CloudWatch Alarm State Change',
    { alarmName: name, state: { value: 'ALARM' } },
    {
      time: new Date(AT + sent).toISOString(),
      resources: [`arn:aws:cloudwatch:eu-west-1:123456789012:alarm:${thing}`],
    },
  );
}
const deployment = (device: string) =>
  envelope(
    'Greengrass V2 Effective Deployment Status Change',
    { effectiveDeploymentExecutionStatus: 'FAILED', coreDeviceThingName: device, deploymentId: 'd' },
    { resources: [`arn:aws:greengrass:eu-west-1:123456789012:coreDevices:${device}`] },
  );
const pending = async () => (await store.countEvents()).pending;
const allHandled = () => expect.poll(pending, { timeout: 10_000 }).toBe(0);

describe('[N2] events that any instance handles', () => {
  it('are handled once each, by whoever is free', async () => {
    for (let n = 0; n < 200; n += 1) await receive(alarm(`alarm-${n}`));
    const had = new Map<string, string[]>();
    const told: Told = async (name, { by }) => {
      had.set(by, [...(had.get(by) ?? []), name]);
      await new Promise((resolve) => setImmediate(resolve));
    };
    const all = await Promise.all(['a', 'b', 'c'].map((by) => instance(by, told, 8)));
    for (const { events } of all) events.look();
    await allHandled();
    expect([...had.values()].flat().sort()).toEqual(
      Array.from({ length: 200 }, (_, n) => `alarm-${n}`).sort(),
    );
    for (const { by } of all) expect(had.get(by)!.length).toBeGreaterThan(40);
  });

  it('are handled by others when their instance has died without a word', async () => {
    await receive(alarm('press'));
    let died = false;
    const first = await instance('first', () => new Promise(() => (died = true)));
    first.events.look();
    await expect.poll(() => died).toBe(true);
    running = [];
    first.coordination.cutOff();
    const had: string[] = [];
    const second = await instance('second', async (name) => void had.push(name));
    expect(await giveBackOfGone(store, second.coordination, TTL)).toBe(0);
    await time.advance(TTL);
    expect(await giveBackOfGone(store, second.coordination, TTL)).toBe(1);
    second.events.look();
    await allHandled();
    expect(had).toEqual(['press']);
  });

  it('stay with an instance that lives, and are free at once when it stops', async () => {
    await receive(alarm('press'));
    const first = await instance('first', async () => {
      throw new Error('not now');
    });
    first.events.look();
    await expect.poll(() => store.listClaimants()).toEqual(['first']);
    const second = await instance('second', async () => {});
    await time.advance(10 * TTL);
    expect(await giveBackOfGone(store, second.coordination, TTL)).toBe(0);
    await first.events.stop();
    second.events.look();
    await allHandled();
  });

  it('are not written about by an instance that hung and wakes when another has them', async () => {
    await receive(alarm('press'));
    const asleep = (): void => {};
    let wake = asleep;
    let refused: unknown;
    const tell = (text: string, of: Store) =>
      of.changePost('card', () => ({
        ...{ key: 'card', id: 'i', channel: 'C0LINE3', createdAt: AT, changedAt: AT, version: 1, shown: 0 },
        message: { text },
      }));
    let hangs = true;
    const first = await instance('first', async (_, { store: own }) => {
      if (hangs)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      hangs = false;
      await tell('by the first', own).catch((error: unknown) => {
        refused = error;
        throw error;
      });
    });
    first.events.look();
    await expect.poll(() => wake !== asleep).toBe(true);
    first.coordination.cutOff();
    await time.advance(2 * TTL);
    const second = await instance(
      'second',
      async (_, { store: own }) => void (await tell('by the second', own)),
    );
    await giveBackOfGone(store, second.coordination, TTL);
    second.events.look();
    await allHandled();
    wake();
    await expect.poll(() => refused).toMatchObject({ code: 'conflict' });
    expect((await store.getPost('card'))!.message).toEqual({ text: 'by the second' });
    expect(await store.countEvents()).toMatchObject({ handled: 1, setAside: {} });
  });

  it('of alarms are handled at once, whatever thousands of devices report', async () => {
    for (let n = 0; n < 300; n += 1) await receive(deployment(`box-${n}`));
    const had: string[] = [];
    let go = (): void => {};
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const one = await instance('one', async (name) => {
      had.push(name);
      if (name.startsWith('box')) await held;
    });
    one.events.look();
    await expect.poll(() => had.length).toBe(64);
    await receive(alarm('press'));
    one.events.look();
    await expect.poll(() => store.listClaimants()).toEqual(['one']);
    go();
    await expect.poll(() => had.indexOf('press')).toBeGreaterThan(0);
    expect(had.indexOf('press')).toBeLessThan(130);
    await allHandled();
  });

  it('that cannot be handled for now take up nobody’s place', async () => {
    for (let n = 0; n < 20; n += 1) await receive(alarm(`bad-${n}`));
    const had: string[] = [];
    const one = await instance(
      'one',
      async (name) => {
        if (name.startsWith('bad') && had.length < 20) throw new Error('later');
        had.push(name);
      },
      4,
    );
    for (let n = 0; n < 20; n += 1) await receive(alarm(`good-${n}`));
    one.events.look();
    await allHandled();
    expect(had.slice(0, 20).every((name) => name.startsWith('good'))).toBe(true);
  });

  it('are each handled, in order of their thing, whoever dies, hangs and wakes meanwhile', async () => {
    const step = fc.record({
      what: fc.constantFrom('send', 'send', 'look', 'look', 'hang', 'wake', 'time'),
      which: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const things = ['belt', 'press', 'arm', 'box'];
        const expected = new Map<string, number[]>();
        const written = async (thing: string): Promise<number[]> =>
          JSON.parse((await store.getPost(`told/${thing}`))?.message?.text ?? '[]') as number[];
        for (const thing of things) await store.changePost(`told/${thing}`, () => post(thing, '[]'));
        let number = 0;
        const hung = new Set<Instance>();
        const told: Told = async (name, one) => {
          const { store: own } = one;
          const [thing, of] = name.split('#') as [string, string];
          if (hung.delete(one)) await new Promise<void>((resolve) => hanging.push(resolve));
          await own.changePost(`told/${thing}`, (known) => {
            const all = JSON.parse(known!.message!.text) as number[];
            // A second time shows once.
            return all.includes(Number(of)) ? known : post(thing, JSON.stringify([...all, Number(of)]));
          });
        };
        const join = () => instance(randomUUID(), told, 3);
        const alive = [await join(), await join(), await join()];
        for (const { what, which } of steps) {
          const one = alive[which % alive.length]!;
          if (what === 'send') {
            const thing = things[which]!;
            number += 1;
            expected.set(thing, [...(expected.get(thing) ?? []), number]);
            await receive(alarm(`${thing}#${number}`, thing));
          } else if (what === 'look') one.events.look();
          else if (what === 'time') await time.advance(TTL / 3);
          else if (what === 'hang') {
            hung.add(one);
            one.coordination.cutOff();
            alive[alive.indexOf(one)] = await join();
          } else {
            for (const wake of hanging) wake();
            hanging = [];
          }
          await new Promise((resolve) => setImmediate(resolve));
        }
        hung.clear();
        await time.advance(2 * TTL);
        await giveBackOfGone(store, alive[0]!.coordination, TTL);
        for (const { events } of alive) events.look();
        await expect
          .poll(
            async () => {
              for (const { events } of alive) events.look();
              return (await store.countEvents()).pending;
            },
            { interval: 5, timeout: 10_000 },
          )
          .toBe(0);
        for (const wake of hanging) wake();
        for (const { events, coordination } of running) {
          await events.stop();
          await coordination.close();
        }
        running = [];
        for (const [thing, numbers] of expected) expect(await written(thing)).toEqual(numbers);
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});

const post = (thing: string, text: string) => ({
  ...{
    key: `told/${thing}`,
    id: thing,
    channel: 'C0LINE3',
    createdAt: AT,
    changedAt: AT,
    version: 1,
    shown: 0,
  },
  message: { text },
});
