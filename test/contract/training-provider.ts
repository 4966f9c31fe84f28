/** What every training provider must do, so that commands, cards, alerts and logs need not know which one it is. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFinished, type JobState } from '../../src/domain/jobs.ts';
import { PROVIDERS } from '../../src/domain/providers.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';

export interface TrainingProviderHarness {
  provider: TrainingProvider;
  /** Jobs that are there; each has printed. */
  jobs: { completed: string; failed: string; running: string };
  close(): Promise<void>;
}

const STATES: readonly JobState[] = [
  ...(['pending', 'running', 'stopping', 'completed', 'failed', 'stopped', 'unknown'] as const),
];
const NOBODY = 'nobody-calls-a-job-this';
const signal = new AbortController().signal;

/** The code that a refusal comes with. */
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => (error instanceof AppError ? error.code : 'not an AppError'),
  );

async function linesOf(source: LogSource): Promise<number> {
  let count = 0;
  for (const { name } of await source.listStreams())
    for (let token: string | undefined; ; ) {
      const page = await source.readPage({ stream: name, direction: 'forward', from: 0, token });
      count += page.count;
      page.release?.();
      if (page.nextToken === undefined || page.nextToken === token) break;
      token = page.nextToken;
    }
  return count;
}

export function describeTrainingProvider(title: string, open: () => Promise<TrainingProviderHarness>): void {
  describe(`${title} keeps the contract of a training provider`, () => {
    let harness: TrainingProviderHarness;
    let provider: TrainingProvider;
    beforeEach(async () => {
      harness = await open();
      provider = harness.provider;
    });
    afterEach(() => harness.close());

    it('lists its jobs newest first, as many as asked for, and by a part of their name', async () => {
      const all = await provider.jobs.list({ limit: 100 });
      const times = all.map(({ createdAt }) => createdAt);
      expect(times).toEqual([...times].sort((a, b) => b - a));
      expect(await provider.jobs.list({ limit: 2 })).toEqual(all.slice(0, 2));
      const { completed } = harness.jobs;
      const found = await provider.jobs.list({ nameContains: completed.slice(1), limit: 100 });
      expect(found.map(({ name }) => name)).toContain(completed);
      expect(await provider.jobs.list({ nameContains: NOBODY, limit: 100 })).toEqual([]);
    });

    it('says where each job stands in our words and in its own', async () => {
      for (const job of await provider.jobs.list({ limit: 100 })) {
        expect(job.provider).toBe(provider.name);
        expect(STATES).toContain(job.state);
        expect(job.status).not.toBe('');
        expect(job.createdAt).toBeGreaterThan(1e12);
      }
      for (const [state, name] of Object.entries(harness.jobs)) {
        const job = await provider.jobs.find(name);
        expect(job).toMatchObject({ name, state, provider: provider.name });
        expect(job?.endedAt !== undefined).toBe(isFinished(job!));
        const listed = (await provider.jobs.list({ limit: 100 })).find((one) => one.name === name);
        expect(listed?.state).toBe(state);
      }
      expect((await provider.jobs.find(harness.jobs.failed))?.failureReason).toBeTruthy();
    });

    it('knows nothing of a job that is not there, whatever it is called', async () => {
      for (const name of [NOBODY, '', '../x', 'x'.repeat(300), 'a b\n'])
        expect(await provider.jobs.find(name)).toBeUndefined();
    });

    it('gives the tags of a job, if it has such', async () => {
      const job = (await provider.jobs.find(harness.jobs.completed))!;
      for (const value of Object.values(await provider.jobs.tags(job))) expect(typeof value).toBe('string');
    });

    it('gives the log of a job, and none of one that is not there', async () => {
      const names = Object.values(harness.jobs);
      for (const name of names) expect(await linesOf(provider.log(name))).toBeGreaterThan(0);
      expect(new Set(names.map((name) => provider.log(name).id)).size).toBe(names.length);
      const nothing = await linesOf(provider.log(NOBODY)).catch((error: AppError) => error.code);
      expect([0, 'not_found']).toContain(nothing);
    });

    it('follows a log from any byte, where it can', async () => {
      const { follow } = provider;
      if (!follow) return;
      const read = async (from: number): Promise<string> => {
        const chunks: Uint8Array[] = [];
        let next = from;
        for await (const { offset, bytes } of follow(harness.jobs.completed, { offset: from }, signal)) {
          expect(offset).toBe(next);
          next += bytes.length;
          chunks.push(bytes);
        }
        return Buffer.concat(chunks).toString('latin1');
      };
      const whole = await read(0);
      expect(whole.length).toBeGreaterThan(10);
      expect(await read(5)).toBe(whole.slice(5));
    });

    it('links to pages of the job, safe in a message', () => {
      for (const name of [harness.jobs.running, 'a b|c>d&e']) {
        const { site, job, log } = provider.links(name);
        expect(site).not.toBe('');
        for (const url of [job, log]) if (url !== undefined) expect(url).toMatch(/^https:\/\/[^\s|<>]+$/);
      }
    });

    it('starts a job again once, however often the same is asked, or says that it cannot', async () => {
      const { completed } = harness.jobs;
      const { training } = provider;
      const request = { name: 'contract-again', again: completed, askedAt: 0 };
      if (!PROVIDERS[provider.name].startsAgain) {
        expect(await codeOf(training.deploy({ ...request, hyperparameters: {} }))).toBe('invalid_input');
        return;
      }
      expect(await training.setup(NOBODY)).toBeUndefined();
      const { hyperparameters, machines } = (await training.setup(completed))!;
      const whole = { ...request, hyperparameters, ...(machines ? { machines } : {}) };
      const id = await training.deploy(whole);
      expect(await training.deploy(whole)).toBe(id);
      expect(await provider.jobs.find(id)).toMatchObject({
        state: training.begins.state,
        provider: provider.name,
      });
      const again = await codeOf(
        training.deploy({ ...request, name: 'of-nobody', again: NOBODY, hyperparameters }),
      );
      expect(again).toBe('not_found');
    });
  });
}
