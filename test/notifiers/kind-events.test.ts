/** Events of SageMaker's kinds: one card and at most one alert of each job, whatever comes how often in which order. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../src/domain/alerts.ts';
import { jobKey } from '../../src/domain/job-keys.ts';
import type { JobParts } from '../../src/domain/job-parts.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { SAGEMAKER_NAMES, type SageMakerName } from '../../src/domain/providers.ts';
import { kindState } from '../../src/domain/sagemaker-kinds.ts';
import { AppError } from '../../src/ground/errors.ts';
import { envelope } from '../events/support.ts';
import { ALERTS, House, MINUTE, TEAM } from './house.ts';

const CARDS = 'C0LINE3';
const PLACE = 'arn:aws:sagemaker:eu-west-1:123456789012';
const REASON = 'ClientError: the data has no labels';

interface Kind {
  type: string;
  /** The members around its name, ARN and status. */
  stem: string;
  on: readonly string[];
  ends: Readonly<Record<'good' | 'bad', string>>;
  times: readonly [created: string, started: string, ended: string];
}

const job = (stem: string, words: string, times: Kind['times']): Kind => ({
  type: `SageMaker ${words} State Change`,
  stem,
  on: ['InProgress'],
  ends: { good: 'Completed', bad: 'Failed' },
  times,
});
const KINDS = {
  sagemaker: job('TrainingJob', 'Training Job', ['CreationTime', 'TrainingStartTime', 'TrainingEndTime']),
  processing: job('ProcessingJob', 'Processing Job', [
    ...(['CreationTime', 'ProcessingStartTime', 'ProcessingEndTime'] as const),
  ]),
  transform: job('TransformJob', 'Transform Job', [
    ...(['CreationTime', 'TransformStartTime', 'TransformEndTime'] as const),
  ]),
  tuning: job('HyperParameterTuningJob', 'HyperParameter Tuning Job', [
    ...(['CreationTime', '-', 'HyperParameterTuningEndTime'] as const),
  ]),
  endpoint: {
    ...job('Endpoint', 'Endpoint', ['CreationTime', '-', '-']),
    ...{ on: ['CREATING', 'UPDATING'], ends: { good: 'IN_SERVICE', bad: 'FAILED' } },
  },
  notebook: {
    ...job('NotebookInstance', 'Notebook Instance', ['CreationTime', '-', '-']),
    ...{ on: ['Pending'], ends: { good: 'InService', bad: 'Failed' } },
  },
  cluster: {
    ...job('Cluster', 'HyperPod Cluster', ['CreationTime', '-', '-']),
    ...{ on: ['Creating', 'Updating'], ends: { good: 'InService', bad: 'Failed' } },
  },
} satisfies Partial<Record<SageMakerName, Kind>>;

/** An event of a kind's job; some say more than others. */
function kindEvent(
  kind: keyof typeof KINDS,
  name: string,
  status: string,
  at: number,
  more: { says: boolean; id?: string },
) {
  const { type, stem, ends, times }: Kind = KINDS[kind];
  const [created, started, ended] = times;
  const isEnd = Object.values(ends).includes(status);
  const optional = {
    LastModifiedTime: at,
    [created]: at - 10 * MINUTE,
    [started]: String(at - 5 * MINUTE),
    ...(isEnd ? { [ended]: new Date(at).toISOString() } : {}),
    ...(status === ends.bad ? { [kind === 'cluster' ? 'FailureMessage' : 'FailureReason']: REASON } : {}),
    Tags: {},
  };
  return envelope(
    type,
    {
      [`${stem}Name`]: name,
      [`${stem}Arn`]: `${PLACE}:${kind}/${name}`,
      [`${stem}Status`]: status,
      ...(more.says ? optional : {}),
    },
    { time: new Date(at).toISOString(), ...(more.id === undefined ? {} : { id: more.id }) },
  );
}

