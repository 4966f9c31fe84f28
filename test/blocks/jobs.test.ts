/** Cards, forms, tables and details over any data: within Slack's limits, harmless, and saying what they should. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS, textLength, validateBlocks, validateView } from '#sandbox/block-kit';
import { historyView } from '../../src/blocks/compilation-history.ts';
import { compileForm } from '../../src/blocks/compile-form.ts';
import {
  compileFailed,
  compileStarting,
  compileStatusMessage,
  compileStatusView,
} from '../../src/blocks/compile-status.ts';
import { componentView } from '../../src/blocks/component-details.ts';
import { packageForm, publishView } from '../../src/blocks/component-packaging.ts';
import { componentsList } from '../../src/blocks/components.ts';
import { jobCard, milestones } from '../../src/blocks/job-card.ts';
import type { DetailsFacts, Tab } from '../../src/blocks/job-details.ts';
import { jobDetails as detailsOf, TABS } from '../../src/blocks/job-details.ts';
import { type JobFacts, readRef, writeRef } from '../../src/blocks/job-facts.ts';
import { readJobsState, writeJobsState } from '../../src/blocks/jobs-state.ts';
import { type JobsFacts, jobsTable } from '../../src/blocks/jobs-table.ts';
import type { Block, Message, Modal } from '../../src/blocks/message.ts';
import { overallState, targetStates } from '../../src/domain/compilation-states.ts';
import type { CompilationAttempt } from '../../src/domain/compilations.ts';
import { FRAMEWORKS } from '../../src/domain/compile-input.ts';
import type { Component } from '../../src/domain/components.ts';
import { jobKey } from '../../src/domain/job-keys.ts';
import { type JobPart, type JobParts, PARTS_KEPT } from '../../src/domain/job-parts.ts';
import { COMPILATIONS, TRAININGS } from '../../src/domain/jobs-query.ts';
import { PROVIDER_NAMES, SAGEMAKER_NAMES } from '../../src/domain/providers.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import { TRAINING_STATES } from '../../src/domain/training-states.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { sageMaker } from '../../src/providers/sagemaker.ts';

const NASTY = [
  '<!channel> <!here> @everyone <@U0ADA> <https://evil.example|click>',
  '```` ``` ` *bold* _it_ ~no~',
  '& &amp; &lt; "quotes" \u202e\u0000\u0007',
  'ClientError: InputConfiguration: TVM cannot convert the PyTorch model. Invalid model or input-shape mismatch.',
  '🚀'.repeat(200),
  '<'.repeat(1024),
  '`'.repeat(1024),
];
const SECRET =
  'AccessDenied for AKIAIOSFODNN7EXAMPLE aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const text = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ maxLength: 1200, unit: 'grapheme' }),
  fc.string({ maxLength: 40 }),
);
/** What services say, secrets and all. */
const told = fc.oneof(text, fc.constant(SECRET));
const words = fc.oneof(
  fc.constantFrom(...NASTY.map((one) => one.slice(0, 300))),
  fc.string({ maxLength: 120 }),
);
const jobName = fc.stringMatching(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,30}$/).map((name) => name.slice(0, 63));
const targetName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/);
const at = fc.integer({ min: 1.6e12, max: 1.9e12 });
const status = fc.oneof(
  fc.constantFrom('REQUESTED', 'STARTING', 'INPROGRESS', 'STOPPING', 'COMPLETED', 'FAILED', 'STOPPED'),
  words.filter((word) => word.trim() !== ''),
);

