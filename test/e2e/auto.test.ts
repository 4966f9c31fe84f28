/**
 * What happens by itself after an event, in a bot that asks AWS nothing of its own accord, and that is killed between
 * an event and its end: a model for each target, a component version of each model, once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GreengrassV2Client, ListComponentVersionsCommand } from '@aws-sdk/client-greengrassv2';
import { ListCompilationJobsCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { startDemoSandbox } from '../../src/demo/sandbox.ts';
import { currentStatus } from '../../src/domain/compilations.ts';
import { envelope, trainingEvent } from '../events/support.ts';
import { endProcess } from '../fixtures/end-process.ts';
import { botEnvironment, type TestSandbox } from './bot.ts';
import { line3Client, until } from './jobs.ts';
import { newState, openStore } from './state.ts';

const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const JOB = 'defects-resnet101-ddp';
const TARGETS = ['arm64-cpu', 'x86_64-cpu'];
const MINUTE = 60_000;

let dir: string;
let sandbox: TestSandbox;
/** AWS's time before ours: compilations take their time. */
let ahead = 0;
let bot: ChildProcess | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-auto-'));
  const started = await startDemoSandbox({
    dataDir: dir,
    manifestPath: join(import.meta.dirname, '../../manifest.yml'),
    clock: { now: () => Date.now() + ahead },
    slack: { rateLimits: false, shareDelayMs: 0 },
    // All events come from here.
    aws: { eventTickMs: 0, compilationMs: MINUTE, componentMs: 500, concurrentCompilations: 50 },
  });
  sandbox = { ...started, state: await newState() };
  const config = parse(await readFile(sandbox.configPath, 'utf8'));
  config.useCases[0].compile = { ...config.useCases[0].compile, auto: true, targets: TARGETS };
  config.useCases[0].components = { auto: true, namePrefix: 'auto-' };
  await writeFile(sandbox.configPath, stringify(config));
});
afterEach(async () => {
  await endProcess(bot);
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

/** @param ticks how often it looks at AWS by itself */
async function start(ticks: 'never' | 'once' | 'always'): Promise<void> {
  const child = spawn(process.execPath, ['--import', TSX, join(import.meta.dirname, 'storm-bot.ts')], {
    env: {
      ...botEnvironment(sandbox),
      PATH: process.env.PATH,
      AWS_EC2_METADATA_DISABLED: 'true',
      TICKS: ticks,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  bot = child;
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      if (said.length < 50_000) said += chunk.toString();
      if (said.includes('"msg":"ready"')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the bot ended (${code}):\n${said}`)));
  });
}

async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const child = bot!;
  bot = undefined;
  await endProcess(child, signal);
}

const send = (...events: object[]): void =>
  void sandbox.aws.events.send(
    'signalbox-events',
    events.map((event) => JSON.stringify(event)),
  );

const requests = (operation: string): number =>
  Object.entries(sandbox.aws.stats().requests).reduce(
    (sum, [name, count]) => (name.endsWith(operation) ? sum + count : sum),
    0,
  );
const asked = (operation: string, times = 1): Promise<true> =>
  until(async () => (requests(operation) >= times ? true : undefined), `${operation}, ${times} times`);

/** Names of what was compiled of the job since the test began. */
async function compiled(since: number): Promise<string[]> {
  const sagemaker = await line3Client(sandbox, SageMakerClient);
  const { CompilationJobSummaries = [] } = await sagemaker.send(
    new ListCompilationJobsCommand({ NameContains: 'defects-resnet101', CreationTimeAfter: new Date(since) }),
  );
  sagemaker.destroy();
  return CompilationJobSummaries.map(({ CompilationJobName = '' }) => CompilationJobName);
}

/** Versions of the component that is made of the job for a target. */
async function versions(target: string): Promise<string[]> {
  const greengrass = await line3Client(sandbox, GreengrassV2Client);
  const arn = `arn:aws:greengrass:eu-west-1:123456789012:components:auto-${JOB}-${target}`;
  try {
    const { componentVersions = [] } = await greengrass.send(new ListComponentVersionsCommand({ arn }));
    return componentVersions.map(({ componentVersion = '' }) => componentVersion);
  } finally {
    greengrass.destroy();
  }
}

it('[C6, G1, N2] a training’s end is compiled and packaged by itself, once, however often it is told and the bot killed', async () => {
  const begun = Date.now() - MINUTE;
  const now = () => new Date().toISOString();
  const times = { CreationTime: Date.now() - 60 * MINUTE, LastModifiedTime: Date.now() };
  const done = { ...trainingEvent(JOB, 'Completed', times), time: now() };
  await start('never');
  send(done, { ...done, id: 'the same under another id' });
  await asked('CreateCompilationJob');
  await end('SIGKILL');

  // Whatever the first one had not come to is taken up; the event comes once more.
  await start('once');
  send({ ...done, id: 'once more' });
  await until(
    async () => ((await compiled(begun)).length >= TARGETS.length ? true : undefined),
    'compilations',
  );
  const names = await compiled(begun);
  expect(names).toHaveLength(TARGETS.length);
  expect(requests('CreateComponentVersion')).toBe(0);

  ahead += 20 * MINUTE;
  const hints = names.map((CompilationJobName) => ({
    ...envelope('SageMaker Compilation Job State Change', {
      CompilationJobName,
      CompilationJobStatus: 'Completed',
    }),
    time: now(),
  }));
  send(...hints, ...hints, ...hints.map((hint) => ({ ...hint, id: `${hint.id} again` })));
  await asked('CreateComponentVersion');
  await end('SIGKILL');

  ahead += MINUTE;
  await start('always');
  send(...hints.map((hint) => ({ ...hint, id: `${hint.id} after the kill` })));
  await until(async () => {
    for (const target of TARGETS) if ((await versions(target).catch(() => [])).length === 0) return undefined;
    return true;
  }, 'component versions');
  await until(async () => {
    const messages = sandbox.slack.workspace.messages('C0LINE3').map((one) => JSON.stringify(one.blocks));
    return messages.some((text) => text.split('deployable').length > TARGETS.length) ? true : undefined;
  }, 'a card that says deployable of each');
  await end('SIGTERM');

  expect(await compiled(begun)).toEqual(names);
  for (const target of TARGETS) expect(await versions(target)).toHaveLength(1);
  const store = await openStore(botEnvironment(sandbox));
  const ours = (await store.listAttempts({ useCase: 'line-3', job: JOB })).filter(
    ({ why }) => why === 'auto',
  );
  const components = await store.listComponents({ useCase: 'line-3', job: JOB });
  await store.close();
  expect(ours.map((attempt) => [attempt.target, currentStatus(attempt)]).sort()).toEqual(
    TARGETS.map((target) => [target, 'COMPLETED']),
  );
  expect(components.map(({ chain, state }) => [chain.target, state]).sort()).toEqual(
    TARGETS.map((target) => [target, 'DEPLOYABLE']),
  );
}, 240_000);
