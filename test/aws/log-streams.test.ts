import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { streamsOf } from '../../src/aws/log-streams.ts';
import { SAGEMAKER_NAMES, type SageMakerName } from '../../src/domain/providers.ts';
import { SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';

/** Names that begin like others: `weld`, `weld-1`, `weld-1-x`. */
const name = fc
  .tuple(fc.constantFrom('weld', 'weld-1', 'w'), fc.stringMatching(/^(-?[a-z0-9]){0,12}$/))
  .map(([first, rest]) => `${first}${rest}`);
const host = fc.constantFrom(
  'algo-1-1795150455',
  'algo-2-1795150455',
  'i-0a1b2c3d4e5f67890-1795150455',
  'jupyter.log',
);

const below = SAGEMAKER_NAMES.filter((kind) => ['below', 'own'].includes(SAGEMAKER_KINDS[kind].streams));

/** As a provider asks for them. */
function asked(kind: SageMakerName, job: string, group: string, streams: readonly string[]): string[] {
  if (SAGEMAKER_KINDS[kind].logGroups[0] !== group) return [];
  const described = streams.map((logStreamName) => ({ logStreamName }));
  const ownStream = SAGEMAKER_KINDS[kind].streams === 'own';
  return streamsOf(described, { job, ownStream }).map(({ name }) => name);
}

describe('[K1] streams of SageMaker’s jobs', () => {
  it('are of one job of one kind alone, whatever jobs of any kind are called', () => {
    const job = fc.record({ kind: fc.constantFrom(...below), name });
    const streamed = fc.uniqueArray(fc.record({ job, host }), {
      selector: ({ job: { kind, name }, host }) => `${kind} ${name} ${host}`,
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(streamed, (all) => {
        const groups = new Map<string, string[]>();
        for (const {
          job: { kind, name },
          host,
        } of all) {
          const group = SAGEMAKER_KINDS[kind].logGroups[0]!;
          groups.set(group, [...(groups.get(group) ?? []), `${name}/${host}`]);
        }
        for (const {
          job: { kind, name },
        } of all) {
          const own = all
            .filter(({ job }) => job.kind === kind && job.name === name)
            .map(({ host }) => `${name}/${host}`);
          const found = [...groups].flatMap(([group, streams]) => asked(kind, name, group, streams));
          expect(found.toSorted()).toEqual(own.toSorted());
        }
      }),
      { numRuns: 200 },
    );
    // Kinds that share a group would share streams.
    const groups = below.map((kind) => SAGEMAKER_KINDS[kind].logGroups[0]);
    expect(new Set(groups).size).toBe(groups.length);
  });

  it('of a group of a job’s own are all that there are, called without the time of their start', () => {
    const described = ['AllTraffic/i-0a1b2c3d4e5f67890', 'AllTraffic/i-0a1b2c3d4e5f67890/data-log'];
    const streams = streamsOf(
      described.map((logStreamName) => ({ logStreamName })),
      { job: 'weld', ownStream: false, prefix: '' },
    );
    expect(streams.map(({ shortName }) => shortName)).toEqual(described);
  });

  it('of many jobs that begin alike keep the job in front', () => {
    const [stream] = streamsOf([{ logStreamName: 'search-3-001-0a1b2c3d/algo-1-1795150455' }], {
      ...{ job: 'search-3', ownStream: false, prefix: 'search-3-' },
    });
    expect(stream).toMatchObject({ shortName: '001-0a1b2c3d/algo-1' });
  });
});
