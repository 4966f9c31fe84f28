import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateBlocks, validateView } from '#sandbox/block-kit';
import { errorMessage } from '../../src/blocks/errors.ts';
import { keepingFirstLines, logsEnough } from '../../src/blocks/first-lines.ts';
import { jobsUsage } from '../../src/blocks/jobs-table.ts';
import { orderButton } from '../../src/blocks/log-buttons.ts';
import * as logs from '../../src/blocks/logs.ts';
import * as results from '../../src/blocks/logs-result.ts';
import type { Message } from '../../src/blocks/message.ts';
import { homeView, overviewMessage } from '../../src/blocks/overview.ts';
import { section } from '../../src/blocks/text.ts';
import { overallState } from '../../src/domain/compilation-states.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import type { LogLoss } from '../../src/domain/log-keeping.ts';
import type { LogOrder, LogQuery } from '../../src/domain/log-order.ts';
import { SAGEMAKER_NAMES } from '../../src/domain/providers.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError, type ErrorCode, HTTP_STATUS } from '../../src/ground/errors.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom('<!channel>', '&', '`', 'x', '\n', '😀'), maxLength: 4000 }),
  fc.constantFrom('', ' ', 'train-resnet'),
);
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const count = fc.nat({ max: 2 ** 31 });

const job: fc.Arbitrary<TrainingJob> = fc
  .record({
    name: text,
    useCase: text,
    provider: fc.constant('sagemaker' as const),
    status: fc.oneof(fc.constantFrom('Completed', 'InProgress', 'Failed', 'Stopped'), text),
    secondaryStatus: fc.option(text, { nil: undefined }),
    failureReason: fc.option(text, { nil: undefined }),
    createdAt: time,
  })
  .map((one) => ({ ...one, ...sageMakerState(one.status, one.secondaryStatus) }));

const useCase: fc.Arbitrary<UseCase> = fc.record({
  id: fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/),
  name: text,
  aws: fc.constant({ account: '123456789012', region: 'eu-west-1' }),
  channels: fc.array(fc.stringMatching(/^C[A-Z0-9]{3,10}$/), { maxLength: 30 }),
  access: fc.constant({}),
  logs: fc.constant({ delivery: 'channel' as const, gzipAbove: 1, secondLane: 'auto' as const }),
});

const order: fc.Arbitrary<LogOrder> = fc.record({
  job: text,
  useCase: fc.string({ maxLength: 40 }),
  range: fc.record({ last: text }),
  streams: fc.array(text),
  match: fc.record({ kind: fc.constant('text' as const), pattern: text }),
  form: fc.constantFrom('lines' as const, 'raw' as const, 'plain' as const),
  dm: fc.boolean(),
});

const loss: fc.Arbitrary<LogLoss | undefined> = fc.option(
  fc.record({
    place: text,
    removed: fc.option(
      fc.record({ completeSince: time, days: fc.integer({ min: 1, max: 3653 }), whole: fc.boolean() }),
      { nil: undefined },
    ),
    masks: fc.constantFrom('now' as const, 'before' as const, undefined),
  }),
  { nil: undefined },
);

function expectSound(message: Message): void {
  expect(message.text.trim()).not.toBe('');
  expect(message.text.length).toBeLessThanOrEqual(4000);
  expect(validateBlocks(message.blocks, 'message')).toEqual([]);
}

const queryOf = (pattern: string): LogQuery => ({
  job: 'x',
  since: 1,
  until: 2,
  span: 7_200_000,
  tail: 5,
  streams: Array.from({ length: 20 }, () => pattern),
  match: { kind: 'text', pattern },
  form: 'plain',
  dm: false,
});
const failureOf = (words: string): results.LogFailure => ({
  guidance: { id: 'x', cause: words, fix: words, link: { url: 'https://docs.aws.amazon.com/x', title: 'x' } },
  reason: words,
  excerpt: { stream: words, text: words.repeat(20), kind: 'traceback' },
});

const runs = { numRuns: 150 };

