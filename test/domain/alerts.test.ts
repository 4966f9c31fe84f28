import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDue } from '../../src/domain/alert-escalation.ts';
import { alertGroup } from '../../src/domain/alert-groups.ts';
import {
  type Alert,
  acknowledge,
  applySuccess,
  joinAlert,
  openAlert,
  passTo,
  resolve,
  SUBJECTS_KEPT,
  snooze,
} from '../../src/domain/alerts.ts';
import { checkMutePattern, isMuted } from '../../src/domain/mutes.ts';

const ADA = { team: 'T', user: 'U0ADA' };
const RULE = { levels: 3, afterMs: 600_000 };
const subject = (id: string, changes = {}) => ({ id, name: id, pipeline: 'resnet', at: 1000, ...changes });
const open = (id = 'one', rule = RULE): Alert =>
  openAlert(
    {
      id: 'a',
      useCase: 'line-3',
      group: 'g',
      kind: 'training',
      title: 't',
      cause: 'c',
      subject: subject(id),
    },
    1000,
    rule,
  );
const actions = (alert: Alert) => alert.trail.map(({ action }) => action);

describe('[N4] an alert', () => {
  it('opens with the first level called, and is due for the next', () => {
    expect(open()).toMatchObject({ state: 'open', level: 0, count: 1, dueAt: 601_000 });
    expect(open('one', { levels: 1, afterMs: 5 }).dueAt).toBeUndefined();
  });

  it('counts failures of one cause once each', () => {
    let alert = open('0');
    for (let n = 0; n < 40; n++) alert = joinAlert(alert, subject(String(n)), 2000);
    expect([alert.count, alert.subjects.length]).toEqual([40, 40]);
    expect(joinAlert(alert, subject('7'), 3000)).toBe(alert);
  });

  it('escalates level by level when nobody answers, and ends with the last', () => {
    const first = applyDue(open(), 601_000, RULE);
    expect(first.call).toEqual({ level: 1, escalated: true });
    expect(applyDue(first.alert, 601_001, RULE)).toEqual({ alert: first.alert });
    // Down for a day: one step, and the next level has its time.
    const second = applyDue(first.alert, 90_000_000, RULE);
    expect(second.call).toEqual({ level: 2, escalated: true });
    expect(second.alert.dueAt).toBeUndefined();
    expect(actions(second.alert)).toEqual(['opened', 'escalated', 'escalated']);
  });

  it('calls nobody once it is acknowledged', () => {
    const alert = acknowledge(open(), ADA, 2000);
    expect(alert).toMatchObject({ state: 'acknowledged', acknowledged: { by: ADA, at: 2000 } });
    expect(applyDue(alert, 9e9, RULE)).toEqual({ alert });
    expect(acknowledge(alert, { team: 'T', user: 'U0BEN' }, 3000)).toBe(alert);
  });

  it('sleeps when it is snoozed, and then calls the same level again', () => {
    const alert = snooze(acknowledge(open(), ADA, 1500), ADA, 50_000, 2000);
    expect(applyDue(alert, 49_999, RULE)).toEqual({ alert });
    const woken = applyDue(alert, 50_000, RULE);
    expect(woken.call).toMatchObject({ level: 0, escalated: false });
    expect(woken.alert).toMatchObject({ snoozedUntil: undefined, dueAt: 650_000 });
    expect(() => snooze(alert, ADA, 10, 2000)).toThrow(/has passed/);
  });

  it('is somebody else’s when it is passed on, open again', () => {
    const alert = passTo(acknowledge(open(), ADA, 1500), ADA, 'U0BEN', 2000, RULE);
    expect(alert).toMatchObject({
      state: 'open',
      assignee: 'U0BEN',
      acknowledged: undefined,
      dueAt: 602_000,
    });
    expect(passTo(alert, ADA, 'U0BEN', 3000, RULE)).toBe(alert);
  });

  it('is over when it is resolved: late clicks are told how things stand', () => {
    const alert = resolve(open(), 'closed', 2000, ADA);
    expect(resolve(alert, 'succeeded', 3000)).toBe(alert);
    expect(joinAlert(alert, subject('new'), 3000)).toBe(alert);
    for (const late of [
      () => acknowledge(alert, ADA, 3000),
      () => snooze(alert, ADA, 9000, 3000),
      () => passTo(alert, ADA, 'U', 3000, RULE),
    ])
      expect(late).toThrow(
        expect.objectContaining({ code: 'conflict', message: expect.stringContaining('it was closed') }),
      );
  });

  it('resolves by itself when everything in it has succeeded later, target by target', () => {
    let alert: Alert = { ...open('x'), kind: 'compilation', subjects: [subject('x', { target: 'xavier' })] };
    alert = joinAlert(alert, subject('y', { target: 'cpu' }), 1000);
    const success = (target: string, at = 5000) => ({
      kind: 'compilation' as const,
      pipeline: 'resnet',
      target,
      at,
    });
    expect(applySuccess(alert, success('xavier', 900))).toBe(alert);
    expect(applySuccess(alert, { ...success('xavier'), pipeline: 'other' })).toBe(alert);
    const half = applySuccess(alert, success('xavier'));
    expect(half.state).toBe('open');
    expect(applySuccess(half, success('cpu'))).toMatchObject({
      state: 'resolved',
      resolved: { why: 'succeeded', at: 5000 },
    });
  });

  it('property: whatever is done in whatever order, it stays whole', () => {
    const step = fc.record({
      do: fc.constantFrom('ack', 'snooze', 'pass', 'due', 'join', 'succeed', 'resolve'),
      by: fc.integer({ min: 0, max: 2_000_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        let alert = open();
        let now = 1000;
        let ended = false;
        for (const [n, { do: what, by }] of steps.entries()) {
          now += by;
          const before = alert;
          try {
            if (what === 'ack') alert = acknowledge(alert, ADA, now);
            else if (what === 'snooze') alert = snooze(alert, ADA, now + by + 1, now);
            else if (what === 'pass') alert = passTo(alert, ADA, `U${by % 3}`, now, RULE);
            else if (what === 'due') alert = applyDue(alert, now, RULE).alert;
            else if (what === 'join') alert = joinAlert(alert, subject(String(n), { at: now }), now);
            else if (what === 'succeed')
              alert = applySuccess(alert, { kind: 'training', pipeline: 'resnet', at: now });
            else alert = resolve(alert, 'closed', now, ADA);
          } catch (error) {
            expect(error).toMatchObject({ code: 'conflict' });
            expect(before.state).toBe('resolved');
          }
          // Resolved is the end; levels only rise; only what is open can be due.
          if (ended) expect(alert).toBe(before);
          ended = alert.state === 'resolved';
          expect(alert.level).toBeGreaterThanOrEqual(before.level);
          expect(alert.level).toBeLessThan(RULE.levels);
          if (alert.dueAt !== undefined) expect(alert.state).toBe('open');
          expect(alert.count).toBeGreaterThanOrEqual(alert.subjects.length);
          expect(alert.subjects.length).toBeLessThanOrEqual(SUBJECTS_KEPT);
          expect(alert.trail.length).toBeLessThanOrEqual(100);
          expect(alert.trail[0]?.action).toBe('opened');
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('[N4] grouping', () => {
  const group = (cause: string, changes = {}) => alertGroup({ kind: 'compilation', cause, ...changes });
  it('is by cause: names, numbers, ids and addresses make no difference', () => {
    expect(group('ClientError: S3 object does not exist. Bucket: s3://a/train-1.tar.gz')).toBe(
      group('ClientError: S3 object does not exist.  Bucket: s3://b/other-2.tar.gz'),
    );
    expect(group("operator 'Foo' failed after 12 s on i-0abc")).toBe(
      group("operator 'Bar' failed after 9 s on i-0def"),
    );
    expect(group('out of memory')).not.toBe(group('access denied'));
    expect(group('x', { scope: 'resnet' })).not.toBe(group('x', { scope: 'unet' }));
    expect(group('x')).not.toBe(alertGroup({ kind: 'training', cause: 'x' }));
  });
});

describe('[N4] muting', () => {
  it('is by name or pattern, in one use case, for a time', () => {
    const mute = { id: 'm', useCase: 'line-3', pattern: 'train-*', by: ADA, at: 0, until: 100 };
    expect(isMuted([mute], { useCase: 'line-3', name: 'Train-1' }, 50)).toBe(true);
    expect(isMuted([mute], { useCase: 'line-3', name: 'train-1' }, 100)).toBe(false);
    expect(isMuted([mute], { useCase: 'harbor', name: 'train-1' }, 50)).toBe(false);
    expect(isMuted([{ ...mute, until: undefined }], { useCase: 'line-3', name: 'train-1' }, 1e12)).toBe(true);
  });
  it('of everything is refused', () => {
    for (const pattern of ['', '*', '* ?', 'x'.repeat(200)])
      expect(() => checkMutePattern(pattern)).toThrow(/cannot be muted/);
    expect(checkMutePattern(' train-* ')).toBe('train-*');
  });
});
