/** Hundreds of events, the process killed in the middle: nothing is lost, nothing is told twice. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { until } from './jobs.ts';
import { newState } from './state.ts';
import { makeStorm, places } from './storm-events.ts';
import { faultsIn, isWhole, look } from './storm-findings.ts';
import { type House, openHouse, record, usualFaults } from './storm-house.ts';

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

let house: House;
afterEach(() => house?.close());

it('[N1, N2, N3] a storm with a kill in the middle: every card right, nothing lost, nothing twice', async () => {
  house = await openHouse({
    places: places(8),
    program: ['--import', TSX, join(import.meta.dirname, 'storm-bot.ts')],
    databaseUrl: (await newState()).DATABASE_URL,
  });
  const storm = makeStorm({ events: 300, jobs: 24, reports: 48, seed: 7, places: house.places });
  let bot = await house.start();
  await house.subscribe();
  house.faults.add(usualFaults(0.5));

  // Between Slack's taking a message and its answer: whether it arrived, the bot cannot know.
  const killed = new Promise<void>((resolve) => {
    let posts = 0;
    const end = house.slack.workspace.listen((event) => {
      if (event.type !== 'message' || !event.message.bot_id || ++posts < 15) return;
      end();
      bot.kill();
      resolve();
    });
  });
  house.send(storm.bodies);
  await killed;
  await bot.ended;
  bot = await house.start();
  // What it had received stays hidden for a minute; as much as that comes again, and all the rest too.
  house.send([...storm.bodies].reverse());

  await until(
    // Six polls of ten may have been on their way when it was killed.
    async () => (isWhole(look(house, storm), storm) && house.waiting() <= 60 ? true : undefined),
    'the end of the storm',
  );
  bot.child.kill('SIGTERM');
  expect(await bot.ended).toBe('SIGTERM');

  const found = look(house, storm);
  expect(faultsIn(found)).toEqual([]);
  expect(found).toMatchObject({ cardsRight: storm.jobs.length, announced: storm.jobs.length });
  expect(found.failures).toBeGreaterThan(0);
  expect(Math.min(...Object.values(found.reported), ...Object.values(found.reportsAlerted))).toBeGreaterThan(
    0,
  );
  const { setAside } = (await record(house)).events;
  expect(Object.values(setAside).reduce((sum, count) => sum + count, 0)).toBe(storm.counts.malformed);
});
