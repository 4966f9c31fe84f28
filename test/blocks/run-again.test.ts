/** The form to run a job again, and what is said of it, over any data. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateBlocks, validateView } from '#sandbox/block-kit';
import { alertMessage } from '../../src/blocks/alerts.ts';
import { runAgainMessage, trainingAnnouncement } from '../../src/blocks/announcements.ts';
import { jobCard } from '../../src/blocks/job-card.ts';
import { jobDetails } from '../../src/blocks/job-details.ts';
import type { JobFacts } from '../../src/blocks/job-facts.ts';
import {
  HYPERPARAMETERS_ROOM,
  lineProblems,
  runAgainFailed,
  runAgainForm,
  runAgainStarted,
  runAgainStarting,
} from '../../src/blocks/run-again.ts';
import type { Rerun } from '../../src/domain/job-records.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import { AppError } from '../../src/ground/errors.ts';

const SECRET = 'AKIAIOSFODNN7EXAMPLE';
const NASTY = ['<!channel>', '<@U0EVIL>', `key ${SECRET}`, '`', '```', '\n', '& <x|y>', '🚀'.repeat(90)];
const text = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.array(fc.constantFrom(...NASTY, 'words'), { maxLength: 60 }).map((parts) => parts.join(' ')),
  fc.string({ maxLength: 2500, unit: 'grapheme' }),
);
/** People's names are no secrets, and changes are stored masked. */
const harmless = text.map((one) => one.replaceAll(SECRET, ''));
const jobName = fc.stringMatching(/^[a-z][a-z0-9-]{0,58}[a-z0-9]$/);
const machines = { type: 'ml.g5.2xlarge', count: 1 };
const job = (name: string, status = 'Failed', more: Partial<TrainingJob> = {}): TrainingJob => ({
  ...{ name, useCase: 'line-3', provider: 'sagemaker', ...sageMakerState(status), createdAt: 1, endedAt: 2 },
  ...more,
});
const rerun: fc.Arbitrary<Rerun> = fc.record({
  of: jobName,
  pipeline: jobName,
  by: fc.constant({ team: 'T', user: 'U0ADA' }),
  byName: harmless,
  at: fc.constant(1.7e12),
  changes: fc.array(harmless, { maxLength: 40 }),
});
const useCase = {
  id: 'line-3',
  name: '<!here> line',
  aws: { account: '123456789012', region: 'eu-west-1' },
  channels: ['C0LINE3'],
};

function expectHarmless(value: unknown): void {
  // What stands in a field or is carried by a button is shown as plain text, or not at all.
  const shown = JSON.stringify(value, (key, inner) =>
    ['value', 'block_id', 'initial_value', 'private_metadata'].includes(key) ? '' : inner,
  );
  for (const forged of ['<!channel>', '<@U0EVIL>', '<!here>', SECRET]) expect(shown).not.toContain(forged);
}