function executionEvent(name: string, status: string, at: number, { id }: { id?: string }) {
  const [, pipeline = '', execution = ''] = /^(.*)-([a-z0-9]{12})$/.exec(name) ?? [];
  // Names in ARNs may be in lower case.
  const arn = `${PLACE}:pipeline/${pipeline.toLowerCase()}`;
  const ends = status === 'Succeeded' || status === 'Failed';
  return envelope(
    'SageMaker Model Building Pipeline Execution Status Change',
    {
      currentPipelineExecutionStatus: status,
      executionStartTime: new Date(at - 10 * MINUTE).toISOString(),
      ...(ends ? { executionEndTime: new Date(at).toISOString() } : {}),
      pipelineExecutionArn: `${arn}/execution/${execution}`,
    },
    {
      time: new Date(at).toISOString(),
      resources: [arn, `${arn}/execution/${execution}`],
      ...(id === undefined ? {} : { id }),
    },
  );
}

function batchEvent(name: string, status: string, at: number, { id }: { id?: string }) {
  const serviceResourceId = { name: 'TrainingJobArn', value: `${PLACE}:training-job/${name.toLowerCase()}` };
  const ended = status === 'SUCCEEDED' || status === 'FAILED';
  return envelope(
    'Batch Service Job State Change',
    {
      ...{ jobName: 'night', jobQueue: 'arn:aws:batch:eu-west-1:123456789012:job-queue/gpus', status },
      ...(status === 'RUNNABLE' ? {} : { latestAttempt: { serviceResourceId } }),
      ...(ended ? { stoppedAt: at, statusReason: `Received status from SageMaker: ${REASON}` } : {}),
    },
    { time: new Date(at).toISOString(), ...(id === undefined ? {} : { id }) },
  );
}

function described(
  kind: SageMakerName,
  name: string,
  status: string,
  at: number,
  more: Partial<TrainingJob> = {},
): TrainingJob {
  const standing = kindState(kind, status);
  const ends = ['completed', 'failed', 'stopped'].includes(standing.state);
  return {
    ...{ name, useCase: 'line-3', provider: kind, ...standing, createdAt: at - 10 * MINUTE },
    startedAt: at - 5 * MINUTE,
    ...(ends ? { endedAt: at } : {}),
    ...(standing.state === 'failed' ? { failureReason: REASON } : {}),
    ...more,
  };
}

const cardsOf = (house: House, name: string): string[] =>
  house
    .on(CARDS)
    .map(({ message }) => JSON.stringify(message))
    .filter((text) => text.includes(name));
const alertsOf = async (house: House, key: string): Promise<Alert[]> =>
  (await house.store.listAlerts({ limit: 1_000 })).filter(({ subjects }) =>
    subjects.some((one) => one.job === key),
  );

