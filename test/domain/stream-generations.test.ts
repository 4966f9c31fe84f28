import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inLines, isCalled, restartsOf } from '../../src/domain/stream-generations.ts';

const second = fc.integer({ min: 1_700_000_000, max: 1_999_999_999 });

describe('[K4] machines that began anew', () => {
  it('are told by time, each stream but a host’s first once, whatever order the streams come in', () => {
    const hosts = fc.dictionary(
      fc.integer({ min: 1, max: 40 }).map((n) => `algo-${n}`),
      fc.uniqueArray(second, { minLength: 1, maxLength: 5 }),
      { minKeys: 1, maxKeys: 8 },
    );
    fc.assert(
      fc.property(hosts, fc.nat(), (starts, seed) => {
        const streams = Object.entries(starts).flatMap(([shortName, times]) =>
          times.map((time) => ({ name: `train-x/${shortName}-${time}`, shortName })),
        );
        const turned = [...streams.slice(seed % streams.length), ...streams.slice(0, seed % streams.length)];
        const told = restartsOf(turned);
        expect(told.map(({ at }) => at)).toEqual(told.map(({ at }) => at).sort((a, b) => a - b));
        const each = told.flatMap(({ at, hosts: who }) => who.map((host) => `${host} ${at}`));
        const expected = Object.entries(starts).flatMap(([host, times]) =>
          times
            .toSorted((a, b) => a - b)
            .slice(1)
            .map((time) => `${host} ${time * 1000}`),
        );
        expect(each.toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 200 },
    );
  });

  it('may have times in milliseconds, and streams of other names are no restart', () => {
    expect(
      restartsOf([
        { name: 'p/algo-1-1795631997000', shortName: 'algo-1' },
        { name: 'p/algo-1-1795632000000', shortName: 'algo-1' },
        { name: 'workers/i-0123456789abcdef0', shortName: 'i-0123456789abcdef0' },
        { name: 'AllTraffic/i-01234567890123456', shortName: 'i-01234567890123456' },
        { name: 'AllTraffic/i-01234567890123457', shortName: 'i-01234567890123457' },
      ]),
    ).toEqual([{ at: 1_795_632_000_000, hosts: ['algo-1'] }]);
  });

  it('are called by their generation in lines, which the restarts say too', () => {
    const streams = inLines(
      [3, 1, 2].flatMap((generation) =>
        ['algo-10', 'algo-2'].map((host) => ({
          ...{ name: `train-x/${host}-179563199${generation}`, shortName: host },
        })),
      ),
    );
    expect(streams.map(({ shortName }) => shortName)).toEqual([
      ...['algo-2', 'algo-2/2', 'algo-2/3', 'algo-10', 'algo-10/2', 'algo-10/3'],
    ]);
    expect(inLines(streams)).toEqual(streams);
    expect(inLines(streams.slice(1))).toEqual(streams.slice(1));
    expect(restartsOf(streams).map(({ hosts }) => hosts)).toEqual([
      ['algo-2 as algo-2/2', 'algo-10 as algo-10/2'],
      ['algo-2 as algo-2/3', 'algo-10 as algo-10/3'],
    ]);
    const called = (name: string) => streams.filter((stream) => isCalled(stream, name)).length;
    expect(['algo-2', 'algo-2/2', 'algo-1', 'algo-1/2', 'algo-10', 'algo'].map(called)).toEqual([
      ...[3, 1, 0, 0, 3, 0],
    ]);
  });

  it('are never called the same, whatever the streams of a job are', () => {
    const streams = fc.uniqueArray(
      fc.tuple(fc.constantFrom('algo-1', 'algo-2', 'algo-12', 'driver'), second).map(([host, time]) => ({
        name: `train-x/${host}-${time}`,
        shortName: host === 'driver' ? `${host}-${time}` : host,
      })),
      { maxLength: 20, selector: ({ name }) => name },
    );
    fc.assert(
      fc.property(streams, (all) => {
        const named = inLines(all);
        expect(new Set(named.map(({ shortName }) => shortName)).size).toBe(all.length);
        expect(named.map(({ name }) => name).toSorted()).toEqual(all.map(({ name }) => name).toSorted());
        // Those that come later change nothing of what is written already.
        const later = { name: 'train-x/algo-1-2000000000', shortName: 'algo-1' };
        expect(inLines([...all, later]).filter(({ name }) => name !== later.name)).toEqual(named);
      }),
      { numRuns: 200 },
    );
  });
});
