/** A request of Slack's that somebody has recorded, sent again to another instance, or to the next process. */
import { createHmac } from 'node:crypto';
import { App } from '@slack/bolt';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { startHttpServer } from '../../src/http/server.ts';
import type { OnceStore } from '../../src/ports/once-store.ts';
import { boltLogger } from '../../src/slack/clients.ts';
import { HttpIntake } from '../../src/slack/receivers.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { openPostgres } from '../../src/stores/postgres/index.ts';
import { whyNoPostgres } from '../fixtures/postgres.ts';
import { testFolder } from '../fixtures/test-folder.ts';
import { postgresOfTests } from '../stores/postgres/harness.ts';

const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const FORM = 'application/x-www-form-urlencoded';
const log = pino({ level: 'silent' });
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const COMMAND = new URLSearchParams({
  command: '/logs',
  text: 'help',
  user_id: 'U1',
  team_id: 'T1',
}).toString();
const EVENT = JSON.stringify({
  ...{ type: 'event_callback', team_id: 'T1', event_id: 'Ev1' },
  event: { type: 'app_mention', user: 'U1', channel: 'C1', text: '<@U0> logs', ts: '1.1', event_ts: '1.1' },
});

function signed(body: string, type: string, second = Math.floor(Date.now() / 1000)) {
  const digest = createHmac('sha256', SECRET).update(`v0:${second}:${body}`).digest('hex');
  const headers = {
    'content-type': type,
    'x-slack-request-timestamp': String(second),
    'x-slack-signature': `v0=${digest}`,
  };
  return { method: 'POST', body, headers };
}

/** The way in of one instance. */
async function instance(store: OnceStore, knownWithin?: number) {
  const intake = new HttpIntake({ signingSecret: SECRET, log, store, knownWithin });
  const app = new App({
    receiver: intake,
    authorize: async () => ({ botToken: 'xoxb-1', botUserId: 'U0' }),
    logger: boltLogger(log),
  });
  const done: string[] = [];
  app.command(/.*/, async ({ ack, body }) => {
    done.push(body.command);
    await ack();
  });
  app.event('app_mention', async ({ event }) => {
    done.push(event.type);
  });
  await intake.start();
  const server = await startHttpServer([intake.routes], { port: 0 });
  closing.push(() => server.close());
  return {
    done,
    send: async (request: ReturnType<typeof signed>) => {
      const response = await fetch(`http://127.0.0.1:${server.port}/slack/events`, request);
      return {
        status: response.status,
        again: response.headers.get('x-slack-no-retry') === null,
        text: await response.text(),
      };
    },
  };
}

const noPostgres = await whyNoPostgres();

describe.skipIf(noPostgres)('a request of Slack’s, where instances share a database', () => {
  const postgres = postgresOfTests();

  async function opened(url: string): Promise<OnceStore> {
    const clock = { now: () => Date.now(), elapsed: () => performance.now() };
    const { store, coordination } = await openPostgres({ url, clock, onError: () => {} });
    closing.push(
      () => store.close(),
      () => coordination.close(),
    );
    return store;
  }

  it('is taken by one of them, however often it comes and wherever', async () => {
    const url = await postgres().database();
    const all = await Promise.all([1, 2, 3].map(async () => instance(await opened(url))));
    for (const [body, type] of [
      [COMMAND, FORM],
      [EVENT, 'application/json'],
    ] as const) {
      const request = signed(body, type);
      const answers = await Promise.all([...all, ...all].map(({ send }) => send(request)));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    }
    // Bolt answers an event before it is handled.
    await expect.poll(() => all.flatMap(({ done }) => done).sort()).toEqual(['/logs', 'app_mention']);
  });

  it('that Slack sends again, signed anew, is taken: elsewhere too', async () => {
    const url = await postgres().database();
    const [one, other] = [await instance(await opened(url)), await instance(await opened(url))];
    const now = Math.floor(Date.now() / 1000);
    expect((await one.send(signed(EVENT, 'application/json', now - 60))).status).toBe(200);
    expect((await other.send(signed(EVENT, 'application/json', now))).status).toBe(200);
  });
});

describe('a request of Slack’s', () => {
  it('is refused after a restart too', async () => {
    const folder = testFolder('replays');
    const request = signed(COMMAND, FORM);
    const before = await openLowdbStore(folder);
    const first = await instance(before);
    expect((await first.send(request)).status).toBe(200);
    await before.close();
    const after = await openLowdbStore(folder);
    closing.push(() => after.close());
    const second = await instance(after);
    expect((await second.send(request)).status).toBe(409);
    expect(second.done).toEqual([]);
  });

  it('that was received before is refused in a way in which Slack sends what it signs anew', async () => {
    const taken = new Set<string>();
    const store = { takeOnce: async (id: string) => taken.size < taken.add(id).size };
    const [one, other] = [await instance(store), await instance(store)];
    const request = signed(EVENT, 'application/json');
    await one.send(request);
    expect(await one.send(request)).toMatchObject({ status: 409, again: true });
    expect(await other.send(request)).toMatchObject({ status: 409, again: true });
  });

  it.each([
    ['is slow', () => new Promise<boolean>(() => {})],
    ['is away', () => Promise.reject(new Error('ECONNREFUSED'))],
  ])('is not done while the store %s, and is as soon as it answers', async (_, takeOnce) => {
    const taken: string[] = [];
    let answers = false;
    const one = await instance(
      { takeOnce: (id) => (answers ? Promise.resolve(taken.push(id) > 0) : takeOnce()) },
      20,
    );
    const event = signed(EVENT, 'application/json');
    const command = signed(COMMAND, FORM);
    expect(await one.send(event)).toMatchObject({ status: 503, again: true });
    // Slack sends no command again: who typed it is told what to do.
    const told = await one.send(command);
    expect(told.status).toBe(200);
    expect(JSON.parse(told.text)).toMatchObject({
      response_type: 'ephemeral',
      text: expect.stringContaining('Try again'),
    });
    expect(one.done).toEqual([]);
    answers = true;
    expect((await one.send(event)).status).toBe(200);
    expect((await one.send(command)).status).toBe(200);
    await expect.poll(() => one.done.sort()).toEqual(['/logs', 'app_mention']);
    expect(taken).toHaveLength(2);
  });
});