const attempt = (target: fc.Arbitrary<string>): fc.Arbitrary<CompilationAttempt> =>
  fc.record(
    {
      id: fc.uuid(),
      useCase: fc.constant('line-3'),
      job: fc.constant('the-job'),
      target,
      compilationJob: jobName,
      startedBy: fc.constantFrom({ team: 'T1', user: 'U0ADA' }, { team: 'cli', user: '<!channel>' }),
      why: fc.constantFrom('manual' as const, 'auto' as const, 'retry' as const),
      askedAt: at,
      statuses: fc.array(fc.record({ status, at }), { minLength: 1, maxLength: 8 }),
      failureReason: told,
      startedAt: at,
      endedAt: at,
      artifact: words,
      lastCheckedAt: at,
      limitSeconds: fc.integer({ min: 60, max: 90_000 }),
      input: fc.record({
        framework: fc.constantFrom(...FRAMEWORKS),
        dataInputConfig: text,
        sources: fc.constant({}),
      }),
    },
    {
      requiredKeys: [
        'id',
        'useCase',
        'job',
        'target',
        'compilationJob',
        'startedBy',
        'why',
        'askedAt',
        'statuses',
      ],
    },
  );

const part: fc.Arbitrary<JobPart> = fc.record(
  {
    name: jobName,
    state: fc.constantFrom('running' as const, 'completed' as const, 'failed' as const, 'unknown' as const),
    status: jobName,
    job: jobName.map((name) => jobKey({ provider: 'processing', name })),
    note: fc.constantFrom('from the cache (abc123def456)', 'validation:auc 0.9128'),
    startedAt: at,
    endedAt: at,
  },
  { requiredKeys: ['name', 'state', 'status'] },
);
const parts: fc.Arbitrary<JobParts> = fc.record({
  thing: fc.constantFrom('step' as const, 'training job' as const),
  total: fc.integer({ min: 60, max: 500 }),
  counts: fc.constant({ completed: 459, failed: 40, running: 1 }),
  shown: fc.array(part, { maxLength: PARTS_KEPT }),
  causes: fc.array(fc.record({ cause: told, count: fc.integer({ min: 1, max: 40 }), example: words }), {
    maxLength: 5,
  }),
});

const job = fc
  .record(
    {
      name: jobName,
      useCase: fc.constant('line-3'),
      provider: fc.constantFrom(...SAGEMAKER_NAMES),
      status: fc.oneof(fc.constantFrom('InProgress', 'Completed', 'Failed', 'Stopped', 'Deleting'), words),
      createdAt: at,
      secondaryStatus: words,
      failureReason: told,
      instanceType: words,
      instanceCount: fc.integer({ min: 1, max: 99 }),
      startedAt: at,
      endedAt: at,
      modelArtifact: words,
      hyperparameters: fc.dictionary(fc.string({ minLength: 1, maxLength: 80 }), told, { maxKeys: 40 }),
      facts: fc.dictionary(fc.string({ minLength: 1, maxLength: 80 }), told, { maxKeys: 5 }),
      parts,
    },
    { requiredKeys: ['name', 'useCase', 'provider', 'status', 'createdAt'] },
  )
  .map((one) => ({ ...one, ...sageMakerState(one.status, one.secondaryStatus) }));

const component = fc.record(
  {
    useCase: fc.constant('line-3'),
    chain: fc.record({
      trainingJob: jobName,
      target: targetName,
      attempt: fc.uuid(),
      compilationJob: jobName,
      component: fc.record({ name: targetName, version: fc.constantFrom('1.0.0', '12.3.45') }),
    }),
    arn: words,
    state: fc.oneof(fc.constantFrom('REQUESTED', 'INITIATED', 'DEPLOYABLE', 'FAILED'), words),
    message: told,
    errors: fc.dictionary(fc.string({ maxLength: 60 }), told, { maxKeys: 5 }),
    createdAt: at,
  },
  { requiredKeys: ['useCase', 'chain', 'state', 'createdAt'] },
) as fc.Arbitrary<Component>;

