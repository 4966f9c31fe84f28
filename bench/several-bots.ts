/**
 * Several instances of the bot on one PostgreSQL: events through the queue and people with commands, while Slack's limits
 * hold, its faults strike, an instance is killed −9 every few seconds and one is stopped for half a minute. Counts what
 * people see at the end against what happened.
 *
 *   npm run build
 *   npx tsx bench/several-bots.ts [--bots 3] [--events 10000] [--commands 2000] [--kill-every 20] [--freeze 30] [--seed 1] [--limit 1500]
 *
 * `--no-faults` leaves Slack's and SQS's faults out; `--kill-every 0` and `--freeze 0` what happens to the instances. Needs
 * PostgreSQL's programs (Debian: postgresql). Ends with 1 when anything is lost or told twice.
 */
import { cpus, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { scripted, type TrainingJobSeed } from '#sandbox/seeds';
import { makeStorm, type Place, places, randomFrom } from '../test/e2e/storm-events.ts';
import { faultsIn, isWhole, look } from '../test/e2e/storm-findings.ts';
import { type Bot, openHouse, residentMb, usualFaults } from '../test/e2e/storm-house.ts';
import { startPostgres, whyNoPostgres } from '../test/fixtures/postgres.ts';
import { CLI } from './bot.ts';
import { type Errand, type Outcome, sendPeople } from './people.ts';
import { verdict } from './verdict.ts';

const { values } = parseArgs({
  options: {
    bots: { type: 'string', default: '3' },
    events: { type: 'string', default: '10000' },
    commands: { type: 'string', default: '2000' },
    channels: { type: 'string', default: '20' },
    people: { type: 'string', default: '20' },
    /** Seconds. */
    'kill-every': { type: 'string', default: '20' },
    freeze: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    limit: { type: 'string', default: '1500' },
    'no-faults': { type: 'boolean', default: false },
  },
});
const why = await whyNoPostgres();
if (why !== undefined) throw new Error(why);
const random = randomFrom(Number(values.seed) + 1);
const commands = Number(values.commands);
const where = places(Number(values.channels));
const people = Array.from({ length: Number(values.people) }, (_, index) => `U0PERSON${index}`);

/** So that every log is asked for once. */
const logsOf = Math.ceil(commands / 4 / where.length);
const keptJob = (place: Place, index: number): string => `${place.id}-kept-${index}`;
const DAY = 86_400_000;
const kept = (place: Place): TrainingJobSeed[] =>
  Array.from({ length: logsOf }, (_, index): TrainingJobSeed => {
    const name = keptJob(place, index);
    const at = Date.now() - 3 * DAY - index * 60_000;
    return {
      name,
      transitions: [
        { at, status: 'InProgress', secondary: 'Starting' },
        { at: at + 600_000, status: 'Completed', secondary: 'Completed' },
      ],
      image: 'image',
      roleArn: `arn:aws:iam::${place.account}:role/TrainingExecution`,
      instanceType: 'ml.g5.xlarge',
      instanceCount: 1,
      volumeGB: 30,
      maxRuntimeSeconds: 86_400,
      hyperParameters: {},
      channels: {},
      outputPath: `s3://${place.id}-models/trained`,
      streams: [
        {
          name: `${name}/algo-1-${at}`,
          createdAt: at,
          series: scripted(at, index, (script) =>
            script.lines(
              Array.from({ length: 200 }, (_, line) => `step ${line} loss ${1 / (line + 1)}`).join('\n'),
            ),
          ),
        },
      ],
      untold: true,
    };
  });
const errands = Array.from({ length: commands }, (_, number): Errand => {
  const place = where[number % where.length]!;
  const turn = Math.floor(number / where.length);
  const job = keptJob(place, Math.floor(turn / 4) % logsOf);
  // Half of what people do is a look at the list; each log is asked for once, and each form opened once.
  const kind = (['list', 'log', 'list', 'form'] as const)[turn % 4]!;
  return { kind, channel: place.channel, job };
});

const postgres = await startPostgres({ durable: true });
const databaseUrl = await postgres.database();
const house = await openHouse({
  ...{ places: where, rateLimits: true, sqsDuplicates: 0.02, program: [CLI] },
  ...{ databaseUrl, people, kept },
});
try {
  const storm = makeStorm({
    events: Number(values.events),
    jobs: Math.min(120, Math.floor(Number(values.events) / 8)),
    reports: Math.min(240, Math.floor(Number(values.events) / 5)),
    seed: Number(values.seed),
    places: house.places,
  });
  console.log(
    `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, PostgreSQL in this run; seed ${values.seed}`,
  );
  console.log(
    `${values.bots} instances, ${storm.bodies.length} events, ${commands} commands of ${people.length} people`,
  );

  const names = Array.from({ length: Number(values.bots) }, (_, index) => `bot-${index + 1}`);
  const bots = new Map<string, Bot>();
  const starts: number[] = [];
  const said = new Map<string, number>();
  const start = async (name: string): Promise<void> => {
    const bot = await house.start(name);
    starts.push(bot.startMs);
    bots.set(name, bot);
  };
  const count = (bot: Bot): void => {
    for (const [line, times] of bot.said) said.set(line, (said.get(line) ?? 0) + times);
  };
  for (const name of names) await start(name);
  await house.subscribe();
  if (!values['no-faults']) house.faults.add(usualFaults());

  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  let over = false;
  let killed = 0;
  let frozen: string | undefined;
  const killing = (async () => {
    const every = Number(values['kill-every']) * 1000;
    for (let turn = 0; every > 0 && !over; turn += 1) {
      await sleep(every * (0.5 + random()));
      const name = names[turn % names.length]!;
      if (over || name === frozen) continue;
      const bot = bots.get(name)!;
      killed += 1;
      bot.kill();
      await bot.ended;
      count(bot);
      await start(name);
    }
  })();
  const freezing = (async () => {
    const ms = Number(values.freeze) * 1000;
    if (ms === 0) return;
    await sleep(20_000);
    if (over) return;
    frozen = names.at(-1)!;
    const { child } = bots.get(frozen)!;
    console.log(`${seconds().toFixed(1)} s: ${frozen} stopped for ${values.freeze} s`);
    child.kill('SIGSTOP');
    await sleep(ms);
    child.kill('SIGCONT');
    console.log(`${seconds().toFixed(1)} s: ${frozen} goes on`);
    frozen = undefined;
  })();

  house.send(storm.bodies);
  const done: Outcome[] = [];
  let isAsked = false;
  const asking = sendPeople({
    ...{ url: house.slack.url, who: people, errands, pause: 500 },
    onDone: (outcome) => done.push(outcome),
  }).then(() => {
    isAsked = true;
  });

  let emptyAt: number | undefined;
  let most = 0;
  const whole = (): boolean => isAsked && house.waiting() === 0 && isWhole(look(house, storm), storm);
  while (!whole() && seconds() < Number(values.limit)) {
    await sleep(1000);
    for (const { child } of bots.values())
      most = Math.max(most, (child.pid !== undefined && residentMb(child.pid)) || 0);
    if (house.waiting() > 0) emptyAt = undefined;
    else emptyAt ??= seconds();
    if (Math.round(seconds()) % 30 === 0)
      console.log(
        `${seconds().toFixed(0)} s: ${house.waiting()} in the queue, ${done.length} of ${commands} commands done, ${killed} kills`,
      );
  }
  const wholeAt = seconds();
  over = true;
  await Promise.all([killing, freezing]);
  // Whatever comes twice has come by now.
  await sleep(15_000);
  await Promise.race([asking, sleep(1_000)]);
  for (const bot of bots.values()) {
    bot.child.kill('SIGTERM');
    await bot.ended;
    count(bot);
  }

  const found = look(house, storm);
  const of = (kind: Errand['kind']): Outcome[] => done.filter(({ errand }) => errand.kind === kind);
  const line = (kind: Errand['kind']): string => {
    const all = of(kind);
    const times = all.flatMap(({ ms }) => ms ?? []).sort((a, b) => a - b);
    const at = (share: number): string =>
      `${Math.round(times[Math.floor((times.length - 1) * share)] ?? 0)} ms`;
    const sum = (of: (one: Outcome) => number): number => all.reduce((so, one) => so + of(one), 0);
    const unheard = sum(({ asked, interrupted, failed }) => asked - 1 - interrupted - failed);
    const again = `asked again ${sum(({ interrupted }) => interrupted)} interrupted, ${sum(({ failed }) => failed)} failed (${sum(({ clicked }) => clicked)} by their button)`;
    return `${times.length} of ${errands.filter((one) => one.kind === kind).length}; given again ${unheard}, ${again}; median ${at(0.5)}, p95 ${at(0.95)}, most ${at(1)}`;
  };
  const files = (
    await Promise.all(
      where.map(async ({ channel }) => {
        const answer = await fetch(`${house.slack.url}/sandbox/slack/files?channel=${channel}`);
        return ((await answer.json()) as { files: { name: string }[] }).files.map(({ name }) => name);
      }),
    )
  ).flat();
  const twice = files.filter((name, index) => files.indexOf(name) !== index);
  console.log(`
queue empty after            ${emptyAt?.toFixed(1) ?? 'never'} s; all seen after ${wholeAt.toFixed(1)} s
cards with the right end     ${found.cardsRight} of ${storm.jobs.length}; two cards: ${found.cardsTwice.length}
announcements                ${found.announced}; missing ${found.unannounced.length}, twice ${found.announcedTwice.length}
failures                     ${found.failures}; in alerts ${found.alerted}; lost ${found.notAlerted.length}, twice ${found.alertsTwice.length}
/jobs answered               ${line('list')}
/logs delivered              ${line('log')}; files ${files.length}, twice ${twice.length}
/compile opened              ${line('form')}
kills −9                     ${killed}; starts ${(Math.max(...starts) / 1000).toFixed(2)} s at most; RSS at most ${most.toFixed(0)} MB each`);
  const refused = [...house.slack.tooOften].map(([method, times]) => `${times} × ${method}`);
  console.log(`told by Slack to wait        ${refused.join(', ') || 'never'}`);
  console.log('\nthe bots’ logs:');
  for (const [text, times] of [...said].sort((a, b) => b[1] - a[1]).slice(0, 15))
    console.log(`  ${times} × ${text}`);
  const lost = done.filter(({ ms }) => ms === undefined);
  const wrong = [
    ...faultsIn(found),
    ...lost.map(
      ({ errand, asked, interrupted, failed, seen }) =>
        `${errand.kind} ${errand.job} in ${errand.channel}, given ${asked} times, ${interrupted} interrupted, ${failed} failed: ${seen}`,
    ),
    ...(done.length === commands ? [] : [`${commands - done.length} commands were not given in time`]),
    ...twice.map((name) => `the file ${name} came twice`),
  ];
  verdict(wrong);
} finally {
  await house.close();
  await postgres.dispose();
}
