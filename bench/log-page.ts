/** One page of a log from bytes to text and index: `npx tsx bench/log-page.ts`. Each way warms up, then the two alternate. */
import { newPageMemory, parsePage, readPage } from '../src/aws/cloudwatch-logs-page.ts';
import { pageArena } from '../src/aws/page-scanner.ts';
import { BurstSchedule, message } from './log-corpus.ts';

const EVENTS = 7_400;
const ROUNDS = 60;
const layout = { lead: 32 };

const schedule = new BurstSchedule(0, EVENTS);
const events = Array.from({ length: EVENTS }, (_, i) => ({
  ingestionTime: schedule.time(i) + 800,
  message: message(0, i),
  timestamp: schedule.time(i),
}));
const body = Buffer.from(JSON.stringify({ events, nextBackwardToken: 'b/0', nextForwardToken: 'f/1' }));

const arena = pageArena();
const place = arena?.takeBody(body.length);
const region = arena?.takeRegion();
const memory = newPageMemory();
if (place) body.copy(place);

const ways: Record<string, () => number> = {
  'JSON.parse': () => parsePage(body, layout).count,
  'scanner in TypeScript': () => readPage(body, layout, memory).count,
};
if (place && region) {
  const inside = place.subarray(0, body.length);
  ways['scanner in WebAssembly'] = () =>
    readPage(inside, layout, { text: region.text, ends: region.ends, times: region.times, region }).count;
}

const spent = new Map<string, number[]>();
for (let round = -10; round < ROUNDS; round++) {
  for (const [name, read] of Object.entries(ways)) {
    const started = performance.now();
    if (read() !== EVENTS) throw new Error(`${name} lost events`);
    if (round >= 0) spent.set(name, [...(spent.get(name) ?? []), performance.now() - started]);
  }
}
const middle = (name: string): number => spent.get(name)!.sort((a, b) => a - b)[ROUNDS >> 1]!;
console.log(`${EVENTS} events, ${(body.length / 1e6).toFixed(2)} MB of JSON, Node ${process.versions.node}`);
for (const name of Object.keys(ways)) {
  const ms = middle(name);
  console.log(
    `${name.padEnd(24)} ${ms.toFixed(2)} ms  ${(middle('JSON.parse') / ms).toFixed(1)} × faster than JSON.parse`,
  );
}
