import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionOperation } from '../../src/domain/session-name.ts';
import { assertSessionName, newSessionName, shortUser } from '../../src/domain/session-name.ts';
import type { Actor } from '../../src/ground/actor.ts';

const RULE = /^[\w+=,.@-]{2,64}$/;
const RUNS = { numRuns: 300 };

const operation = fc.constantFrom<SessionOperation>('logs', 'train', 'comp', 'pkg', 'gg', 'dev');
const slackId = (letters: string) =>
  fc.tuple(fc.constantFrom(...letters), fc.stringMatching(/^[A-Z0-9]{8,10}$/)).map((parts) => parts.join(''));
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.constantFrom('', 'U0ADA', 'a/b:c d', '../../etc/passwd', '😀', 'x'.repeat(500), '__proto__'),
);
const person: fc.Arbitrary<Actor> = fc.oneof(
  fc.record({ team: slackId('TE'), user: slackId('UW') }),
  fc.record({ team: anyText, user: anyText }),
);
const time = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2058, 0) });

describe('[S1] the form of a session name', () => {
  it('is operation, short user, timestamp and four random characters', () => {
    const at = Date.UTC(2026, 10, 21, 9, 30);
    expect(newSessionName('logs', { team: 'T0LINE', user: 'U0ADA' }, at, () => 'k3x9')).toBe(
      `logs-U0ADA.T0LINE-${at.toString(36)}k3x9`,
    );
  });

  it('[S4] has a length and an alphabet that STS accepts, whoever asks', () => {
    fc.assert(
      fc.property(operation, person, time, (op, who, at) => {
        expect(newSessionName(op, who, at)).toMatch(RULE);
      }),
      RUNS,
    );
  });

  it.each(['x', 'x'.repeat(65), 'logs U0ADA', 'logs/U0ADA', 'logs:U0ADA', '', 'logs-ü'])(
    'is checked before any AWS call: %j is refused in words',
    (name) => {
      expect(() => assertSessionName(name)).toThrow(/2 to 64 characters/);
    },
  );
});

describe('[S2] who stands in the name', () => {
  it('keeps ordinary ids readable', () => {
    expect(shortUser({ team: 'T0LINE', user: 'U02AB3CD4EF' })).toBe('U02AB3CD4EF.T0LINE');
  });

  it('makes long or odd ids a digest of 12 hex characters, never a cut prefix', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 13, maxLength: 200, unit: 'binary' }), (user) => {
        const short = shortUser({ team: 'T0LINE', user });
        expect(short).toMatch(/^[0-9a-f]{12}$/);
      }),
      RUNS,
    );
  });

  it('never gives two different people the same short id', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(person, { minLength: 2, maxLength: 60, comparator: samePerson }),
        (people) => {
          expect(new Set(people.map(shortUser)).size).toBe(people.length);
        },
      ),
      RUNS,
    );
  });

  it('tells people apart whose ids only share their beginning, or whose team and id only join alike', () => {
    const ids = [
      { team: 'T0LINE', user: `${'U'.repeat(60)}A` },
      { team: 'T0LINE', user: `${'U'.repeat(60)}B` },
      { team: 'T1', user: `${'a'.repeat(20)}` },
      { team: 'T1a', user: `${'a'.repeat(19)}` },
      { team: 'T0LINE', user: 'U0ADA' },
      { team: 'T0DOCK', user: 'U0ADA' },
    ].map(shortUser);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('[S3] time and chance in the name', () => {
  it('differs for two calls of one person in the same millisecond', () => {
    const names = Array.from({ length: 20_000 }, () =>
      newSessionName('logs', { team: 'T0LINE', user: 'U0ADA' }, 1_763_715_000_000),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it('writes the time in base 36, so that names sort by it', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        const name = (at: number) =>
          newSessionName('dev', { team: 'T0LINE', user: 'U0ADA' }, at, () => '0000');
        expect(Math.sign(a - b)).toBe(name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0);
      }),
      RUNS,
    );
  });
});

describe('[S4] many at once', () => {
  it('is unique over concurrent people and operations', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(operation, person), { minLength: 2, maxLength: 80 }),
        time,
        async (calls, at) => {
          const names = await Promise.all(calls.map(async ([op, who]) => newSessionName(op, who, at)));
          expect(new Set(names).size).toBe(names.length);
        },
      ),
      RUNS,
    );
  });

  it('stays compact: at most 44 characters', () => {
    fc.assert(
      fc.property(operation, person, time, (op, who, at) => {
        expect(newSessionName(op, who, at).length).toBeLessThanOrEqual(44);
      }),
      RUNS,
    );
  });
});

function samePerson(a: Actor, b: Actor): boolean {
  return a.team === b.team && a.user === b.user;
}