const facts: fc.Arbitrary<JobFacts> = fc.uniqueArray(targetName, { maxLength: 30 }).chain((targets) =>
  fc.record({
    useCase: fc.record({
      id: fc.constant('line-3'),
      name: words,
      aws: fc.constant({ account: '123456789012', region: 'eu-west-1' }),
    }),
    job,
    attempts:
      targets.length === 0
        ? fc.constant([])
        : fc.array(attempt(fc.constantFrom(...targets)), { maxLength: 40 }),
    targets: fc.constant(targets),
    components: fc.array(component, { maxLength: 6 }),
    usual: fc.constant(new Map(targets.slice(0, 3).map((target) => [target, 754_000]))),
    lastCheckedAt: at,
    failedCheck: fc.option(fc.record({ at, message: told }), { nil: undefined }),
    now: at,
    compiles: fc.boolean(),
    packages: fc.boolean(),
    shows: fc.subarray([...SAGEMAKER_NAMES]),
  }),
) as fc.Arbitrary<JobFacts>;

/** What Slack parses: mrkdwn, and a message's own text; in plain text and values nothing is. */
function parsed(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(parsed);
  if (typeof value !== 'object' || value === null) return [];
  const { type, text } = value as { type?: unknown; text?: unknown };
  if (typeof text === 'string') return type === 'mrkdwn' || type === undefined ? [text] : [];
  return Object.values(value).flatMap(parsed);
}

/** Only our own dates, channels, links to AWS, and mentions in private views. */
function expectHarmless(value: unknown): void {
  for (const text of parsed(value)) {
    expect(text).not.toMatch(/<!(?:channel|here|everyone)/);
    expect(text).not.toMatch(/<https?:\/\/evil/);
  }
  expect(JSON.stringify(value)).not.toContain('AKIAIOSFODNN7EXAMPLE');
}

function expectMessage(message: Message): void {
  expect(message.text.trim()).not.toBe('');
  expect(message.text.length).toBeLessThanOrEqual(LIMITS.messageText.recommended);
  expect(validateBlocks(message.blocks, 'message')).toEqual([]);
  expect(textLength(message.blocks)).toBeLessThanOrEqual(LIMITS.blocksText);
  if (message.fallback) expect(validateBlocks(message.fallback, 'message')).toEqual([]);
  expectHarmless([{ text: message.text }, message.blocks, message.fallback]);
}

function expectView(view: Modal): void {
  expect(validateView(view)).toEqual([]);
  expect(Buffer.byteLength(JSON.stringify(view))).toBeLessThanOrEqual(LIMITS.view.bytes);
  expectHarmless(view);
}

const runs = { numRuns: 120 };

/** What the menu of curves offers. */
const optionsOf = (block: Block): string[] =>
  ((block as { elements?: { action_id?: string; options?: { value: string }[] }[] }).elements ?? [])
    .filter(({ action_id }) => action_id === 'curves.of')
    .flatMap(({ options = [] }) => options.map(({ value }) => value));

