/** Hundreds of events, the process killed in the middle: nothing is lost, nothing is told twice. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { until } from './jobs.ts';
import { type House, isWhole, look, makeStorm, openHouse, places, record, usualFaults } from './storm.ts';

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

let house: House;
afterEach(() => house?.close());

it('[N1, N2, N3] a storm with a kill in the middle: every card right, nothing lost, nothing twice', async () => {
  house = await openHouse({
    places: places(8),
    program: ['--import', TSX, join(import.meta.dirname, 'storm-bot.ts')],
  });
  const storm = makeStorm({ events: 300, jobs: 24, seed: 7, places: house.places });
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
    async () => (isWhole(look(house, storm.jobs), storm.jobs) && house.waiting() <= 10 ? true : undefined),
    'the end of the storm',
    45_000,
  );
  bot.child.kill('SIGTERM');
  expect(await bot.ended).toBe('SIGTERM');

  const found = look(house, storm.jobs);
  expect(found).toMatchObject({
    cardsRight: storm.jobs.length,
    cardsTwice: [],
    cardsWrong: [],
    announced: storm.jobs.length,
    announcedTwice: [],
    unannounced: [],
    milestonesTwice: [],
    alertsTwice: [],
    notAlerted: [],
  });
  expect(found.failures).toBeGreaterThan(0);
  expect(found.alerted).toBe(found.failures);
  const { setAside } = (await record(house)).events;
  expect(Object.values(setAside).reduce((sum, count) => sum + count, 0)).toBe(storm.counts.malformed);
}, 90_000);
