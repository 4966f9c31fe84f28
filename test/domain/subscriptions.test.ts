import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globMatches } from '../../src/domain/name-glob.ts';
import {
  matchesSubscription,
  parseSubscription,
  recipients,
  type Subscription,
  type SubscriptionEvent,
  sameWish,
} from '../../src/domain/subscriptions.ts';

const USE_CASES = ['line-3', 'harbor'];
const BY = { team: 'T', user: 'U' };
const subscription = (changes: Partial<Subscription> = {}): Subscription => ({
  id: 's',
  useCase: 'line-3',
  channel: 'C0ONE',
  kinds: [],
  failuresOnly: false,
  createdBy: BY,
  createdAt: 0,
  ...changes,
});
const event = (changes: Partial<SubscriptionEvent> = {}): SubscriptionEvent => ({
  useCase: 'line-3',
  kind: 'training',
  outcome: 'succeeded',
  name: 'train-resnet-1',
  ...changes,
});

describe('[N5] subscribing', () => {
  it('takes events, a pattern and failures-only in any order', () => {
    expect(parseSubscription('LINE-3 failures-only name:Train-* training,alarms', USE_CASES)).toEqual({
      useCase: 'line-3',
      kinds: ['training', 'alarm'],
      nameGlob: 'Train-*',
      failuresOnly: true,
    });
    expect(parseSubscription('harbor', USE_CASES)).toEqual({
      useCase: 'harbor',
      kinds: [],
      nameGlob: undefined,
      failuresOnly: false,
    });
    expect(parseSubscription('harbor all', USE_CASES).kinds).toEqual([]);
  });

  it.each([
    ['', /Name the use case/],
    ['line-4', /no use case/],
    ['line-3 trainign', /no kind of event/],
    ['line-3 name:', /no pattern/],
    [`line-3 name:${'x'.repeat(200)}`, /no pattern/],
    ['line-3 name:<!channel>', /no pattern/],
  ])('refuses “%s” with a hint', (text, message) => {
    expect(() => parseSubscription(text, USE_CASES)).toThrow(message);
  });

  it('offers the nearest word', () => {
    expect(() => parseSubscription('line-3 trainign', USE_CASES)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('Did you mean training?') }),
    );
  });

  it('knows the same wish', () => {
    const wish = parseSubscription('line-3 training alarm', USE_CASES);
    expect(sameWish(wish, parseSubscription('line-3 alarm,training', USE_CASES))).toBe(true);
    expect(sameWish(wish, { ...wish, failuresOnly: true })).toBe(false);
  });
});

describe('[N5] who hears of it', () => {
  it('depends on use case, kind, name and outcome', () => {
    expect(matchesSubscription(subscription(), event())).toBe(true);
    expect(matchesSubscription(subscription({ useCase: 'harbor' }), event())).toBe(false);
    expect(matchesSubscription(subscription({ kinds: ['alarm'] }), event())).toBe(false);
    expect(matchesSubscription(subscription({ nameGlob: '*RESNET*' }), event())).toBe(true);
    expect(matchesSubscription(subscription({ nameGlob: 'resnet*' }), event())).toBe(false);
    const failures = subscription({ failuresOnly: true });
    expect(
      (['succeeded', 'stopped', 'failed', 'warning'] as const).map((outcome) =>
        matchesSubscription(failures, event({ outcome })),
      ),
    ).toEqual([false, false, true, true]);
  });

  it('is each channel once, after its quiet hours', () => {
    const at = Date.parse('2026-01-05T23:00Z');
    const settings = [
      {
        channel: 'C0TWO',
        quietHours: { from: '22:00', to: '07:00', timeZone: 'UTC' },
        changedBy: BY,
        changedAt: 0,
      },
    ];
    const all = [
      subscription(),
      subscription({ id: 'again', kinds: ['training'] }),
      subscription({ id: 'two', channel: 'C0TWO' }),
    ];
    expect(recipients(all, settings, event(), at)).toEqual([
      { channel: 'C0ONE', quiet: false, notBefore: at },
      { channel: 'C0TWO', quiet: true, notBefore: Date.parse('2026-01-06T07:00Z') },
    ]);
  });
});

describe('patterns for names', () => {
  it('property: agree with a regular expression, and take no longer for bad ones', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 10 });
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }), (pattern, name) => {
        const regex = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        expect(globMatches(pattern, name)).toBe(regex.test(name));
      }),
      { numRuns: 500 },
    );
    expect(globMatches(`${'*a'.repeat(60)}b`, 'a'.repeat(5000))).toBe(false);
  });
});