describe('payloads keep Slack’s limits over any data', () => {
  it('[C1, O6] job cards and what their threads say', () => {
    fc.assert(
      fc.property(facts, (given) => {
        expectMessage(jobCard(given));
        // A mention in a channel would ping: nobody is mentioned there.
        expect(JSON.stringify(jobCard(given))).not.toContain('<@');
        for (const milestone of milestones(given)) expectMessage(milestone.message);
      }),
      runs,
    );
  });

  it('[C12] details with every tab, and [C9] the history', () => {
    fc.assert(
      fc.property(facts, fc.dictionary(words, told, { maxKeys: 20 }), (given, reported) => {
        const details = { ...given, reported: new Map(given.attempts.map(({ id }) => [id, reported])) };
        for (const tab of TABS) expectView(jobDetails('{}', tab, details));
        expectView(
          historyView('{}', {
            job: given.job.name,
            useCase: { aws: { account: '123456789012', region: 'eu-west-1' } },
            attempts: given.attempts,
          }),
        );
      }),
      runs,
    );
  });

  it('[C3] the compile form and its status view', () => {
    const start = fc.record({
      outcome: fc.constantFrom(
        'started' as const,
        'already' as const,
        'refused' as const,
        'unknown' as const,
      ),
      error: fc.option(
        fc.tuple(told, told).map(([message, hint]) => new AppError('conflict', message, { hint })),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(facts, text, text, fc.array(start, { minLength: 1 }), (given, shape, problem, starts) => {
        const states = targetStates(given.attempts, given.targets);
        expectView(
          compileForm('{}', {
            useCase: given.useCase,
            job: given.job,
            states,
            descriptions: new Map(given.targets.map((target) => [target, shape])),
            before: new Map(
              given.targets.map((target) => [target, { cause: shape, lasting: true, was: {} }]),
            ),
            preselected: given.targets.slice(0, 2),
            usual: given.usual,
            input: { framework: 'pytorch', frameworkVersion: '1.13', dataInputConfig: shape },
            sources: { framework: 'tag', dataInputConfig: 'use case' },
            problem,
            now: given.now,
          }),
        );
        const status = {
          useCase: { id: 'line-3', name: given.useCase.name, channels: ['C0LINE3'] },
          job: given.job.name,
          states,
          starts: states.map(({ target }, index) => ({ target, ...starts[index % starts.length]! })),
          usual: given.usual,
          now: given.now,
        };
        expectView(compileStatusView('{}', status));
        expectMessage(compileStatusMessage(status));
        expectView(compileStarting('{}', { job: given.job.name, targets: given.targets }));
        expectView(compileFailed('{}', given.job.name, new AppError('conflict', problem, { hint: shape })));
      }),
      runs,
    );
  });

  it('[C11] the table of jobs, also without data tables', () => {
    const query = fc.record(
      {
        name: words.map((name) => name.slice(0, 80)).filter((name) => name !== ''),
        training: fc.constantFrom(...TRAININGS),
        compilation: fc.constantFrom(...COMPILATIONS),
        ended: fc.constantFrom('failed' as const, 'stopped' as const),
        provider: fc.constantFrom(...PROVIDER_NAMES),
        by: fc.constant('U0ADA'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 10 }), query, fc.nat({ max: 40 }), (all, asked, page) => {
        const rows = all.map(({ job: one, useCase, attempts, targets }) => ({
          job: one,
          useCase,
          overall: overallState(one.state, attempts, targets),
          people: ['U0ADA'],
        }));
        const counts = {
          training: Object.fromEntries(TRAINING_STATES.map((state) => [state, page])),
          compilation: Object.fromEntries(COMPILATIONS.map((state) => [state, page])),
        } as JobsFacts['counts'];
        const given = {
          rows,
          query: asked,
          total: 400,
          page,
          pages: 40,
          counts,
          providers: PROVIDER_NAMES.slice(0, 1 + (page % 3)),
          useCases: [all[0]?.useCase ?? { id: 'a', name: 'b' }, { id: 'c', name: 'd' }],
          refused: all.map(({ useCase }, index) => ({
            useCase,
            unlisted: PROVIDER_NAMES.slice(0, index),
            onlyListed: PROVIDER_NAMES.slice(index, 9),
          })),
          now: 0,
        };
        // The owner stands as a mention, in a message that one person sees.
        const shown = jobsTable(given);
        expectMessage(shown);
        // Curves of those that may have printed something.
        const without = ['tuning', 'compilation', 'pipeline', 'endpoint', 'notebook', 'cluster'];
        const printed = rows.filter(
          ({ job: { state, provider } }) => state !== 'pending' && !without.includes(provider),
        );
        const refs = printed.map(({ job, useCase }) => `${useCase.id} ${jobKey(job)}`);
        expect(shown.blocks!.flatMap(optionsOf)).toEqual(refs);
        expect(shown.fallback?.flatMap(optionsOf) ?? []).toEqual(refs);
        expect(JSON.stringify(shown).includes('"curves.compare"')).toBe(printed.length > 0);
        const kept = readJobsState(`f ${writeJobsState(asked, page)}`);
        if (writeJobsState(asked, page) !== writeJobsState({}, 0))
          expect(kept).toEqual({ query: asked, page });
      }),
      { numRuns: 100 },
    );
  });

  it('[G2, G4, G5] components, their devices and packaging', () => {
    const device = fc.record({
      device: fc.record({ name: words, health: words, reportedAt: at }),
      installed: fc.array(fc.record({ name: words, version: words, state: words }), { maxLength: 4 }),
      deployments: fc.array(
        fc.record({ id: words, name: words, status: words, target: words, version: words }),
        { maxLength: 4 },
      ),
      problem: fc.option(told, { nil: undefined }),
    });
    const useCase = { id: 'line-3', name: 'Line 3', aws: { account: '123456789012', region: 'eu-west-1' } };
    fc.assert(
      fc.property(
        fc.array(component, { minLength: 1, maxLength: 8 }),
        fc.array(device, { maxLength: 80 }),
        told,
        (made, rows, recipe) => {
          const list = made.map((one) => ({
            useCase,
            ...one.chain.component,
            arn: one.arn,
            state: one.state,
            createdAt: one.createdAt,
            component: one,
          }));
          expectMessage(
            componentsList({
              rows: [...list.slice(1), { ...list[0]!, component: undefined }],
              match: 'resnet <!channel>',
              total: 500,
              page: 3,
              pages: 60,
              useCases: [useCase],
              incomplete: recipe,
              devicesUnknown: recipe,
            }),
          );
          const [first] = list;
          expectView(
            componentView('{}', {
              ...first!,
              message: first!.component.message,
              errors: first!.component.errors ?? {},
              versions: Array.from({ length: 500 }, (_, index) => ({
                version: `1.0.${index}`,
                component: made[0],
              })),
              devices: { kind: 'known', asOf: 1, total: 60, failed: 1, rows },
              packages: true,
            }),
          );
          expectView(
            packageForm('{}', {
              job: 'the-job',
              target: 't',
              name: 'model',
              version: '1.0.0',
              recipe,
              template: 'use case',
              existing: made,
            }),
          );
          expectView(
            publishView('{}', {
              useCase,
              target: 't',
              outcome: 'refused',
              error: new AppError('conflict', recipe),
            }),
          );
          expectView(publishView('{}', { useCase, target: 't', outcome: 'published', component: made[0] }));
        },
      ),
      { numRuns: 100 },
    );
  });
});

// --- What they say -----------------------------------------------------------------------------------

const jobDetails = (metadata: string, tab: Tab, facts: Omit<DetailsFacts, 'links'>) =>
  detailsOf(metadata, tab, { ...facts, links: sageMaker.links(LINE_3, facts.job.name) });
const LINE_3 = { aws: { account: '123456789012', region: 'eu-west-1' } } as UseCase;

const NOW = Date.UTC(2026, 0, 31, 12);
const base: JobFacts = {
  useCase: { id: 'line-3', name: 'Line 3 defects', aws: { account: '123456789012', region: 'eu-west-1' } },
  job: {
    name: 'defects-resnet50',
    useCase: 'line-3',
    provider: 'sagemaker',
    ...sageMakerState('Completed'),
    createdAt: NOW - 7_200_000,
    startedAt: NOW - 7_000_000,
    endedAt: NOW - 3_600_000,
  },
  attempts: [],
  targets: ['jetson-xavier', 'x86_64-cpu'],
  components: [],
  usual: new Map([['jetson-xavier', 720_000]]),
  lastCheckedAt: NOW,
  now: NOW,
  compiles: true,
  packages: true,
  shows: SAGEMAKER_NAMES,
};
const made = (
  target: string,
  statuses: string[],
  more: Partial<CompilationAttempt> = {},
): CompilationAttempt => ({
  id: `${target}-1`,
  useCase: 'line-3',
  job: 'defects-resnet50',
  target,
  compilationJob: `defects-resnet50-${target}`,
  startedBy: { team: 'T1', user: 'U0ADA' },
  why: 'manual',
  askedAt: NOW - 600_000,
  statuses: statuses.map((status, index) => ({ status, at: NOW - 600_000 + index })),
  startedAt: NOW - 600_000,
  ...more,
});
const textsOf = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(textsOf).join('\n');
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([key, inner]) => (key === 'text' && typeof inner === 'string' ? inner : textsOf(inner)))
    .join('\n');
};
const actionsOf = (blocks: Block[] | undefined): string[] =>
  [...JSON.stringify(blocks).matchAll(/"action_id":"([^"]+)"/g)].map((match) => match[1]!);

