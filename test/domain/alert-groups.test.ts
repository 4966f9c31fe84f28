import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLOOD_WINDOW, type Groupable, placeFailures } from '../../src/domain/alert-groups.ts';
import { type Alert, openAlert } from '../../src/domain/alerts.ts';

const NOW = 1_000_000;
const failure = (cause: string, scope: string | undefined = 'model'): Groupable => ({
  kind: 'deployment',
  cause,
  scope,
});
const opened = (group: string, spread: Alert['spread'], openedAt: number): Alert =>
  openAlert(
    {
      id: group,
      useCase: 'u',
      group,
      kind: 'deployment',
      title: 't',
      cause: 'c',
      subject: { id: group, name: group, at: openedAt },
      spread,
    },
    openedAt,
    { levels: 0, afterMs: 1 },
  );

describe('[N4] which failures are one alert', () => {
  it('those of one cause within one scope', () => {
    const placed = placeFailures(
      [failure('a b'), failure('a b'), failure('other'), failure('a b', 'two')],
      [],
      0,
      NOW,
    );
    expect(placed.map(({ failures, spread }) => [failures.length, spread])).toEqual([
      [2, undefined],
      [1, undefined],
      [1, undefined],
    ]);
  });

  it('those of one cause, whatever it hits, once it hits many at the same time', () => {
    const many = Array.from({ length: 3_000 }, (_, n) =>
      failure(`exited with code 1 ${n}`, `component ${n}`),
    );
    const [all, ...others] = placeFailures(many, [], 0, NOW);
    expect(others).toEqual([]);
    expect(all).toMatchObject({ spread: 'cause', failures: { length: 3_000 } });
  });

  it('those of one kind, when even the causes are many', () => {
    const letters = 'abcdefghijklmnop'.split('');
    const many = letters.flatMap((a) => letters.map((b) => failure(`cause ${a}${b}`, `component ${a}${b}`)));
    const placed = placeFailures(many, [], 0, NOW);
    expect(placed).toMatchObject([{ spread: 'kind', failures: { length: many.length } }]);
  });

  it('goes on with the alert of a flood while it lasts, and no longer', () => {
    const [placed] = placeFailures(
      Array.from({ length: 9 }, (_, n) => failure('the same', `s${n}`)),
      [],
      0,
      NOW,
    );
    const flood = opened(placed!.group, 'cause', NOW);
    const later = failure('the same', 'another');
    expect(placeFailures([later], [flood], 1, NOW + FLOOD_WINDOW)).toMatchObject([{ group: flood.group }]);
    const [own] = placeFailures([later], [flood], 0, NOW + FLOOD_WINDOW + 1);
    expect(own!.group).not.toBe(flood.group);
    expect(own!.spread).toBeUndefined();
  });

  it('property: loses none, doubles none, and opens few alerts in a window whatever comes', () => {
    const some = fc.record({
      cause: fc.oneof(fc.constantFrom('full', 'slow', 'gone'), fc.string({ minLength: 1, maxLength: 12 })),
      scope: fc.option(fc.string({ maxLength: 4 }), { nil: undefined }),
      wait: fc.integer({ min: 0, max: 2_000 }),
    });
    fc.assert(
      fc.property(fc.array(fc.array(some, { minLength: 1, maxLength: 12 }), { maxLength: 40 }), (batches) => {
        let now = NOW;
        const open = new Map<string, Alert>();
        for (const batch of batches) {
          now += batch[0]!.wait;
          const failures = batch.map(({ cause, scope }) => ({ ...failure(cause), scope }));
          const recent = [...open.values()].filter(({ openedAt }) => now - openedAt <= FLOOD_WINDOW).length;
          const placed = placeFailures(failures, [...open.values()], recent, now);
          expect(placed.flatMap((one) => one.failures)).toHaveLength(failures.length);
          expect(new Set(placed.flatMap((one) => one.failures)).size).toBe(failures.length);
          for (const { group, spread } of placed) {
            const known = open.get(group);
            open.set(group, known ? { ...known, joinedAt: now } : opened(group, spread, now));
          }
          const opening = [...open.values()].filter(({ openedAt }) => now - openedAt <= FLOOD_WINDOW);
          expect(opening.length).toBeLessThanOrEqual(9);
        }
      }),
      { numRuns: 300 },
    );
  });
});
