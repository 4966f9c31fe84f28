/**
 * `/jobs` and the suggestions of `/logs` where a use case shows all ten kinds of SageMaker's jobs, 400 of each, against
 * the same where it shows training alone. Two bots, each the built program in a process of its own with a sandbox of its
 * own, are asked by turns; AWS answers after 150 ms and holds accounts to its list quotas. `/jobs` asks AWS nothing, but
 * the lists go on meanwhile; suggestions for letters that nobody has typed before ask for a list of each kind. Each
 * account is asked for one such text a second: several people at a time, for whoever types on asks for parts of one text.
 *
 *   npm run build
 *   npx tsx bench/jobs-of-kinds.ts [--rounds 15] [--latency 150] [--jobs 400] [--every 1000]
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import type { AwsWorld, KindSeeds, RegionSeed } from '#sandbox/seeds';
import { LOGS } from '../src/blocks/logs.ts';
import { type DemoSandbox, startDemoSandbox } from '../src/demo/sandbox.ts';
import { jobKey } from '../src/domain/job-keys.ts';
import { PROVIDER_NAMES, PROVIDERS, type ProviderName } from '../src/domain/providers.ts';
import { openLowdbStore } from '../src/stores/lowdb.ts';
import { slack, startBot } from './bot.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    latency: { type: 'string', default: '150' },
    jobs: { type: 'string', default: '400' },
    every: { type: 'string', default: '1000' },
  },
});
const JOBS = Number(values.jobs);
const CHANNEL = 'C0LINE3';
const MINUTE = 60_000;
const KINDS = PROVIDER_NAMES.filter((name) => name === 'sagemaker' || PROVIDERS[name].isKind);

const numbered = (index: number): string => String(index).padStart(12, '0');

/** The seeded one that ended well, again and again, ever older. */
function many<S extends { name: string; transitions: readonly { at: number }[] }>(
  seeds: readonly S[],
  nameOf: (seed: S, index: number) => string,
): S[] {
  const one = seeds[0]!;
  return Array.from({ length: JOBS }, (_, index) => ({
    ...one,
    name: nameOf(one, index),
    transitions: one.transitions.map((step) => ({ ...step, at: step.at - index * MINUTE })),
    ...('children' in one ? { children: [] } : {}),
    ...('steps' in one ? { steps: [] } : {}),
    streams: [],
  }));
}

const plain = (seed: { name: string }, index: number): string => `${seed.name}-${numbered(index)}`;

function crowded({ trainingJobs = [], kinds = {}, compilations = [], ...rest }: RegionSeed): RegionSeed {
  const every: KindSeeds = {
    processing: many(kinds.processing ?? [], plain),
    transform: many(kinds.transform ?? [], plain),
    tuning: many(kinds.tuning ?? [], (_, index) => `search-${numbered(index)}`),
    pipeline: many(kinds.pipeline ?? [], (seed, index) => seed.name.replace(/[^/]+$/, numbered(index))),
    endpoint: many(kinds.endpoint ?? [], plain),
    notebook: many(kinds.notebook ?? [], plain),
    cluster: many(kinds.cluster ?? [], plain),
    job: many(kinds.job ?? [], plain),
  };
  const [one] = compilations;
  return {
    ...rest,
    trainingJobs: many(trainingJobs, plain),
    kinds: every,
    compilations: Array.from({ length: JOBS }, (_, index) => ({
      ...one!,
      compilationJob: `neo-${numbered(index)}`,
      name: `neo-${numbered(index)}`,
      createdAt: one!.createdAt - index * MINUTE,
    })),
  };
}

const world = ({ accounts }: AwsWorld): AwsWorld => ({
  accounts: accounts.map((account) => ({
    ...account,
    regions: Object.fromEntries(
      Object.entries(account.regions ?? {}).map(([name, seed]) => [
        name,
        seed.kinds?.tuning ? crowded(seed) : seed,
      ]),
    ),
  })),
});

interface Side {
  called: string;
  sandbox: DemoSandbox;
  bot: ChildProcess;
  dir: string;
  jobs: number;
  table: number[];
  suggestions: number[];
}

/** A list's page: what a bot asks for when it looks for new jobs. */
const PAGE = 100;

/**
 * What a bot knows that has been looking for weeks, but for the newest page of each list, which it finds when it starts:
 * none of it is news, or hundreds of jobs would be described and announced while it is measured.
 */
async function known(folder: string, kinds: readonly ProviderName[]): Promise<void> {
  const store = await openLowdbStore(folder);
  const now = Date.now();
  await Promise.all(
    kinds.flatMap((provider) =>
      Array.from({ length: Math.max(0, JOBS - PAGE) }, (_, index) => {
        const createdAt = now - 60 * 24 * 60 * MINUTE - index * MINUTE;
        const job = {
          ...{ name: `known-${numbered(index)}`, useCase: 'line-3', provider, createdAt },
          ...{ state: 'completed' as const, status: 'Completed', endedAt: createdAt + 30 * MINUTE },
        };
        return store.changeJob('line-3', jobKey(job), () => ({
          ...{ job, seenAt: now, described: true },
        }));
      }),
    ),
  );
  await store.close();
}

async function side(called: string, kinds: readonly ProviderName[]): Promise<Side> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  const sandbox = await startDemoSandbox({
    ...{ dataDir: dir, world, aws: { latencyMs: Number(values.latency) } },
    manifestPath: fileURLToPath(new URL('../manifest.yml', import.meta.url)),
    slack: { rateLimits: false, shareDelayMs: 0 },
  });
  const config = parse(await readFile(sandbox.configPath, 'utf8'));
  config.useCases[0].providers = {
    sagemaker: { kinds: kinds.map((name) => (name === 'sagemaker' ? 'training' : name)) },
  };
  await writeFile(sandbox.configPath, stringify(config));
  await known(join(dir, 'bot'), kinds);
  const bot = await startBot(sandbox, dir);
  return { called, sandbox, bot, dir, jobs: kinds.length * JOBS, table: [], suggestions: [] };
}