describe('[C1, C2] the card', () => {
  it('shows a running target by word, with elapsed and usual time, and a Stop that asks', () => {
    const card = jobCard({ ...base, attempts: [made('jetson-xavier', ['REQUESTED', 'INPROGRESS'])] });
    const shown = textsOf(card.blocks);
    expect(shown).toContain('⏳ *jetson-xavier* compiling · for 10 min (usually 12 min)');
    expect(shown).toContain('⏳ *compiling* · 0/2 compiled');
    expect(JSON.stringify(card.blocks)).toMatch(/compile\.stop.*"style":"danger".*"confirm"/);
  });

  it('shows what is compiled with its S3 place, and what failed with cause and fix', () => {
    const card = jobCard({
      ...base,
      attempts: [
        made('jetson-xavier', ['COMPLETED'], { endedAt: NOW, artifact: 's3://line-3/compiled/model.tar.gz' }),
        made('x86_64-cpu', ['FAILED'], {
          endedAt: NOW,
          failureReason: 'ClientError: InputConfiguration: No h5 file provided in /tmp <!channel>',
        }),
      ],
    });
    const shown = textsOf(card.blocks);
    expect(shown).toContain('✅ *jetson-xavier* compiled · took 10 min (usually 12 min)');
    expect(shown).toContain('s3://line-3/compiled/model.tar.gz');
    expect(shown).toContain('🌗 *partly compiled* · 1/2 compiled');
    expect(shown).toMatch(/No h5 file provided in \/tmp &lt;!channel&gt;/);
    expect(shown).toMatch(/\*Cause:\*.*\n\*What to do:\*/);
    expect(actionsOf(card.blocks)).toEqual(
      expect.arrayContaining([
        'compile.retry',
        'compile.more',
        'logs.get',
        'compile.open',
        'compile.details',
      ]),
    );
  });

  it('says when it was last checked while AWS does not answer', () => {
    const card = jobCard({
      ...base,
      lastCheckedAt: NOW - 600_000,
      failedCheck: { at: NOW, message: 'Rate exceeded' },
    });
    expect(textsOf(card.blocks)).toMatch(/Last checked <!date.*got no answer: Rate exceeded/);
  });

  it('[C4] offers no compiling before the training is completed', () => {
    for (const status of ['InProgress', 'Failed', 'Stopped'])
      expect(
        actionsOf(jobCard({ ...base, job: { ...base.job, ...sageMakerState(status) } }).blocks),
      ).not.toContain('compile.open');
  });

  it('[C7] attaches a failure whole where it is cut', () => {
    const long = made('x86_64-cpu', ['FAILED'], { failureReason: '<'.repeat(1024) });
    const [, milestone] = milestones({ ...base, attempts: [long] });
    expect(textsOf(milestone!.message.blocks)).toMatch(/cut at [\d,]+ of 1,024 characters/);
    expect(milestone!.attach?.text).toBe('<'.repeat(1024));
    const short = made('x86_64-cpu', ['FAILED'], { failureReason: 'TimeOut' });
    expect(milestones({ ...base, attempts: [short] })[1]!.attach).toBeUndefined();
  });
});

