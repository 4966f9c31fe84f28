/** The whole app on a PostgreSQL in trouble that passes: it says so, goes on by itself, and has lost and doubled nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause } from '../../src/ground/pause.ts';
import { type Postgres, startPostgres, whyNoPostgres } from '../fixtures/postgres.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { sendEvents, trainingEvent } from './aws-events.ts';
import { type Bot, startBot } from './bot.ts';
import { until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const ALERTS = 'C0ALERTS';
const JOB = 'defects-resnet101-ddp';
const noPostgres = await whyNoPostgres();

describe.skipIf(noPostgres)('[O1, O4, N2] the database of a running bot', () => {
  let postgres: Postgres;
  let url: string;
  let bot: Bot;
  beforeAll(async () => {
    postgres = await startPostgres();
    url = await postgres.database();
    bot = await startBot({ mode: 'http', env: { DATABASE_URL: url } });
  });
  afterAll(async () => {
    await bot?.stop();
    await postgres?.dispose();
  });

  async function problems(): Promise<Record<string, string>> {
    const response = await fetch(`http://127.0.0.1:${bot.app.port}/readyz`);
    const { problems } = (await response.json()) as { problems: { name: string; problem: string }[] };
    return Object.fromEntries(problems.map(({ name, problem }) => [name, problem]));
  }
  const isReady = () =>
    until(async () => (Object.keys(await problems()).length === 0 ? true : undefined), 'readiness');
  const says = (words: RegExp) =>
    until(async () => (words.test((await problems()).store ?? '') ? true : undefined), `that it ${words}`);

  const send = (...jobs: string[]) =>
    sendEvents(
      bot,
      ...jobs.map((job) => trainingEvent(job, 'Failed', { FailureReason: `AlgorithmError: boom of ${job}` })),
    );
  /** Nothing in the very first list of jobs is news: what is told of comes after it. */
  async function hasListed(): Promise<void> {
    let before = 0;
    const count = `select count(*)::integer as n from signalbox.jobs where record->>'listed' = 'true'`;
    await until(async () => {
      await pause(500);
      const [row] = await postgres.query<{ n: number }>(url, count);
      const isAll = row!.n > 0 && row!.n === before;
      before = row!.n;
      return isAll ? true : undefined;
    }, 'the first list of jobs');
  }
  const told = async (job: string) =>
    (await bot.messages(ALERTS)).filter(
      (one) => wordsOf(one).includes(job) && (!one.thread_ts || one.thread_ts === one.ts),
    );
  /** Each once, and nothing is left over. */
  async function areTold(...jobs: string[]): Promise<void> {
    for (const job of jobs)
      await until(async () => ((await told(job)).length > 0 ? true : undefined), `word of ${job}`);
    const { rows } = await left();
    expect(rows).toEqual([]);
    for (const job of jobs) expect(await told(job), job).toHaveLength(1);
  }
  const left = () =>
    until(async () => {
      const rows = await postgres.query(url, `select key from signalbox.events where state = 'pending'`);
      const waiting = bot.sandbox.aws.events
        .queues()
        .reduce((sum, { visible, inFlight }) => sum + visible + inFlight, 0);
      return rows.length + waiting === 0 ? { rows } : undefined;
    }, 'the end of all events');

  it('is stopped for longer than anybody waits and any lease lasts: whoever asks is told, events wait, nothing is lost or told twice', async () => {
    await isReady();
    await hasListed();
    await send('before-1', 'before-2');
    await postgres.stop('crash');
    await send('meanwhile-1', 'meanwhile-2');
    await says(/cannot be reached/);
    const since = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, JOB);
    const refused = await bot.message(CHANNEL, 'database does not answer', { user: 'ada', since });
    expect(wordsOf(refused)).toContain('Try again in a minute.');
    // Where it is concerns nobody but admins.
    expect(JSON.stringify(refused)).not.toMatch(/ECONNREFUSED|127\.0\.0\.1|DATABASE_URL/);
    await postgres.start();
    await send('after-1', 'after-2');
    await isReady();
    await areTold('before-1', 'before-2', 'meanwhile-1', 'meanwhile-2', 'after-1', 'after-2');
    const again = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, JOB);
    await bot.message(CHANNEL, `Log of \`${JOB}\`* ·`, { since: again });
  });

  it('becomes read-only, as while another server takes over: it says so, and events wait', async () => {
    await isReady();
    await postgres.query(url, 'alter system set default_transaction_read_only = on');
    await postgres.query(url, 'select pg_reload_conf()');
    await says(/is read-only/);
    await send('read-only-1');
    const writable = `${url}?options=${encodeURIComponent('-c default_transaction_read_only=off')}`;
    await postgres.query(writable, 'alter system reset default_transaction_read_only');
    await postgres.query(writable, 'select pg_reload_conf()');
    await isReady();
    await areTold('read-only-1');
  });
});
