/** Whatever comes from outside, alerts, announcements and windows are within Slack's limits and mention nobody. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateBlocks, validateView } from '#sandbox/block-kit';
import { alertsMessage, onCallMessage } from '../../src/blocks/alert-lists.ts';
import { callMessage } from '../../src/blocks/alert-thread.ts';
import { alertMessage } from '../../src/blocks/alerts.ts';
import * as announcements from '../../src/blocks/announcements.ts';
import type { Message } from '../../src/blocks/message.ts';
import { muteForm } from '../../src/blocks/mute-form.ts';
import { settingsForm, subscriptionsMessage } from '../../src/blocks/subscriptions.ts';
import type { Alert } from '../../src/domain/alerts.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({
    unit: fc.constantFrom('<!channel>', '<@U0EVIL>', '&', '`', '```', 'x', '\n'),
    maxLength: 3000,
  }),
  fc.constantFrom('', ' ', 'train-resnet', 'AKIAIOSFODNN7EXAMPLE'),
);
const name = text.map((one) => one.replaceAll('AKIAIOSFODNN7EXAMPLE', '') || 'x');
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const people = fc.array(fc.constantFrom('U0ADA', 'S0OPS', 'W0BEN'), { maxLength: 30 });
const call = fc.record({
  at: time,
  why: fc.constantFrom('opened' as const, 'escalated' as const, 'woken' as const, 'passed' as const),
  level: fc.nat(5),
  to: people,
  empty: people,
});
const actor = fc.constant({ team: 'T', user: 'U0ADA' });
const alert: fc.Arbitrary<Alert> = fc.record({
  id: fc.uuid(),
  useCase: fc.constant('line-3'),
  group: fc.constant('g'),
  kind: fc.constantFrom('training' as const, 'compilation' as const, 'component' as const, 'alarm' as const),
  title: name,
  cause: text,
  subjects: fc.array(
    fc.record({
      id: name,
      name,
      target: fc.option(name, { nil: undefined }),
      at: time,
      console: fc.option(fc.constant('https://eu-west-1.console.aws.amazon.com/x'), { nil: undefined }),
    }),
    {
      minLength: 1,
      maxLength: 200,
    },
  ),
  count: fc.integer({ min: 1, max: 100_000 }),
  state: fc.constantFrom('open' as const, 'acknowledged' as const, 'resolved' as const),
  openedAt: time,
  level: fc.nat(3),
  dueAt: fc.option(time, { nil: undefined }),
  retries: fc.option(
    fc.array(
      fc.record({
        as: name,
        by: actor,
        at: time,
        job: name,
        pipeline: name,
        ended: fc.option(
          fc.record({ at: time, how: fc.constantFrom('failed' as const, 'stopped' as const) }),
          {
            nil: undefined,
          },
        ),
      }),
      { maxLength: 3 },
    ),
    { nil: undefined },
  ),
  snoozedUntil: fc.option(time, { nil: undefined }),
  acknowledged: fc.option(fc.record({ by: actor, at: time }), { nil: undefined }),
  resolved: fc.option(
    fc.record({ by: fc.option(actor, { nil: undefined }), at: time, why: fc.constant('closed' as const) }),
    { nil: undefined },
  ),
  trail: fc.constant([]),
  calls: fc.array(call, { minLength: 1, maxLength: 3 }),
  advice: fc.option(
    fc.record({
      id: fc.constant('x'),
      cause: name,
      fix: name,
      link: fc.constant({ url: 'https://docs.aws.amazon.com/x', title: 'AWS' }),
    }),
    { nil: undefined },
  ),
  excerpt: fc.option(
    fc.record({
      stream: name,
      text,
      kind: fc.constantFrom('traceback' as const, 'last lines' as const),
    }),
    { nil: undefined },
  ),
  job: fc.option(name, { nil: undefined }),
});
const useCase = { id: 'line-3', name: '<!here> line', aws: { account: '123456789012', region: 'eu-west-1' } };
const runs = { numRuns: 150 };

function expectSound(message: Message): void {
  expect(message.text.trim()).not.toBe('');
  if (message.blocks) expect(validateBlocks(message.blocks, 'message')).toEqual([]);
  // What a button carries back is never shown.
  const all = JSON.stringify(message, (key, value) => (key === 'value' || key === 'block_id' ? '' : value));
  for (const forged of ['<!channel>', '<@U0EVIL>', '<!here>', 'AKIAIOSFODNN7EXAMPLE'])
    expect(all).not.toContain(forged);
}

describe('[O6] messages of notifiers over any data', () => {
  it('alerts, calls and lists', () => {
    fc.assert(
      fc.property(fc.array(alert, { minLength: 1, maxLength: 40 }), call, (alerts, one) => {
        const [first] = alerts;
        expectSound(alertMessage(first!, useCase));
        expectSound(callMessage(first!, one));
        expectSound(
          alertsMessage(
            alerts.map((each) => ({ alert: each, useCase })),
            alerts.map(({ title, openedAt: at }) => ({
              id: `line-3/${title}`,
              useCase: 'line-3',
              pattern: title,
              by: { team: 'T', user: 'U0ADA' },
              at,
              until: at % 2 === 0 ? at : undefined,
            })),
            ['line-3', 'harbor'],
          ),
        );
        expect(validateView(muteForm(first!, '{}', first!.title))).toEqual([]);
      }),
      runs,
    );
  });

  it('announcements and the digest', () => {
    fc.assert(
      fc.property(name, text, time, fc.array(name, { maxLength: 40 }), (of, reason, at, names) => {
        const job = {
          name: of,
          useCase: 'line-3',
          provider: 'sagemaker' as const,
          ...sageMakerState('Failed'),
          failureReason: reason,
          createdAt: at,
        };
        expectSound(announcements.trainingAnnouncement(job, useCase));
        expectSound(announcements.stuckAnnouncement(job, at, at + 5, useCase));
        expectSound(announcements.alarmAnnouncement({ alarm: of, state: of, reason, at }, useCase));
        expectSound(
          announcements.deploymentAnnouncement({ deployment: of, device: of, status: of, reason }, useCase),
        );
        expectSound(
          announcements.installedAnnouncement(
            { device: of, reason, components: names.map((one) => ({ name: one, status: one })) },
            useCase,
          ),
        );
        expectSound(
          announcements.digestMessage(
            names.map(() => ({
              useCase,
              training: { completed: 1, failed: 2, stopped: 3, running: 4 },
              compilations: { completed: 1, failed: 2, running: 4 },
              components: { deployable: 1, failed: 0 },
              openAlerts: 3,
              failed: names,
            })),
            at,
            at,
          ),
        );
      }),
      runs,
    );
  });

  it('subscriptions, settings and who is on call', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 60 }), people, time, (globs, to, at) => {
        const subscriptions = globs.map((nameGlob, index) => ({
          id: String(index),
          useCase: 'line-3',
          channel: 'C0LINE3',
          kinds: [],
          nameGlob: nameGlob.slice(0, 128),
          failuresOnly: true,
          createdBy: { team: 'T', user: 'U' },
          createdAt: 1,
        }));
        expectSound(subscriptionsMessage(subscriptions.slice(0, 30), undefined));
        const useCases = globs.map((_, index) => ({ id: `u${index}`, name: `U ${index}` }));
        const form = { channel: 'C0LINE3', settings: undefined, useCases, metadata: '{}', subscriptions };
        expect(validateView(settingsForm(form))).toEqual([]);
        expectSound(
          onCallMessage(
            globs.map(() => ({
              useCase,
              escalateAfterMs: 60_000,
              levels: [
                { now: to.map((id) => ({ id })), next: [{ at, to }] },
                {
                  now: [
                    { id: 'S0OPS', members: to },
                    { id: 'S0EMPTY', members: [] },
                  ],
                  next: [],
                },
              ],
            })),
          ),
        );
      }),
      runs,
    );
  });
});