describe('[C8] details', () => {
  it('show what AWS reports, and say what it does not', () => {
    const attempt = made('jetson-xavier', ['COMPLETED'], { endedAt: NOW, limitSeconds: 3600 });
    const view = jobDetails('{}', 'compilation', {
      ...base,
      attempts: [attempt],
      reported: new Map([[attempt.id, { 'Inference image': 'ecr/x:1' }]]),
    });
    const shown = textsOf(view.blocks);
    expect(shown).toContain('Duration: 10 min');
    expect(shown).toContain('Limit: 1 h');
    expect(shown).toContain('Inference image: `ecr/x:1`');
    expect(shown).toContain('Neo does not report the instance it compiles on');
    expect(shown).not.toContain('not reported');
  });

  it('say how long a running job has been running, and not that its end is not reported', () => {
    const running = {
      ...base.job,
      ...sageMakerState('InProgress'),
      startedAt: NOW - 57 * 60_000,
      endedAt: undefined,
    };
    const view = jobDetails('{}', 'overview', { ...base, job: running });
    const shown = textsOf(view.blocks);
    expect(shown).toContain('*Duration*\n57 min so far');
    expect(shown).not.toMatch(/\*Ended\*|\*Model artifact\*/);
    expect(
      textsOf(jobDetails('{}', 'overview', { ...base, job: { ...running, startedAt: undefined } }).blocks),
    ).toContain('*Started*\nnot yet');
    // Its attempts as well.
    const live = made('jetson-xavier', ['STARTING', 'INPROGRESS'], { limitSeconds: 3600 });
    const tab = textsOf(jobDetails('{}', 'compilation', { ...base, attempts: [live] }).blocks);
    expect(tab).toContain('Duration: 10 min so far');
    expect(tab).toContain('Neo reports neither its progress nor the instance it compiles on');
    expect(tab).not.toContain('not reported_');
    // The window is named after the job, whichever tab is open.
    expect(view.title.text).toBe('defects-resnet50');
  });

  it('[G3] lead into the AWS console in the right region', () => {
    const attempts = [made('jetson-xavier', ['COMPLETED'])];
    const urls = TABS.flatMap((tab) =>
      [...JSON.stringify(jobDetails('{}', tab, { ...base, attempts })).matchAll(/"url":"([^"]+)"/g)].map(
        (match) => match[1]!,
      ),
    );
    expect(urls.length).toBeGreaterThan(3);
    for (const url of urls) expect(url).toMatch(/^https:\/\/eu-west-1\.console\.aws\.amazon\.com\//);
  });
});