describe('[K3] one job’s events, in any order and number', () => {
  let house: House;
  beforeAll(async () => {
    house = await House.open(SAGEMAKER_NAMES);
  });
  afterAll(() => house.close());

  let runs = 0;
  const served = new Map<string, TrainingJob>();
  const letters = (run: number): string =>
    [...String(run)].map((digit) => 'abcdefghij'.charAt(Number(digit))).join('');
  const kinds = [...(Object.keys(KINDS) as (keyof typeof KINDS)[]), 'pipeline', 'batch'] as const;

  const story = fc.record({
    kind: fc.constantFrom(...kinds),
    good: fc.boolean(),
    answers: fc.boolean(),
    // Which of the job's events comes next, whether it says all it may, and whether it is sent again under its id.
    sent: fc.array(fc.record({ pick: fc.nat(20), says: fc.boolean(), again: fc.boolean() }), {
      minLength: 1,
      maxLength: 12,
    }),
  });

  it('property: end in the same card, and one alert if it failed', async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ kind, good, answers, sent }) => {
        runs += 1;
        house.now += 10 * MINUTE;
        const at = house.now - 2 * MINUTE;
        const provider = kind === 'batch' ? 'sagemaker' : kind;
        const nameOf = (which: string): string =>
          kind === 'pipeline'
            ? `Weld${letters(runs)}-${`${which}${'0'.repeat(12)}`.slice(0, 12)}`
            : `J${which}x${letters(runs)}`;
        const steps: readonly string[] =
          kind === 'batch'
            ? ['RUNNABLE', 'STARTING', 'RUNNING', good ? 'SUCCEEDED' : 'FAILED']
            : kind === 'pipeline'
              ? ['Executing', good ? 'Succeeded' : 'Failed']
              : [...KINDS[kind].on, KINDS[kind].ends[good ? 'good' : 'bad']];
        const make = (name: string, step: number, says: boolean, id?: string) => {
          const status = steps[step]!;
          const when = at - (steps.length - 1 - step) * 1_000;
          if (kind === 'batch') return batchEvent(name, status, when, { ...(id ? { id } : {}) });
          if (kind === 'pipeline') return executionEvent(name, status, when, { ...(id ? { id } : {}) });
          return kindEvent(kind, name, status, when, { says, ...(id ? { id } : {}) });
        };
        const final =
          kind === 'batch'
            ? good
              ? 'Completed'
              : 'Failed'
            : steps.at(-1)!.replace('IN_SERVICE', 'InService');
        const [inOrder, mixed] = [nameOf('p'), nameOf('q')];
        for (const name of [inOrder, mixed])
          served.set(jobKey({ provider, name }).toLowerCase(), described(provider, name, final, at));
        house.listed = [...served.values()];
        house.sagemaker = (name, asked) => {
          if (!answers) throw new AppError('permission_denied', 'The role may not.');
          return served.get(jobKey({ provider: asked, name }).toLowerCase());
        };
        // SageMaker itself tells names as they are; where it cannot be asked, an ARN's is all there is.
        const told = (name: string): string =>
          !answers && (kind === 'batch' || kind === 'pipeline')
            ? kind === 'batch'
              ? name.toLowerCase()
              : name.replace(/^Weld[a-j]+/, (part) => part.toLowerCase())
            : name;

        await house.emit(...steps.map((_, step) => make(inOrder, step, true)));
        const last = steps.length - 1;
        const events = sent.map(({ pick, says }, index) =>
          make(mixed, pick % steps.length, says || !answers, `${mixed}-${index}`),
        );
        const all = [...events, ...sent.flatMap(({ again }, index) => (again ? [events[index]!] : []))];
        // Its end is among them at least once.
        all.splice((sent[0]!.pick * 7) % (all.length + 1), 0, make(mixed, last, true));
        await house.emit(...all);

        const keys = [inOrder, mixed].map((name) => jobKey({ provider, name: told(name) }));
        const [one, other] = await Promise.all(keys.map((key) => house.store.getJob('line-3', key)));
        expect(other?.job.state).toBe(one?.job.state);
        expect(one?.job.state).toBe(kindState(provider, final).state);
        for (const key of keys) expect(await alertsOf(house, key)).toHaveLength(good ? 0 : 1);
        const cards = [inOrder, mixed].map((name) => cardsOf(house, told(name)));
        expect(cards.map((list) => list.length)).toEqual([1, 1]);
        if (answers) {
          const plain = (text: string, name: string): string =>
            text.replaceAll(name, '…').replaceAll(encodeURIComponent(name), '…');
          expect(plain(cards[1]![0]!, mixed)).toBe(plain(cards[0]![0]!, inOrder));
        }
      }),
      { numRuns: 120 },
    );
    // The logs of those that could not be asked about could not be read either.
    expect(
      house.errors.filter((one) => !(one instanceof AppError && one.code === 'permission_denied')),
    ).toEqual([]);
  }, 300_000);
});

