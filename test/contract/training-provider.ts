/** What every training provider must do, so that commands, cards, alerts and logs need not know which one it is. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFinished, type JobState } from '../../src/domain/jobs.ts';
import { PROVIDERS } from '../../src/domain/providers.ts';
import type { TrainTemplate } from '../../src/domain/train-templates.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import type { TrainingProvider } from '../../src/ports/training-provider.ts';

export interface TrainingProviderHarness {
  provider: TrainingProvider;
  /** Jobs that are there; each has printed. */
  jobs: { completed: string; failed: string; running: string };
  /** Where the completed one stands that is over and did not fail; left out: it is completed. */
  over?: JobState;
  /** When its jobs ended, the service does not say. */
  hidesEnds?: boolean;
  /** One that starts something harmless; left out where nothing can be started from a template. */
  template?: TrainTemplate;
  /** What the completed job was asked to be called; left out: its own name. */
  taken?: string;
  /** Of its parameters without a default. */
  values?: Readonly<Record<string, string>>;
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
  describe(`[P1] ${title} keeps the contract of a training provider`, () => {
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
        const job = await provider.getStatus(name);
        const stands = state === 'completed' ? (harness.over ?? state) : state;
        expect(job).toMatchObject({ name, state: stands, provider: provider.name });
        expect(job?.endedAt !== undefined).toBe(isFinished(job!) && !harness.hidesEnds);
        const listed = (await provider.jobs.list({ limit: 100 })).find((one) => one.name === name);
        expect(listed?.state).toBe(stands);
      }
      expect((await provider.getStatus(harness.jobs.failed))?.failureReason).toBeTruthy();
    });

    it('knows nothing of a job that is not there, whatever it is called', async () => {
      for (const name of [NOBODY, '', '../x', 'x'.repeat(300), 'a b\n'])
        expect(await provider.getStatus(name)).toBeUndefined();
    });

    it('gives the tags of a job, if it has such', async () => {
      const job = (await provider.getStatus(harness.jobs.completed))!;
      for (const value of Object.values(await provider.jobs.tags(job))) expect(typeof value).toBe('string');
    });

    it('gives the log of a job, and none of one that is not there', async () => {
      const names = Object.values(harness.jobs);
      for (const name of names) expect(await linesOf(provider.log(name))).toBeGreaterThan(0);
      expect(new Set(names.map((name) => provider.log(name).id)).size).toBe(names.length);
      const nothing = await linesOf(provider.log(NOBODY)).catch((error: AppError) => error.code);
      expect([0, 'not_found']).toContain(nothing);
    });

    const bytesOf = async (job: string, from: number): Promise<string> => {
      const chunks: Uint8Array[] = [];
      let next = from;
      for await (const { offset, bytes } of provider.readLog(job, { offset: from }, signal)) {
        expect(offset).toBe(next);
        next += bytes.length;
        chunks.push(bytes);
      }
      return Buffer.concat(chunks).toString('latin1');
    };

    it('follows a log from any byte to its end', async () => {
      const whole = await bytesOf(harness.jobs.completed, 0);
      expect(whole.length).toBeGreaterThan(10);
      expect(await bytesOf(harness.jobs.completed, 5)).toBe(whole.slice(5));
      expect(await codeOf(bytesOf(NOBODY, 0))).toBe('not_found');
    });

    it('stops following as soon as nobody wants to any more', async () => {
      const stop = new AbortController();
      let chunks = 0;
      for await (const _ of provider.readLog(harness.jobs.running, { offset: 0 }, stop.signal)) {
        chunks += 1;
        stop.abort();
      }
      expect(chunks).toBe(1);
    });

    it('gives the last lines of a log, or those from any line on, as they are followed', async () => {
      const { completed, running } = harness.jobs;
      const whole = await bytesOf(completed, 0);
      const lines = Buffer.from(whole, 'latin1')
        .toString()
        .replace(/\r?\n$/, '')
        .split(/\r?\n/);
      expect(lines.length).toBeGreaterThan(1);
      const last = await provider.getLogs(completed, { limit: 2 });
      expect(last.lines).toEqual(lines.slice(-2));
      if (last.offset !== undefined) expect(last).toMatchObject({ offset: lines.length - 2 });
      expect((await provider.getLogs(completed, { limit: 10_000 })).lines).toEqual(lines.slice(-10_000));
      for (const offset of [0, 1, lines.length - 1, lines.length, lines.length + 7])
        expect(await provider.getLogs(completed, { limit: 2, offset })).toEqual({
          lines: lines.slice(offset, offset + 2),
          offset: Math.min(offset, lines.length),
          total: lines.length,
        });
      expect((await provider.getLogs(running, { limit: 1 })).lines).toHaveLength(1);
    });

    it('refuses lines that there cannot be, and has none of a job that is not there', async () => {
      const { completed } = harness.jobs;
      for (const range of [{ limit: 0 }, { limit: 10_001 }, { limit: 1.5 }, { limit: 5, offset: -1 }])
        expect(await codeOf(provider.getLogs(completed, range))).toBe('invalid_input');
      expect(await codeOf(provider.getLogs(NOBODY, { limit: 5 }))).toBe('not_found');
    });

    it('ends a job once, however often it is asked, and leaves those alone that have ended', async () => {
      const { completed, failed, running } = harness.jobs;
      if (!PROVIDERS[provider.name].stops) {
        expect(await codeOf(provider.cancel(running))).toBe('invalid_input');
        return;
      }
      for (const [name, state] of [
        [completed, harness.over ?? 'completed'],
        [failed, 'failed'],
      ] as const)
        expect(await provider.cancel(name)).toMatchObject({ name, state });
      for (let time = 0; time < 2; time += 1)
        expect(['stopping', 'stopped']).toContain((await provider.cancel(running)).state);
      expect(['stopping', 'stopped']).toContain((await provider.getStatus(running))?.state);
      expect(await codeOf(provider.cancel(NOBODY))).toBe('not_found');
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
      const { taken = completed } = harness;
      const request = { kind: 'again', name: 'contract-again', again: completed, askedAt: 0 } as const;
      if (!PROVIDERS[provider.name].startsAgain) {
        expect(await codeOf(provider.deploy({ ...request, hyperparameters: {} }))).toBe('invalid_input');
        return;
      }
      expect(await provider.setup(NOBODY)).toBeUndefined();
      const { hyperparameters, machines } = (await provider.setup(completed))!;
      const whole = { ...request, hyperparameters, ...(machines ? { machines } : {}) };
      const id = await provider.deploy(whole);
      expect(await provider.deploy(whole)).toBe(id);
      const started = await provider.getStatus(id);
      expect(started).toMatchObject({ name: id, provider: provider.name });
      expect([provider.begins.state, 'completed']).toContain(started?.state);
      const ofNobody = { ...request, name: 'of-nobody', again: NOBODY, hyperparameters };
      expect(await codeOf(provider.deploy(ofNobody))).toBe('not_found');
      expect(await codeOf(provider.deploy({ ...whole, name: taken, askedAt: Number.MAX_SAFE_INTEGER }))).toBe(
        'conflict',
      );
    });

    it('starts a run from a template once, however often the same is asked', async () => {
      const { template, taken = harness.jobs.completed } = harness;
      if (!template) {
        expect(PROVIDERS[provider.name].startsAgain).toBe(false);
        return;
      }
      const { parameters, machines } = await provider.choices(template);
      const values = Object.fromEntries(
        Object.entries(parameters).map(([name, one]) => [name, harness.values?.[name] ?? one.default ?? '']),
      );
      const order = {
        ...({ kind: 'template', name: 'contract-new', template, values, askedAt: Date.now() } as const),
        ...(machines[0] === undefined ? {} : { machine: machines[0] }),
      };
      const [id, again] = await Promise.all([provider.deploy(order), provider.deploy(order)]);
      expect(again).toBe(id);
      expect(id.startsWith('contract-new')).toBe(true);
      expect(await provider.getStatus(id)).toMatchObject({
        ...{ name: id, provider: provider.name },
        hyperparameters: expect.objectContaining(values),
      });
      const ofThatName = (await provider.jobs.list({ limit: 100 })).filter(({ name }) =>
        name.startsWith('contract-new'),
      );
      expect(ofThatName).toHaveLength(1);
      expect((await provider.setup(id))?.hyperparameters).toMatchObject(values);
      expect(await codeOf(provider.deploy({ ...order, name: taken, askedAt: Number.MAX_SAFE_INTEGER }))).toBe(
        'conflict',
      );
    });
  });
}
