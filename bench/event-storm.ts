/**
 * A storm of events through the queue while Slack's limits hold and its faults strike, the bot killed −9 at random
 * and started again. Counts what people see at the end against what happened.
 *
 *   npm run build
 *   npx tsx bench/event-storm.ts [--events 10000] [--channels 20] [--jobs 120] [--reports 240] [--kills 5] [--seed 1] [--limit 600]
 *
 * `--cli` names another build, `--no-faults` leaves the faults out. Ends with 1 when anything is lost or told twice.
 */
import { existsSync } from 'node:fs';
import { arch, cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeStorm, places, randomFrom } from '../test/e2e/storm-events.ts';
import { faultsIn, isWhole, look } from '../test/e2e/storm-findings.ts';
import { type Bot, openHouse, record, residentMb, usualFaults } from '../test/e2e/storm-house.ts';
import { verdict } from './verdict.ts';

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000' },
    channels: { type: 'string', default: '20' },
    jobs: { type: 'string', default: '120' },
    /** Of deployments, components on devices and alarms. */
    reports: { type: 'string', default: '240' },
    kills: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    /** Seconds. */
    limit: { type: 'string', default: '600' },
    cli: { type: 'string' },
    'no-faults': { type: 'boolean', default: false },
  },
});
const cli = resolve(values.cli ?? fileURLToPath(new URL('../dist/cli.js', import.meta.url)));
if (!existsSync(cli)) throw new Error(`There is no ${cli}: run npm run build first.`);
const random = randomFrom(Number(values.seed) + 1);