describe('[K3] what a job is made of', () => {
  let house: House;
  beforeEach(async () => {
    house = await House.open(SAGEMAKER_NAMES);
  });
  afterEach(() => house.close());

  const tuning = (counts: JobParts['counts'], more: Partial<TrainingJob> = {}): TrainingJob => {
    const failed = counts.failed ?? 0;
    const parts: JobParts = {
      thing: 'training job',
      total: 500,
      counts,
      shown: [],
      causes:
        failed === 0
          ? []
          : [
              {
                cause: 'The GPU ran out of memory.',
                count: failed,
                example: 'search-3-001-0a1b2c3d',
                job: 'search-3-001-0a1b2c3d',
                reason: 'AlgorithmError: ExecuteUserScriptError: CUDA out of memory. Tried to allocate 2 GiB',
                at: house.now,
              },
            ],
    };
    return described('tuning', 'search-3', 'InProgress', house.now, { parts, ...more });
  };
  const childEvent = (index: number, status: string, parent: boolean) => {
    const name = `search-3-${String(index).padStart(3, '0')}-0a1b2c3d`;
    return envelope(
      'SageMaker Training Job State Change',
      {
        TrainingJobName: name,
        TrainingJobArn: `${PLACE}:training-job/${name}`,
        TrainingJobStatus: status,
        LastModifiedTime: house.now,
        ...(status === 'Failed' ? { FailureReason: 'AlgorithmError: CUDA out of memory' } : {}),
        ...(parent ? { TuningJobArn: `${PLACE}:hyper-parameter-tuning-job/search-3` } : {}),
      },
      { time: new Date(house.now).toISOString() },
    );
  };

  it('500 training jobs of which 40 fail for one cause are one card and one alert that counts them', async () => {
    let failed = 0;
    house.sagemaker = (name, kind) => {
      if (kind === 'tuning') return tuning({ completed: 460, ...(failed > 0 ? { failed } : {}) });
      return described('sagemaker', name, 'Failed', house.now, { parent: 'tuning:search-3' });
    };
    for (let index = 0; index < 500; index += 10) {
      const events = Array.from({ length: 10 }, (_, next) => {
        const fails = (index + next) % 12 === 0 && failed < 40;
        failed += fails ? 1 : 0;
        // Only some of the events name the tuning job.
        return childEvent(index + next, fails ? 'Failed' : 'Completed', next % 2 === 0);
      });
      await house.emit(...events);
      house.now += 3_000;
      await house.tick();
    }
    failed = 40;
    house.now += MINUTE;
    await house.emit(childEvent(499, 'Failed', true));
    expect(house.on(CARDS)).toHaveLength(1);
    expect(house.on(ALERTS)).toHaveLength(1);
    expect(house.words(ALERTS)[0]).toContain('*40 of 500 training jobs failed*: `search-3`');
    expect(house.words(ALERTS)[0]).toContain('search-3-001-0a1b2c3d: AlgorithmError');
    expect(house.words(ALERTS)[0]).toContain('CUDA out of memory');
    const [alert] = await house.store.listAlerts({ limit: 10 });
    expect(alert).toMatchObject({ job: 'tuning:search-3', count: 1, state: 'open' });
    // Once it is known whose they are, their own state is nobody's question.
    expect(house.asked.filter((key) => key === 'tuning:search-3').length).toBeLessThan(80);

    // It completes all the same; what failed stays to be looked at.
    house.sagemaker = () =>
      tuning({ completed: 460, failed: 40 }, { ...kindState('tuning', 'Completed'), endedAt: house.now });
    await house.emit(kindEvent('tuning', 'search-3', 'Completed', house.now, { says: true }));
    expect(house.on(ALERTS)).toHaveLength(1);
    expect((await house.store.listAlerts({ limit: 10 })).map(({ state }) => state)).toEqual(['open']);

    await house.restart();
    expect(house.on(ALERTS)).toHaveLength(1);
  }, 60_000);

  const execution = (states: { failed: number; skipped: number }, status: string): TrainingJob => {
    const { failed } = states;
    const cached = {
      name: 'Prepare',
      state: 'completed',
      status: 'Succeeded',
      note: 'from the cache (a1)',
    } as const;
    const skipped = {
      name: 'Skip',
      state: 'completed',
      status: 'Succeeded',
      note: 'not run again, taken from a1',
    } as const;
    return described('pipeline', 'Weld-abc123def456', status, house.now, {
      failureReason: status === 'Failed' ? 'Step failure: One or multiple steps failed.' : undefined,
      parts: {
        thing: 'step',
        total: 60,
        counts: { completed: 60 - failed, ...(failed > 0 ? { failed } : {}) },
        shown: [cached, ...Array.from({ length: states.skipped }, () => skipped)],
        causes:
          failed === 0
            ? []
            : [
                {
                  cause: 'AlgorithmError: the labels are gone',
                  reason: 'AlgorithmError: the labels are gone, exit code: 1',
                  ...{ count: failed, example: 'Train', at: house.now },
                  job: 'processing:pipelines-abc123def456-train-0123456789',
                },
              ],
      },
    });
  };
  const stepEvent = (step: string, status: string, more: object = {}) =>
    envelope(
      'SageMaker Model Building Pipeline Execution Step Status Change',
      {
        ...{ stepName: step, currentStepStatus: status, ...more },
        pipelineExecutionArn: `${PLACE}:pipeline/weld/execution/abc123def456`,
      },
      { time: new Date(house.now).toISOString() },
    );

  it('a pipeline of 60 steps, cached and skipped ones too: one card, and one alert when one fails', async () => {
    let failed = 0;
    let status = 'Executing';
    house.sagemaker = (name, kind) => {
      if (kind === 'pipeline') return { ...execution({ failed, skipped: 50 }, status), name };
      return described(kind, name, 'Failed', house.now);
    };
    house.listed = [execution({ failed: 0, skipped: 0 }, 'Executing')];
    for (let step = 0; step < 60; step += 1)
      for (const one of ['Starting', 'Executing', 'Succeeded']) {
        house.now += 200;
        await house.emit(
          stepEvent(
            `s${step}`,
            one,
            step % 3 === 0 ? { cacheHitResult: { sourcePipelineExecutionArn: 'x' } } : {},
          ),
        );
      }
    const looks = house.asked.filter((key) => key.startsWith('pipeline:')).length;
    // 36 seconds of events, a look every ten.
    expect(looks).toBeLessThan(8);
    expect(house.on(CARDS)).toHaveLength(1);
    expect(house.words(CARDS)[0]).toContain('Weld-abc123def456');
    expect(house.on(ALERTS)).toEqual([]);

    failed = 1;
    house.now += 3_000;
    // Its job tells of itself as well, by the same name.
    const ran = 'pipelines-abc123def456-train-0123456789';
    await house.emit(
      kindEvent('processing', ran, 'Failed', house.now, { says: true }),
      stepEvent('Train', 'Failed', { failureReason: 'AlgorithmError: the labels are gone' }),
      stepEvent('Train', 'Failed'),
    );
    expect(house.on(ALERTS)).toHaveLength(1);
    expect(house.words(ALERTS)[0]).toContain('*1 of 60 steps failed*: `Weld-abc123def456`');
    expect(house.words(ALERTS)[0]).toContain('Train: AlgorithmError: the labels are gone');

    status = 'Failed';
    house.now += 3_000;
    await house.emit(executionEvent('Weld-abc123def456', 'Failed', house.now, {}));
    expect(house.on(ALERTS)).toHaveLength(1);
    expect(house.words(ALERTS)[0]).toContain('*Pipeline failed (1 of 60 steps)*: `Weld-abc123def456`');
    expect(house.on(CARDS)).toHaveLength(1);
    expect(await house.store.listAlerts({ limit: 10 })).toHaveLength(1);

    // The next execution of the same pipeline succeeds.
    house.now += MINUTE;
    house.sagemaker = (name) => described('pipeline', name, 'Succeeded', house.now);
    house.listed = [described('pipeline', 'Weld-fed654cba321', 'Succeeded', house.now)];
    await house.emit(executionEvent('Weld-fed654cba321', 'Succeeded', house.now, {}));
    expect((await house.store.listAlerts({ limit: 10 })).map(({ state }) => state)).toEqual(['resolved']);
  }, 60_000);
});