describe('[C9] history', () => {
  it('keeps every attempt with who, why and every status', () => {
    const attempts = [
      made('x86_64-cpu', ['REQUESTED', 'FAILED'], { id: 'a', failureReason: 'TimeOut' }),
      made('x86_64-cpu', ['REQUESTED', 'INPROGRESS'], {
        id: 'b',
        why: 'retry',
        startedBy: { team: 'T1', user: 'U0BEN' },
      }),
    ];
    const shown = textsOf(
      historyView('{}', {
        job: 'defects-resnet50',
        useCase: { aws: { account: '123456789012', region: 'eu-west-1' } },
        attempts,
      }).blocks,
    );
    expect(shown).toContain('2 attempts');
    expect(shown).toMatch(
      /\*2\.\* ⏳ compiling[\s\S]*<@U0BEN>, as a retry[\s\S]*\*1\.\* ❌ failed[\s\S]*<@U0ADA>, on request/,
    );
    expect(shown).toContain('TimeOut');
  });
});

describe('references', () => {
  it('read back as they were written', () => {
    fc.assert(
      fc.property(jobName, targetName, (name, target) => {
        expect(readRef(writeRef({ useCase: 'line-3', job: name, target }))).toEqual({
          useCase: 'line-3',
          job: name,
          target,
        });
      }),
    );
  });
});