const house = await openHouse({
  places: places(Number(values.channels)),
  rateLimits: true,
  sqsDuplicates: 0.02,
  program: [cli],
});
try {
  const storm = makeStorm({
    events: Number(values.events),
    jobs: Number(values.jobs),
    reports: Number(values.reports),
    seed: Number(values.seed),
    places: house.places,
  });
  console.log(
    `${cpus().length} cores (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${process.platform}; seed ${values.seed}`,
  );
  console.log(
    `${storm.bodies.length} events of ${storm.jobs.length} jobs and ${storm.reports.length} reports of devices and alarms: ${storm.counts.changes} changes, ${storm.counts.duplicates} duplicates, ${storm.counts.malformed} malformed`,
  );
  let bot: Bot = await house.start();
  const starts = [bot.startMs];
  await house.subscribe();
  if (!values['no-faults']) house.faults.add(usualFaults());

  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const posts: number[] = [];
  const edits: number[] = [];
  const editedAt = new Map<string, string>();
  const postsOf = new Map<string, number[]>();
  const memory: { at: number; mb: number }[] = [];
  // A kill comes after so many posts: half of them between Slack's taking a message and its answer.
  const expected = storm.jobs.length * 2.8 + storm.reports.length;
  const kills = Array.from({ length: Number(values.kills) }, () =>
    Math.floor((0.03 + 0.85 * random()) * expected),
  ).sort((a, b) => a - b);
  const said = new Map<string, number>();
  let killed = 0;
  /** From when a kill is decided until the next process is ready. */
  let dying = false;
  let restarting: Promise<void> | undefined;
  const kill = (): void => {
    bot.kill();
    restarting = (async () => {
      await bot.ended;
      for (const [line, count] of bot.said) said.set(line, (said.get(line) ?? 0) + count);
      bot = await house.start();
      starts.push(bot.startMs);
      restarting = undefined;
      dying = false;
    })();
  };
  house.slack.workspace.listen((event) => {
    if (event.type === 'message' && event.message.bot_id && event.message.ephemeral_to === undefined) {
      posts.push(seconds());
      postsOf.set(event.message.channel, [...(postsOf.get(event.message.channel) ?? []), seconds()]);
      if (killed < kills.length && posts.length >= kills[killed]! && !dying) {
        dying = true;
        killed += 1;
        const inside = random() < 0.5;
        console.log(
          `${seconds().toFixed(1)} s: kill −9 no. ${killed} ${inside ? 'within' : 'shortly after'} post ${posts.length}, ${house.waiting()} in the queue`,
        );
        if (inside) kill();
        else setTimeout(kill, random() * 300);
      }
    }
    // An answer in its thread changes a message too, without editing it.
    if (event.type !== 'message_changed' || !event.message.edited) return;
    const { channel, ts, edited } = event.message;
    if (editedAt.get(`${channel} ${ts}`) !== edited.ts) edits.push(seconds());
    editedAt.set(`${channel} ${ts}`, edited.ts);
  });
  house.send(storm.bodies);

  let emptyAt: number | undefined;
  let done = false;
  while (!done && seconds() < Number(values.limit)) {
    await sleep(1000);
    const mb = bot.child.pid === undefined ? undefined : residentMb(bot.child.pid);
    if (mb !== undefined) memory.push({ at: seconds(), mb });
    if (house.waiting() > 0) emptyAt = undefined;
    else emptyAt ??= seconds();
    // Ten quiet seconds: nothing comes after it.
    const last = Math.max(posts.at(-1) ?? 0, edits.at(-1) ?? 0);
    done =
      emptyAt !== undefined && !restarting && isWhole(look(house, storm), storm) && seconds() - last > 10;
    if (Math.round(seconds()) % 30 === 0)
      console.log(
        `${seconds().toFixed(0)} s: ${house.waiting()} in the queue, ${posts.length} posts, ${edits.length} edits, ${mb?.toFixed(0)} MB`,
      );
  }
  await restarting;
  bot.child.kill('SIGTERM');
  await bot.ended;
  for (const [line, count] of bot.said) said.set(line, (said.get(line) ?? 0) + count);

  const found = look(house, storm);
  const reportsOf = (which: (report: (typeof storm.reports)[number]) => boolean): string =>
    (['deployment', 'component', 'alarm'] as const)
      .map((kind) => storm.reports.filter((report) => report.kind === kind && which(report)).length)
      .join(', ');
  const { events, unsent } = await record(house);
  const aside = Object.values(events.setAside).reduce((sum, count) => sum + count, 0);
  const drained = Math.max(posts.at(-1) ?? 0, edits.at(-1) ?? 0);
  const { requests } = house.aws.stats();
  console.log(`
queue empty after            ${emptyAt?.toFixed(1) ?? 'never'} s (${requests.ReceiveMessage ?? '–'} receives)
events on record             ${events.handled} handled, ${events.pending} pending, set aside ${aside} of ${storm.counts.malformed}: ${JSON.stringify(events.setAside)}
cards with the right end     ${found.cardsRight} of ${storm.jobs.length}; two cards: ${found.cardsTwice.length}
announcements                ${found.announced}; missing ${found.unannounced.length}, twice ${found.announcedTwice.length}
ends told in threads         ${found.milestones}; twice ${found.milestonesTwice.length}; by the card itself ${found.withoutMilestone.length}
failures                     ${found.failures}; in alerts ${found.alerted} (${found.alertMessages} messages); lost ${found.notAlerted.length}, twice ${found.alertsTwice.length}
deployments, components,     announced ${Object.values(found.reported).join(', ')} of ${reportsOf(() => true)} (all but alarm states that a newer one had overtaken); missing ${found.unreported.length}, twice ${found.reportedTwice.length}
alarms: failures             ${reportsOf(({ alert }) => alert !== undefined)}; in alerts ${Object.values(found.reportsAlerted).join(', ')}; lost ${found.reportsNotAlerted.length}, twice ${found.reportAlertsTwice.length}
unsent at the end            ${unsent.length}
kills −9                     ${killed}; starts ${starts.map((ms) => `${(ms / 1000).toFixed(2)} s`).join(', ')}
drained after                ${drained.toFixed(1)} s: ${posts.length} posts, ${edits.length} edits`);
  // What Slack takes: 600 posts a minute in the workspace, one a second in each channel; 50 edits a minute.
  const perMinute = (times: readonly number[]): number => (60 * times.length) / (times.at(-1) ?? 1);
  const busiest = Math.max(0, ...house.places.map(({ channel }) => busy(postsOf.get(channel) ?? [])));
  console.log(
    `posts                        ${busy(posts)} in the busiest minute of 600 allowed, ${busiest} of 60 in the busiest channel
edits                        ${perMinute(edits).toFixed(1)} a minute from beginning to end, ${busy(edits)} in the busiest, of 50 allowed (${(perMinute(edits) / 50).toFixed(2)})`,
  );
  const each = Math.max(1, Math.floor(memory.length / 10));
  console.log(
    `RSS, MB                      ${memory
      .filter((_, index) => index % each === 0)
      .map(({ at, mb }) => `${at.toFixed(0)} s ${mb.toFixed(0)}`)
      .join(', ')}; most ${Math.max(...memory.map(({ mb }) => mb)).toFixed(0)}`,
  );
  console.log('\nthe bot’s log:');
  for (const [line, count] of [...said].sort((a, b) => b[1] - a[1]).slice(0, 12))
    console.log(`  ${count} × ${line}`);
  const wrong = [
    ...faultsIn(found),
    ...(aside === storm.counts.malformed ? [] : [`set aside ${aside} of ${storm.counts.malformed}`]),
    ...unsent.map((key) => `unsent: ${key}`),
    ...(events.pending === 0 ? [] : [`${events.pending} events pending`]),
  ];
  verdict(wrong);
} finally {
  await house.close();
}

/** The most within 60 seconds. */
function busy(times: readonly number[]): number {
  let most = 0;
  let from = 0;
  for (const [index, time] of times.entries()) {
    while (time - times[from]! > 60) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}