describe('[K3] a compilation job that belongs to no training job', () => {
  it('has a card and an alert, from an event of which nothing is documented', async () => {
    const house = await House.open(['sagemaker', 'compilation']);
    house.sagemaker = (name, kind) => described(kind, name, 'FAILED', house.now);
    const event = envelope(
      'SageMaker Compilation Job State Change',
      { CompilationJobName: 'edge-1', CompilationJobStatus: 'Failed' },
      { time: new Date(house.now).toISOString() },
    );
    await house.emit(event, { ...event, id: 'again' });
    expect(house.words(ALERTS)).toHaveLength(1);
    expect(house.words(ALERTS)[0]).toContain('*Compilation failed*: `edge-1`');
    expect(cardsOf(house, 'edge-1')).toHaveLength(1);
    await house.close();
  });
});

describe('[K3] an attempt that Batch repeats', () => {
  it('is made good by the attempt that succeeds, which is another training job', async () => {
    const house = await House.open();
    const attempt = (name: string) => ({
      serviceResourceId: { name: 'TrainingJobArn', value: `${PLACE}:training-job/${name}` },
    });
    const batch = (status: string, ...names: string[]) =>
      envelope(
        'Batch Service Job State Change',
        { jobName: 'night', status, attempts: names.map(attempt), latestAttempt: attempt(names.at(-1)!) },
        { time: new Date(house.now).toISOString() },
      );
    house.sagemaker = (name) => described('sagemaker', name, 'Failed', house.now);
    await house.emit(batch('RUNNING', 'AWSBatchnight1'), batch('FAILED', 'AWSBatchnight1'));
    expect((await house.store.listAlerts({ limit: 2 })).map(({ state }) => state)).toEqual(['open']);
    house.now += MINUTE;
    // Batch is ahead of SageMaker, which is believed.
    house.sagemaker = (name) => described('sagemaker', name, 'InProgress', house.now);
    await house.emit(batch('SUCCEEDED', 'AWSBatchnight1', 'AWSBatchnight2'));
    expect((await house.store.listAlerts({ limit: 2 })).map(({ state }) => state)).toEqual(['open']);
    house.now += MINUTE;
    house.sagemaker = (name) => described('sagemaker', name, 'Completed', house.now);
    await house.emit(batch('SUCCEEDED', 'AWSBatchnight1', 'AWSBatchnight2'));
    expect((await house.store.listAlerts({ limit: 2 })).map(({ state }) => state)).toEqual(['resolved']);
    await house.close();
  });
});