describe('messages keep Slack’s limits over any data', () => {
  it('[O6] errors, without stack or cause', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...(Object.keys(HTTP_STATUS) as ErrorCode[])),
        text,
        text,
        text,
        fc.array(fc.oneof(fc.constantFrom('U0DEV', 'S0OPS', 'channel-members'), text), { maxLength: 30 }),
        fc.option(fc.nat(), { nil: undefined }),
        fc.boolean(),
        (code, message, hint, adminHint, ask, retryAfterMs, asAdmin) => {
          const error = new AppError(code, message, {
            hint,
            adminHint: `SECRET${adminHint}`,
            cause: new Error('CAUSE'),
            ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
          });
          const shown = errorMessage(error, { ask, asAdmin });
          expectSound(shown);
          const everything = JSON.stringify(shown);
          expect(everything).toContain(error.ref);
          expect(everything).not.toContain('CAUSE');
          if (!asAdmin) expect(everything).not.toContain('SECRET');
        },
      ),
      runs,
    );
  });

  it('progress, results and questions about logs', () => {
    const stage = fc.oneof(
      fc.record({ kind: fc.constant('waiting' as const), ahead: count }),
      fc.record({
        kind: fc.constant('fetching' as const),
        events: count,
        textBytes: count,
        fraction: fc.double({ min: 0, max: 1, noNaN: true }),
        throttled: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant('uploading' as const),
        throttled: fc.boolean(),
        bytes: count,
        fraction: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    );
    fc.assert(
      fc.property(
        job,
        useCase,
        text,
        stage,
        order,
        fc.array(fc.record({ name: text, order }), { maxLength: 40 }),
        fc.array(fc.record({ useCase, order }), { maxLength: 40 }),
        loss,
        (one, team, by, at, again, nearest, open, lost) => {
          const progress = { job: one.name, by, stage: at, downloadId: 'an-id' };
          expectSound(logs.logsProgress(progress));
          const { excerpt, guidance } = failureOf(by);
          for (const lines of [
            { excerpt: excerpt!, advice: guidance },
            { excerpt: { ...excerpt!, kind: 'last lines' as const }, at: one.createdAt },
          ]) {
            expectSound(logs.logsProgress({ ...progress, lines }));
            expectSound(logsEnough(one.name, 'by ada', lines, [orderButton('Get', logs.LOGS.retry, again)]));
            expectSound(keepingFirstLines(logs.logsInterrupted(one.name, undefined), lines));
            expectSound(keepingFirstLines(errorMessage(new AppError('timeout', by)), lines));
          }
          expectSound(
            results.logsNoneYet({
              job: one,
              useCase: team,
              links: { site: 'AWS', job: 'https://example.com/job' },
              order: again,
              failure: failureOf(by),
              loss: lost,
            }),
          );
          expectSound(results.logsNothingMatches({ job: one, query: queryOf(by), order: again, loss: lost }));
          expectSound(
            results.logsOutsideRange({ job: one, query: queryOf(by), lastEventAt: 1, order: again }),
          );
          expectSound(logs.logsUnknownJob(one.name, team.name, nearest));
          expectSound(logs.logsWhichUseCase(open));
          expectSound(logs.logsCancelled(one.name, 'by ada', orderButton('Retry', logs.LOGS.retry, again)));
          expectSound(logs.logsAlreadyRunning(one.name, one.createdAt, by));
          expectSound(logs.logsSentDirectly(one.name, ''));
        },
      ),
      runs,
    );
  });

  it('the message that carries a file, also where Slack takes only its text', () => {
    fc.assert(
      fc.property(
        job,
        useCase,
        text,
        text,
        fc.array(text, { maxLength: 20 }),
        count,
        fc.option(text, { nil: undefined }),
        loss,
        (one, team, by, pattern, notes, events, why, lost) => {
          const delivered = results.logsDelivered({
            links: { site: 'AWS', job: 'https://example.com/job' },
            job: one,
            useCase: team,
            by,
            events,
            textBytes: events * 7,
            firstEventAt: 1,
            lastEventAt: 2,
            streams: 3,
            parts: 2,
            gzipped: true,
            query: queryOf(pattern),
            to: 5,
            loss: lost,
            notes,
            resumed: true,
            failure: why === undefined ? undefined : failureOf(why),
          });
          expectSound({ ...delivered, blocks: delivered.blocks ?? [section('-')] });
          // Only our own dates and links, each whole.
          const rest = delivered.text.replace(/<!date\^[^<>]*>|<https:\/\/docs[^<>]*>/g, '');
          expect(rest).not.toMatch(/[<>]/);
        },
      ),
      runs,
    );
  });

  it('[L10] suggestions and the form', () => {
    fc.assert(
      fc.property(job, useCase, (one, team) => {
        const option = logs.jobOption(one, team);
        const form = logs.logsForm('{}', option);
        expect(validateView(form)).toEqual([]);
      }),
      runs,
    );
  });

  it('help and the Home tab', () => {
    const commands = [{ name: 'logs', description: 'The log', usage: '<job>' }];
    expectSound(logs.logsUsage('/logs'));
    expect(JSON.stringify(logs.logsUsage('/logs'))).not.toContain('processing:');
    for (const kinds of [['sagemaker'], ['sagemaker', 'tuning'], SAGEMAKER_NAMES] as const) {
      const help = logs.logsUsage('/logs', 'train-1', kinds);
      expectSound(help);
      expectSound(jobsUsage('/jobs', kinds));
      const overview = overviewMessage(commands, '@signalbox ', kinds);
      expectSound(overview);
      for (const said of [help, overview, jobsUsage('/jobs', kinds)].map((one) => JSON.stringify(one)))
        expect(said.includes('training jobs and tuning jobs')).toBe(kinds.length === 2);
      expect(JSON.stringify(help).includes('tuning:name')).toBe(kinds.length === 2);
    }
    fc.assert(
      fc.property(
        fc.array(useCase, { maxLength: 150 }),
        fc.array(text, { maxLength: 60 }),
        (useCases, subjects) => {
          const downloads = subjects.map((subject) => ({
            at: 1,
            actor: { team: 'T', user: 'U' },
            action: 'logs.downloaded',
            useCase: 'line-3',
            subject,
            detail: { events: 5, bytes: 10 },
          }));
          const rows = subjects.map((name) => ({
            useCase: { id: 'line-3', name },
            job: {
              name,
              useCase: 'line-3',
              provider: 'sagemaker' as const,
              ...sageMakerState(name),
              createdAt: 1,
            },
            overall: overallState('unknown', [], ['x86_64-cpu']),
            people: [],
          }));
          const facts = {
            commands,
            slash: '/ml-',
            useCases: useCases.map((one) => ({ useCase: one, rights: ['jobs:read', 'logs:read'] as const })),
            running: { rows, total: 400 },
            mine: { rows, total: rows.length },
            alerts: { rows: [], total: 0 },
            subscriptions: [],
            downloads,
            admins: '<@U0DEV>',
          };
          expect(validateView(homeView(facts))).toEqual([]);
        },
      ),
      runs,
    );
  });

  it.each([
    [0, 0, 'nothing in the log that was asked for'],
    [1, 95, '1 event · 95 bytes'],
    [1200, 90_000, '1,200 events · 90 kB'],
  ])('a download of %i events on the Home tab', (events, bytes, says) => {
    const record = { at: 1, actor: { team: 'T', user: 'U' }, action: 'logs.downloaded', useCase: 'line-3' };
    const view = homeView({
      commands: [],
      slash: '/',
      useCases: [],
      running: { rows: [], total: 0 },
      mine: { rows: [], total: 0 },
      alerts: { rows: [], total: 0 },
      subscriptions: [],
      downloads: [{ ...record, subject: 'a-job', detail: { events, bytes } }],
      admins: '<@U0DEV>',
    });
    const text = JSON.stringify(view.blocks);
    expect(text).toContain(says);
    expect(text).not.toContain('0 bytes');
  });
});