/** @returns milliseconds from letters typed to suggestions */
async function suggestions({ sandbox }: Side, value: string): Promise<number> {
  const view_id = await form(sandbox);
  const started = performance.now();
  const answer = await slack(sandbox, 'options', { user: 'ada', view_id, action_id: LOGS.job, value });
  const ms = performance.now() - started;
  const found = JSON.stringify(answer);
  if (!found.includes(value)) throw new Error(`Nothing found for ${value}: ${found.slice(0, 300)}`);
  return ms;
}

/** The form behind the help of `/logs`, opened once. */
async function form(sandbox: DemoSandbox): Promise<string> {
  const opened = async () => (await slack(sandbox, 'views?user=ada')) as { views?: { id: string }[] };
  if (!(await opened()).views?.length) {
    const query = new URLSearchParams({
      channel: CHANNEL,
      user: 'ada',
      contains: 'brings the complete log',
      wait: '30',
    });
    await slack(sandbox, 'command', { user: 'ada', channel: CHANNEL, command: '/logs', text: '' });
    const message_ts = (await slack(sandbox, `messages?${query}`)).messages?.at(-1)?.ts;
    await slack(sandbox, 'action', { user: 'ada', channel: CHANNEL, action_id: LOGS.choose, message_ts });
  }
  for (let tries = 0; tries < 200; tries++) {
    const id = (await opened()).views?.at(-1)?.id;
    if (id) return id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('The form did not open.');
}

/** @returns milliseconds from the command to the table; of how many jobs it tells */
async function table({ sandbox }: Side): Promise<{ ms: number; total: number }> {
  const query = new URLSearchParams({ channel: CHANNEL, user: 'ada' });
  const since = (await slack(sandbox, `messages?${query}`)).messages?.at(-1)?.ts ?? '0';
  const started = performance.now();
  await slack(sandbox, 'command', { user: 'ada', channel: CHANNEL, command: '/jobs', text: '' });
  query.set('since', since);
  query.set('contains', 'newest first');
  query.set('wait', '30');
  const [answer] = (await slack(sandbox, `messages?${query}`)).messages ?? [];
  const total = /\d+–\d+ of ([\d,]+), newest first/.exec(JSON.stringify(answer?.blocks))?.[1];
  if (!total) throw new Error('No table came.');
  return { ms: performance.now() - started, total: Number(total.replaceAll(',', '')) };
}

/** Resolves when AWS was asked nothing for three seconds, or after three minutes. */
async function settled(all: readonly Side[]): Promise<void> {
  const asked = () =>
    all
      .flatMap(({ sandbox }) => Object.values(sandbox.aws.stats().requests))
      .reduce((sum, count) => sum + count, 0);
  for (let tries = 0, before = -1; tries < 60 && before !== asked(); tries++) {
    before = asked();
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;

const spread = (list: readonly number[]): string =>
  `${median(list).toFixed(0)} ms (${Math.min(...list).toFixed(0)} to ${Math.max(...list).toFixed(0)})`;

const sides: Side[] = [];
try {
  sides.push(await side('training alone', ['sagemaker']));
  sides.push(await side('all ten kinds', KINDS));
  // What a bot does when it starts is over.
  await settled(sides);
  for (const { sandbox } of sides) sandbox.aws.resetStats();
  // The first is not counted: code that runs for the first time.
  const eachInTurn = async (ask: (one: Side, round: number) => Promise<void>) => {
    for (let round = 0; round <= Number(values.rounds); round++)
      for (const one of round % 2 === 0 ? sides : [...sides].reverse()) await ask(one, round);
  };
  await eachInTurn(async (one, round) => {
    const { ms, total } = await table(one);
    if (total < one.jobs) throw new Error(`${one.called}: a table of ${total} jobs, not ${one.jobs}`);
    if (round > 0) one.table.push(ms);
  });
  await eachInTurn(async (one, round) => {
    await new Promise((resolve) => setTimeout(resolve, Number(values.every) / sides.length));
    const ms = await suggestions(one, String(round + 10).padStart(8, '0'));
    if (round > 0) one.suggestions.push(ms);
  });
  console.log(
    `${cpus().length} cores, load ${loadavg()[0]!.toFixed(0)}, Node ${process.versions.node}; AWS answers after ${values.latency} ms`,
  );
  for (const { called, jobs, table: times, suggestions: typed, sandbox } of sides) {
    const { requests, throttled } = sandbox.aws.stats();
    const lists = Object.keys(requests).filter((name) => /^(?:sagemaker:)?List(?!Tags)/.test(name));
    const asked = lists.reduce((sum, name) => sum + requests[name]!, 0);
    const refused = Object.entries(throttled).map(([name, count]) => `${name} ${count}`);
    console.log(
      `${called.padEnd(15)} ${jobs} jobs: /jobs ${spread(times)}; suggestions ${spread(typed)}; ${asked} lists asked for meanwhile, refused: ${refused.join(', ') || 'none'}`,
    );
  }
  const [alone, all] = sides;
  const ratio = (of: 'table' | 'suggestions') => (median(all![of]) / median(alone![of])).toFixed(2);
  console.log(`ratio of /jobs ${ratio('table')}, of suggestions ${ratio('suggestions')}`);
} finally {
  for (const { bot, sandbox, dir } of sides) {
    const gone = once(bot, 'exit');
    bot.kill();
    await gone;
    await sandbox.close();
    await rm(dir, { recursive: true, force: true });
  }
}