describe('[K3] a digest', () => {
  it('counts a tuning job, and not each of its training jobs', async () => {
    const house = await House.open(['sagemaker', 'tuning']);
    await house.store.changeChannelSettings(TEAM, () => ({
      channel: TEAM,
      digest: { cron: '0 9 * * *', timeZone: 'UTC', useCases: ['line-3'] },
      changedBy: { team: 'T', user: 'U' },
      changedAt: 1,
    }));
    await house.tick();
    house.sagemaker = (name, kind) =>
      described(kind, name, 'Failed', house.now, kind === 'tuning' ? {} : { parent: 'tuning:search-3' });
    const children = ['001', '002', '003'].map((number) => `search-3-${number}-0a1b2c3d`);
    for (const name of ['search-3', ...children])
      await house.emit(
        kindEvent(name === 'search-3' ? 'tuning' : 'sagemaker', name, 'Failed', house.now, { says: true }),
      );
    house.now += 24 * 60 * MINUTE;
    await house.tick();
    const [digest] = house.on(TEAM).filter(({ key }) => key.startsWith('digest/'));
    const words = JSON.stringify(digest?.message);
    expect(words).toContain('Jobs: 1 failed');
    expect(words).toMatch(/Failed: `(?:tuning:)?search-3`/);
    expect(words).not.toContain('search-3-001');
    expect(house.on(ALERTS)).toHaveLength(1);
    await house.close();
  });
});

