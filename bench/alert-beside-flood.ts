/**
 * The time from a real training failure in the queue to its alert in Slack, alone and beside a flood of 3,000 broken
 * components, with Slack's limits on: in one event, in 3,000 events of one cause, in 300 with as many causes.
 *
 *   npm run build
 *   npx tsx bench/alert-beside-flood.ts [--components 3000] [--causes 300] [--after 3] [--cli dist/cli.js]
 *
 * The real failure comes so many seconds after the flood. Everything is posted in one channel, the worst case. Prints how
 * many alerts the flood makes and how many pings, and ends with 1 when the real alert took more than 10 s.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { arch, cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Place, places, REGION, trainingEvent } from '../test/e2e/storm-events.ts';
import { openHouse, residentMb } from '../test/e2e/storm-house.ts';

const { values } = parseArgs({
  options: {
    components: { type: 'string', default: '3000' },
    causes: { type: 'string', default: '300' },
    /** Seconds. */
    after: { type: 'string', default: '3' },
    cli: { type: 'string' },
  },
});
const cli = resolve(values.cli ?? fileURLToPath(new URL('../dist/cli.js', import.meta.url)));
if (!existsSync(cli)) throw new Error(`There is no ${cli}: run npm run build first.`);
const MANY = Number(values.components);
const CAUSES = Number(values.causes);
/** Milliseconds that a real alert may take. */
const GOAL = 10_000;

const event = (
  place: Place,
  device: string,
  components: readonly { name: string; details: string }[],
): string =>
  JSON.stringify({
    version: '0',
    id: randomUUID(),
    'detail-type': 'Greengrass V2 Installed Component Status Change',
    source: 'aws.greengrass',
    account: place.account,
    time: new Date().toISOString(),
    region: REGION,
    resources: [`arn:aws:greengrass:${REGION}:${place.account}:coreDevices:${device}`],
    detail: {
      components: components.map(({ name, details }) => ({
        componentName: name,
        componentVersion: '1.0.0',
        lifecycleState: 'BROKEN',
        lifecycleStatusCodes: ['RUN_ERROR'],
        lifecycleStateDetails: details,
      })),
    },
  });

const SAME = 'An error occurred while running the component. The run script exited with code 1.';
const inLetters = (n: number): string => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('x');
const range = (length: number): number[] => Array.from({ length }, (_, n) => n);

const FLOODS: readonly [string, number, (place: Place) => string[]][] = [
  ['nothing', 0, () => []],
  [
    `one event with ${MANY} broken components`,
    MANY,
    (place) => [
      event(
        place,
        'press-1',
        range(MANY).map((n) => ({ name: `c${n}`, details: SAME })),
      ),
    ],
  ],
  [
    `${MANY} events, one component broken on as many devices`,
    MANY,
    (place) => range(MANY).map((n) => event(place, `box-${n}`, [{ name: 'vision', details: SAME }])),
  ],
  [
    `${CAUSES} events with as many causes`,
    CAUSES,
    (place) =>
      range(CAUSES).map((n) =>
        event(place, `odd-${n}`, [{ name: `part-${n}`, details: `cause ${inLetters(n)}` }]),
      ),
  ],
];

console.log(
  `${cpus().length} cores (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${process.platform}; Slack’s limits on; the real failure ${values.after} s after the flood`,
);
let late = false;
for (const [what, count, bodies] of FLOODS) {
  const house = await openHouse({ places: places(1, true), rateLimits: true, onCall: true, program: [cli] });
  try {
    const bot = await house.start();
    const [place] = house.places as [Place];
    const job = { name: 'press-n3-run', place, end: 'Failed' as const };
    const alerts = new Map<string, number>();
    let pings = 0;
    let posts = 0;
    let realAt: number | undefined;
    const began = performance.now();
    house.slack.workspace.listen((change) => {
      if (change.type !== 'message' && change.type !== 'message_changed') return;
      const { text, ts, bot_id } = change.message;
      if (!bot_id) return;
      if (change.type === 'message') posts += 1;
      if (change.type === 'message' && /<@U|<!subteam/.test(text)) pings += 1;
      if (!text.startsWith(':rotating_light:')) return;
      alerts.set(ts, 1 + Number(/ and ([\d,]+) more/.exec(text)?.[1]?.replaceAll(',', '') ?? 0));
      if (text.includes('Training failed')) realAt ??= performance.now();
    });
    house.send(bodies(place));
    await sleep(Number(values.after) * 1000);
    const sentAt = performance.now();
    house.send([JSON.stringify(trainingEvent(job, 9, 10, Date.now()))]);
    const flooded = (): number => [...alerts.values()].reduce((sum, one) => sum + one, 0) - (realAt ? 1 : 0);
    let most = 0;
    while ((realAt === undefined || flooded() < count) && performance.now() - began < 300_000) {
      await sleep(50);
      most = Math.max(most, (bot.child.pid && residentMb(bot.child.pid)) || 0);
    }
    const took = realAt === undefined ? Number.POSITIVE_INFINITY : realAt - sentAt;
    late ||= took > GOAL;
    console.log(
      `beside ${what}: real alert after ${(took / 1000).toFixed(2)} s; ${alerts.size - (realAt ? 1 : 0)} alerts for ${flooded()} of ${count} failures, ${pings} pings, ${posts} posts in all, whole after ${((performance.now() - began) / 1000).toFixed(1)} s; most ${most.toFixed(0)} MB`,
    );
    bot.child.kill('SIGTERM');
    await bot.ended;
  } finally {
    await house.close();
  }
}
process.exitCode = late ? 1 : 0;
