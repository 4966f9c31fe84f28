import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logFileName, logHeader, writerOf } from '../../src/domain/log-files.ts';
import type { ProviderName } from '../../src/domain/providers.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';

const AT = Date.UTC(2026, 0, 31, 14, 2, 3, 456);
const LINE_3: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: { account: '123456789012', region: 'eu-west-1' },
  channels: [],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 1, secondLane: 'auto' },
};

describe('[L2] the file', () => {
  it('is named after the job and the moment', () => {
    expect(logFileName('train-resnet-7', AT)).toBe('training-logs-train-resnet-7-20260131T140203Z.log');
    expect(logFileName('labels', AT, writerOf('processing'))).toBe(
      'processing-logs-labels-20260131T140203Z.log',
    );
    expect(['sagemaker', 'local', undefined].map((one) => writerOf(one as ProviderName))).toEqual(
      Array(3).fill('training'),
    );
  });

  it('has no character in its name that breaks a path, a header or a shell, whatever the job is called', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.date({ noInvalidDate: true }),
        (job, date) => {
          const at = Math.abs(date.getTime()) % 4e12;
          const name = logFileName(job, at);
          expect(name).toMatch(/^training-logs-[A-Za-z0-9._-]+-\d{8}T\d{6}Z\.log$/);
          expect(name).not.toContain('..');
          expect(name.length).toBeLessThanOrEqual(140);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('starts with a header that says what it is', () => {
    const header = logHeader({
      job: {
        name: 'train-x',
        useCase: 'line-3',
        provider: 'sagemaker',
        ...sageMakerState('Completed'),
        createdAt: AT,
      },
      useCase: LINE_3,
      narrowed: '',
      events: 12_345,
      firstEventAt: AT,
      lastEventAt: AT + 1000,
      streams: [{ name: 'train-x/algo-1-17', shortName: 'algo-1', events: 12_345 }],
      downloadedAt: AT + 5000,
      by: 'ada\nevil (U0ADA)',
    });
    for (const text of [
      'train-x (completed)',
      'Line 3 defects (line-3)',
      '123456789012',
      'eu-west-1',
      'train-x/algo-1-17 (12,345 events)',
      '2026-01-31T14:02:03.456Z to 2026-01-31T14:02:04.456Z',
      '2026-01-31 14:02:08 UTC by ada evil (U0ADA)',
    ])
      expect(header).toContain(text);
    expect(
      header
        .trimEnd()
        .split('\n')
        .every((line) => line.startsWith('# ')),
    ).toBe(true);
  });

  it('says which machines went on in another stream, and when', () => {
    const stream = (host: string, start: number | string, job = 'train-x') => ({
      ...{ name: `${job}/${host}-${start}`, shortName: host, events: 1 },
    });
    const headerOf = (streams: ReturnType<typeof stream>[]) =>
      logHeader({
        job: {
          ...{ name: 'train-x', useCase: 'line-3', provider: 'sagemaker', createdAt: AT },
          ...sageMakerState('Completed'),
        },
        ...{ useCase: LINE_3, narrowed: '', events: streams.length, downloadedAt: AT, by: 'ada', streams },
      });
    const first = 1_795_631_997;
    const restarted = headerOf([
      stream('algo-1', first),
      stream('algo-1', first + 60),
      stream('algo-1', first + 180),
      stream('algo-2', first + 60),
      stream('algo-2', first),
      stream('algo-10', first),
    ]);
    expect(restarted).toContain(
      [
        '# restarted    2026-11-25 18:40:57 UTC: algo-1, algo-2',
        '#              2026-11-25 18:42:57 UTC: algo-1',
        '# time span ',
      ].join('\n'),
    );
    // Hosts that are called the same in two jobs of one log, and streams without a time, are not restarts.
    const apart = headerOf([
      stream('algo-1', first, 'search-001-0a1b2c3d'),
      stream('algo-1', first + 60, 'search-002-0a1b2c3d'),
      { name: 'weld/LifecycleConfigOnStart', shortName: 'LifecycleConfigOnStart', events: 1 },
    ]);
    expect(apart).not.toContain('restarted');
  });

  it('names the provider, and not the use case’s account, for a job that ran elsewhere', () => {
    const header = logHeader({
      job: {
        name: 'press-7',
        useCase: 'line-3',
        provider: 'local',
        status: 'completed',
        state: 'completed',
        createdAt: AT,
      },
      useCase: LINE_3,
      narrowed: '',
      events: 0,
      streams: [],
      downloadedAt: AT,
      by: 'ada',
    });
    expect(header).toContain('# provider     the local runner\n');
    expect(header).not.toMatch(/# (?:account|region) /);
  });
});
