/** Where a job's model is in no place that Neo takes models from, nothing that is shown of it speaks of compiling. */
import { describe, expect, it } from 'vitest';
import { trainingAnnouncement } from '../../src/blocks/announcements.ts';
import { jobCard, milestones } from '../../src/blocks/job-card.ts';
import { jobDetails } from '../../src/blocks/job-details.ts';
import { factsOf, type JobPicture } from '../../src/blocks/job-facts.ts';
import { jobsTable } from '../../src/blocks/jobs-table.ts';
import { homeView } from '../../src/blocks/overview.ts';
import { tailMessage } from '../../src/blocks/tail.ts';
import { type JobCompilationState, jobCompilations } from '../../src/domain/compilation-states.ts';
import { jobKey } from '../../src/domain/job-keys.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { COMPILATIONS } from '../../src/domain/jobs-query.ts';
import { isCompiledFrom, PROVIDER_NAMES, PROVIDERS, type ProviderName } from '../../src/domain/providers.ts';
import type { Tail } from '../../src/domain/tails.ts';
import { TRAINING_STATES } from '../../src/domain/training-states.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';

const TARGETS = ['jetson-xavier', 'x86_64-cpu'];
const useCase: UseCase = {
  ...{ id: 'line-3', name: 'Line 3', channels: ['C0LINE3'], access: {} },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
  compile: {
    ...{ roleArn: 'arn:aws:iam::123456789012:role/Neo', outputS3: 's3://b/c', targets: TARGETS },
    ...{ auto: false, timeoutSeconds: 900, customTargets: {} },
  },
};

const jobOn = (provider: ProviderName): TrainingJob => ({
  ...{ name: 'press-1', useCase: 'line-3', provider, state: 'completed', status: 'Completed' },
  ...{ createdAt: 1_000, startedAt: 2_000, endedAt: 3_000 },
});

/** All that is shown of a completed job, by where. */
function shownOf(job: TrainingJob): Record<string, string> {
  const picture: JobPicture = {
    ...{ job, useCase, attempts: [], components: [], lastCheckedAt: 4_000 },
    ...{ rerun: undefined, start: undefined, stop: undefined, curves: undefined },
    targets: TARGETS.map((target) => ({ target })),
  };
  const facts = factsOf(picture, 5_000);
  const overall = jobCompilations(job, [], TARGETS);
  const row = { useCase, job, overall, people: [] };
  const counted = <K extends string>(names: readonly K[], at: K | undefined) =>
    Object.fromEntries(names.map((name) => [name, name === at ? 1 : 0])) as Record<K, number>;
  const tail: Tail = {
    ...{ id: 't', useCase: 'line-3', job: jobKey(job), channel: 'C0LINE3', watchers: [] },
    ...{ since: 0, turn: 0, until: 9_000, ended: { why: 'run', at: 3_000 } },
  };
  const shown = {
    card: jobCard(facts),
    thread: milestones(facts).map(({ message }) => message),
    details: jobDetails('{}', 'overview', { ...facts, links: { site: 'there' } }),
    logs: jobDetails('{}', 'logs', { ...facts, links: { site: 'there' } }),
    announcement: trainingAnnouncement(job, useCase),
    tail: tailMessage({
      ...{ tail, useCase, training: job, lines: [], at: 3_000, canOpen: false },
      end: { state: 'completed', exitCode: 0, signal: null, at: 3_000 },
    }),
    table: jobsTable({
      ...{ rows: [row], query: {}, total: 1, page: 0, pages: 1, now: 5_000, useCases: [useCase] },
      counts: {
        training: counted(TRAINING_STATES, 'completed'),
        compilation: counted<JobCompilationState>(COMPILATIONS, overall.applies ? overall.state : undefined),
      },
      providers: [job.provider],
    }).blocks?.filter(({ type }) => type !== 'actions'),
    home: homeView({
      ...{ commands: [], slash: '/', subscriptions: [], downloads: [], admins: '' },
      useCases: [{ useCase, rights: ['jobs:read'] }],
      ...{
        alerts: { rows: [], total: 0 },
        running: { rows: [row], total: 1 },
        mine: { rows: [row], total: 1 },
      },
    }).blocks.filter((block) => JSON.stringify(block).includes('press-1')),
  };
  return Object.fromEntries(Object.entries(shown).map(([where, what]) => [where, JSON.stringify(what)]));
}

describe('[C11] a completed job', () => {
  it.each(PROVIDER_NAMES.filter((provider) => !isCompiledFrom(provider)))(
    'on %s speaks of no compilation, no component and no artifact anywhere',
    (provider) => {
      for (const [where, what] of Object.entries(shownOf(jobOn(provider)))) {
        const words = what.replaceAll(/"action_id":"[^"]*"/g, '');
        expect(words, where).not.toMatch(/Compile…|Component|artifact|Instances/);
        // A compilation job itself is called so.
        if (provider !== 'compilation') expect(words, where).not.toMatch(/ compil|Compil/);
      }
    },
  );

  it.each(PROVIDER_NAMES.filter((provider) => isCompiledFrom(provider)))(
    'on %s says that it is not compiled, and offers it',
    (provider) => {
      const { card, details, announcement, tail, table, home, logs } = shownOf(jobOn(provider));
      for (const where of [card, announcement, tail]) expect(where).toContain('Compile…');
      for (const where of [card, details, home]) expect(where).toContain('*not compiled* · 0/2 compiled');
      expect(table).toContain('not compiled 0/2');
      for (const tab of ['Compilation', 'Components']) expect(logs).toContain(`"text":"${tab}"`);
    },
  );

  it.each(PROVIDER_NAMES)('on %s is on the Home tab as what it is', (provider) => {
    const { home } = shownOf(jobOn(provider));
    expect(home).toContain(`✅ ${PROVIDERS[provider].work.toLowerCase()} completed`);
  });

  it('whose use case compiles nothing is announced without an offer to', () => {
    const { compile: _, ...alone } = useCase;
    expect(JSON.stringify(trainingAnnouncement(jobOn('sagemaker'), alone))).not.toContain('Compile…');
  });
});