describe('[K3] subscriptions', () => {
  let house: House;
  beforeEach(async () => {
    house = await House.open(['sagemaker', 'processing']);
    await house.subscribe();
  });
  afterEach(() => house.close());
  const stamped = () => ({ time: new Date(house.now).toISOString() });

  const packageEvent = (approval: string, at: number, more: object = {}) =>
    envelope(
      'SageMaker Model Package State Change',
      {
        ModelPackageGroupName: 'weld-<!here>',
        ModelPackageVersion: 4,
        ModelPackageArn: `${PLACE}:model-package/weld/4`,
        ModelPackageStatus: 'Completed',
        ModelApprovalStatus: approval,
        LastModifiedTime: at,
        ...more,
      },
      stamped(),
    );

  it('tell of model packages once, and not what is overtaken', async () => {
    const { now } = house;
    await house.emit(packageEvent('Approved', now, { ApprovalDescription: 'F1 0.93' }));
    await house.emit(
      packageEvent('Approved', now, { ApprovalDescription: 'F1 0.93' }),
      packageEvent('PendingManualApproval', now - 1000),
    );
    expect(house.on(TEAM)).toHaveLength(1);
    expect(house.words(TEAM)[0]).toContain('✅ *Model package approved*');
    expect(house.words(TEAM)[0]).toContain('version 4');
    expect(house.words(TEAM)[0]).toContain('Why: F1 0.93');
    expect(house.words(TEAM)[0]).not.toContain('<!here>');
    await house.emit(packageEvent('Rejected', now + 1000, { ModelLifeCycle: { Stage: 'Production' } }));
    expect(house.words(TEAM)[1]).toContain('⛔ *Model package rejected*');
    expect(house.words(TEAM)[1]).toContain('Stage: Production');
    expect(house.on(ALERTS)).toEqual([]);
  });

  it('tell of the steps of an endpoint’s deployment, each once', async () => {
    const step = (Status: string, at: number) =>
      envelope(
        'SageMaker Endpoint Deployment State Change',
        {
          EndpointName: 'Weld',
          EndpointArn: `${PLACE}:endpoint/weld`,
          EndpointStatus: 'UPDATING',
          LastModifiedTime: house.now,
          ProductionVariants: [
            { VariantStatus: [{ Status, StatusMessage: `${Status} now.`, StartTime: at }] },
          ],
        },
        stamped(),
      );
    await house.emit(
      step('Updating', house.now),
      step('Updating', house.now),
      step('Baking', house.now + 5_000),
    );
    await house.emit(step('Updating', house.now));
    expect(house.words(TEAM).map((words) => /\*Endpoint updating\*/.test(words))).toEqual([true, true]);
    expect(house.words(TEAM)[1]).toContain('Baking: Baking now.');
  });

  it('leave alone what an archive replays', async () => {
    await house.emit({ ...packageEvent('Approved', house.now), 'replay-name': 'again' });
    expect(house.on(TEAM)).toEqual([]);
  });

  it('say nothing of a kind that the use case leaves out', async () => {
    house.sagemaker = (name, kind) => described(kind, name, 'Failed', house.now);
    await house.emit(kindEvent('transform', 'left-out', 'Failed', house.now, { says: true }));
    expect(house.shown).toEqual([]);
    expect(house.ingest.counts.setAside).toEqual({});
    await house.emit(kindEvent('processing', 'shown', 'Failed', house.now, { says: true }));
    expect(house.on(ALERTS)).toHaveLength(1);
    expect(house.words(ALERTS)[0]).toContain('*Processing failed*');
  });

  it('of a kind that the role may not look at, the event’s word is told, and said to be no more than that', async () => {
    house.sagemaker = (name, kind) => {
      if (kind === 'processing')
        throw new AppError('permission_denied', 'The role may not look at processing jobs.');
      return described(kind, name, 'Failed', house.now);
    };
    await house.emit(
      kindEvent('processing', 'dark', 'Failed', house.now, { says: true }),
      kindEvent('sagemaker', 'lit', 'Failed', house.now, { says: true }),
    );
    const words = house.words(ALERTS);
    expect(words).toHaveLength(2);
    const dark = words.find((text) => text.includes('`dark`'));
    expect(dark).toContain('*Not confirmed*');
    expect(dark).toContain('The role may not look at processing jobs.');
    expect(words.find((text) => text.includes('`lit`'))).not.toContain('Not confirmed');
  });

  it('an endpoint that serves again resolves its failure', async () => {
    await house.close();
    house = await House.open(['sagemaker', 'endpoint']);
    house.sagemaker = (name) => described('endpoint', name, 'Failed', house.now);
    await house.emit(kindEvent('endpoint', 'Weld', 'FAILED', house.now, { says: true }));
    expect((await house.store.listAlerts({ limit: 1 }))[0]).toMatchObject({ state: 'open' });
    house.now += MINUTE;
    house.sagemaker = (name) => described('endpoint', name, 'Updating', house.now);
    await house.emit(kindEvent('endpoint', 'Weld', 'UPDATING', house.now, { says: true }));
    expect((await house.store.listAlerts({ limit: 1 }))[0]).toMatchObject({ state: 'open' });
    house.now += MINUTE;
    house.sagemaker = (name) => described('endpoint', name, 'InService', house.now);
    await house.emit(kindEvent('endpoint', 'Weld', 'IN_SERVICE', house.now, { says: true }));
    expect((await house.store.listAlerts({ limit: 1 }))[0]).toMatchObject({ state: 'resolved' });
    house.now += MINUTE;
    house.sagemaker = (name) => described('endpoint', name, 'Failed', house.now);
    await house.emit(kindEvent('endpoint', 'Weld', 'FAILED', house.now, { says: true }));
    expect((await house.store.listAlerts({ limit: 9 })).map(({ state }) => state)).toEqual([
      'open',
      'resolved',
    ]);
  });
});