describe('the form to run a job again', () => {
  it('[O6] keeps Slack’s limits over any hyperparameters, and shows no secret', () => {
    const hyperparameters = fc
      .array(
        fc.tuple(
          text.map((one) => one.slice(0, 256)),
          text,
        ),
        { maxLength: 100 },
      )
      .map((pairs) => Object.fromEntries(pairs));
    fc.assert(
      fc.property(
        jobName,
        hyperparameters,
        fc.array(text, { maxLength: 6 }),
        fc.boolean(),
        text,
        (name, all, notes, one, message) => {
          const error = new AppError('conflict', message, { hint: message, adminHint: message });
          const setup = { hyperparameters: all, notes, ...(one ? { machines } : {}) };
          const form = runAgainForm('{}', {
            ...{ useCase, job: job(name), setup, name, asAdmin: one, error },
            machines: one ? { type: machines.type, count: '1' } : undefined,
          });
          expect(validateView(form)).toEqual([]);
          const fields = JSON.stringify(form.blocks.filter(({ type }) => type === 'input'));
          expect(fields).not.toContain(SECRET);
          for (const view of [runAgainFailed('{}', name, error), runAgainStarting('{}', name)])
            expect(validateView(view)).toEqual([]);
          // An admin is shown AWS's own words as they are, to mend what they say.
          if (!one) expectHarmless(form);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('says what it does not show, and why', () => {
    const hyperparameters = {
      epochs: '"3"',
      sagemaker_program: '"train.py"',
      prompt: 'x'.repeat(2400),
      other: 'y'.repeat(2000),
      api_token: SECRET,
    };
    const facts = { useCase, job: job('a'), name: 'b', machines: undefined };
    const form = JSON.stringify(runAgainForm('{}', { ...facts, setup: { hyperparameters, notes: [] } }));
    expect(form).toContain('Not shown, and kept unless a line names them');
    expect(form).toContain('`sagemaker_program` (the SageMaker SDK’s own)');
    expect(form).toContain('`api_token` (with secrets in them)');
    expect(form).toContain('`prompt` (too long for a field of 3,000 characters)');
    expect(form).toContain('Texts stand in quotes');
    expect(HYPERPARAMETERS_ROOM).toBe(3000);
  });

  it('tells the first problems of lines, and how many more there are', () => {
    const problems = Array.from({ length: 8 }, (_, index) => ({ line: index + 1, problem: 'no' }));
    expect(lineProblems(problems)).toBe(
      'Line 1: no. Line 2: no. Line 3: no. Line 4: no. Line 5: no. … 3 more.',
    );
  });
});

describe('what is said of a run that repeats a job', () => {
  it('[O6] keeps Slack’s limits over any data, and pings nobody', () => {
    fc.assert(
      fc.property(jobName, rerun, (name, given) => {
        const said = runAgainMessage(name, given, useCase);
        expect(validateBlocks(said.blocks, 'message')).toEqual([]);
        expectHarmless(said);
        expect(JSON.stringify(said)).not.toContain('<@');
        const started = runAgainStarted('{}', { useCase, job: job(name), rerun: given });
        expect(validateView(started)).toEqual([]);
        const card = jobCard(facts(job(name, 'InProgress'), given));
        expect(validateBlocks(card.blocks, 'message')).toEqual([]);
        expectHarmless(card);
        expect(JSON.stringify(card)).toContain('Run again from');
      }),
      { numRuns: 150 },
    );
  });

  const details = (one: TrainingJob) => ({ ...facts(one), links: { site: 'AWS' } });

  it('[N4] has its button where something failed, was stopped, or is looked at; not while it runs', () => {
    const has = (value: unknown): boolean => JSON.stringify(value).includes('"train.again"');
    expect(has(jobCard(facts(job('a'))))).toBe(true);
    expect(has(jobCard(facts(job('a', 'Stopped'))))).toBe(true);
    expect(has(jobCard(facts(job('a', 'Completed'))))).toBe(false);
    expect(has(jobCard(facts(job('a', 'InProgress'))))).toBe(false);
    expect(has(jobDetails('{}', 'overview', details(job('a', 'Completed'))))).toBe(true);
    expect(has(jobDetails('{}', 'overview', details(job('a', 'InProgress'))))).toBe(false);
    expect(has(jobCard(facts(job('a', 'Failed', { provider: 'push' }))))).toBe(false);
    expect(has(trainingAnnouncement(job('a'), useCase))).toBe(true);
    const alert = {
      ...{ id: 'x', useCase: 'line-3', group: 'g', title: 'Training failed', cause: '', count: 1, level: 0 },
      ...{ subjects: [{ id: 's', name: 'a', at: 1 }], openedAt: 1, trail: [], state: 'open' as const },
    };
    expect(has(alertMessage({ ...alert, kind: 'training', job: 'a' }, useCase))).toBe(true);
    expect(has(alertMessage({ ...alert, kind: 'stuck', job: 'a' }, useCase))).toBe(false);
  });
});

function facts(of: TrainingJob, given?: Rerun): JobFacts {
  return {
    useCase,
    job: of,
    attempts: [],
    targets: [],
    components: [],
    usual: new Map(),
    lastCheckedAt: 2,
    now: 3,
    compiles: true,
    packages: false,
    shows: ['sagemaker'],
    rerun: given,
  };
}
