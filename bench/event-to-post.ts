/**
 * From an event in the queue to the first message in Slack, with Slack's limits on: percentiles at several rates.
 *
 *   npm run build
 *   npx tsx bench/event-to-post.ts [--rates 1,10,50] [--channels 20] [--seconds 30,30,5] [--random] [--seed 1]
 *
 * Events come evenly, one channel after the other; with `--random` at random times (Poisson) in random channels. Each
 * is the first of a new job, whose card is the message. "Strictly" is the wait that one message a second in each channel
 * costs by itself when Slack's tolerance for short bursts is not used.
 */
import { existsSync } from 'node:fs';
import { arch, cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { places, randomFrom, trainingEvent } from '../test/e2e/storm-events.ts';
import { openHouse } from '../test/e2e/storm-house.ts';

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '1,10,50' },
    /** Of each rate. */
    seconds: { type: 'string', default: '30,30,5' },
    channels: { type: 'string', default: '20' },
    random: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    cli: { type: 'string' },
  },
});
const cli = resolve(values.cli ?? fileURLToPath(new URL('../dist/cli.js', import.meta.url)));
if (!existsSync(cli)) throw new Error(`There is no ${cli}: run npm run build first.`);
const random = randomFrom(Number(values.seed));
const rates = values.rates.split(',').map(Number);
const durations = values.seconds.split(',').map(Number);

const house = await openHouse({
  places: places(Number(values.channels), true),
  rateLimits: true,
  program: [cli],
});
try {
  console.log(
    `${cpus().length} cores (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${process.platform}; ${values.channels} channels, ${values.random ? 'at random' : 'evenly'}`,
  );
  const bot = await house.start();
  // Connections, sessions and compiled code are there, as in a bot that has been running.
  const warm = new Set<string>();
  const sentAt = new Map<string, number>();
  const took = new Map<string, number>();
  house.slack.workspace.listen((event) => {
    if (event.type !== 'message') return;
    const name = /`(press-n\d+-run)`/.exec(event.message.text)?.[1];
    const at = name === undefined ? undefined : sentAt.get(name);
    if (name !== undefined && at !== undefined && !took.has(name)) took.set(name, performance.now() - at);
  });
  let number = 0;
  const send = (place: (typeof house.places)[number]): string => {
    const name = `press-n${number++}-run`;
    sentAt.set(name, performance.now());
    house.send([JSON.stringify(trainingEvent({ name, place, end: 'Completed' }, 0, 10, Date.now()))]);
    return name;
  };
  const arrived = async (names: Iterable<string>): Promise<void> => {
    const wanted = [...names];
    const until = performance.now() + 120_000;
    while (wanted.some((name) => !took.has(name))) {
      if (performance.now() > until) throw new Error('a message did not come within two minutes');
      await sleep(100);
    }
  };
  for (const place of house.places) warm.add(send(place));
  await arrived(warm);
  await sleep(5_000);

  for (const [round, rate] of rates.entries()) {
    const seconds = durations[round] ?? durations.at(-1)!;
    const names: string[] = [];
    const strictly: number[] = [];
    const free = new Map<string, number>();
    const began = performance.now();
    let next = began;
    for (let count = 0; count < rate * seconds; count += 1) {
      next += values.random ? (-Math.log(1 - random()) * 1000) / rate : 1000 / rate;
      const wait = next - performance.now();
      if (wait > 0) await sleep(wait);
      const place =
        house.places[
          values.random ? Math.floor(random() * house.places.length) : count % house.places.length
        ]!;
      names.push(send(place));
      const now = performance.now();
      const turn = Math.max(now, free.get(place.id) ?? 0);
      strictly.push(turn - now);
      free.set(place.id, turn + 1000);
    }
    await arrived(names);
    const times = names.map((name) => took.get(name)!);
    console.log(
      `${String(rate).padStart(3)} events/s, ${names.length} events: ${words(times)}   (strictly: ${words(strictly)})`,
    );
    // Slack's minute.
    if (round < rates.length - 1) await sleep(rate * seconds > 200 ? 30_000 : 2_000);
  }
  bot.child.kill('SIGTERM');
  await bot.ended;
} finally {
  await house.close();
}

function words(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string =>
    `${Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!)} ms`;
  return `p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, most ${at(1)}`;
}
