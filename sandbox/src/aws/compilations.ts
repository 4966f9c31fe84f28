/**
 * The compilation jobs of one account in one region. What a job is now is read from the clock. Its outcome is
 * found out once, by `settle`, when the clock has passed the moment at which the compiler would start to look.
 */
import { createHash } from 'node:crypto';
import type { EpochMs } from '../time.ts';
import { compileLog, modelInfoLog } from './compile-log.ts';
import {
  type CompilationRequest,
  judge,
  outputUri,
  targetName,
  type Verdict,
  type Workshop,
} from './compile-verdict.ts';
import { AwsError, nameTaken } from './errors.ts';
import { clipSeries } from './event-series.ts';
import type { LogStore, LogStreamSeed } from './log-store.ts';
import { filler } from './model-card.ts';
import { parseS3Uri } from './object-store.ts';
import { writeTarGz } from './tar.ts';

const COMPILATION_LOG_GROUP = '/aws/sagemaker/CompilationJobs';

type CompilationStatus = 'STARTING' | 'INPROGRESS' | 'COMPLETED' | 'FAILED' | 'STOPPING' | 'STOPPED';

export interface CompilationSeed extends CompilationRequest {
  createdAt: EpochMs;
  /** From the start of the work to its end, were it to succeed, ms; left out: the sandbox's setting. */
  durationMs?: number;
  /** Asked to stop so long after its creation. */
  stoppedAfterMs?: number;
  tags?: Readonly<Record<string, string>>;
}

interface Compilation extends CompilationSeed {
  tags: Record<string, string>;
  startAt: EpochMs;
  durationMs: number;
  stopAskedAt?: EpochMs;
  outcome?: { verdict: Verdict; endAt: EpochMs; status: 'COMPLETED' | 'FAILED'; reason: string };
  /** Its result is in S3. */
  delivered?: { digest: string };
  settling?: Promise<void>;
}

export interface CompilationSettings {
  /** How long a compilation for an ordinary CPU takes, ms; accelerators take longer. */
  compilationMs: number;
  /** Jobs that an account may have in progress in a region. */
  concurrentCompilations: number;
}

/** The service finds capacity first; no more than a tenth of the job's own time here. */
const STARTING_MS = 4_000;
const STOPPING_MS = 5_000;

export class CompilationStore {
  readonly #jobs = new Map<string, Compilation>();
  readonly #workshop: Workshop;
  readonly #logs: LogStore;
  readonly #settings: CompilationSettings;

  constructor(workshop: Workshop, logs: LogStore, settings: CompilationSettings) {
    this.#workshop = workshop;
    this.#logs = logs;
    this.#settings = settings;
  }

  seed(seed: CompilationSeed): void {
    const durationMs = seed.durationMs ?? this.#usualDuration(seed);
    const startAt = seed.createdAt + Math.min(STARTING_MS, durationMs / 10);
    this.#jobs.set(seed.name, {
      ...seed,
      tags: { ...seed.tags },
      durationMs,
      startAt,
      ...(seed.stoppedAfterMs === undefined ? {} : { stopAskedAt: seed.createdAt + seed.stoppedAfterMs }),
    });
  }

  #usualDuration({ targetDevice, targetPlatform }: CompilationRequest): number {
    const accelerated =
      targetPlatform?.Accelerator !== undefined || /jetson|ml_(p|g|inf)/.test(targetDevice ?? '');
    return Math.round(this.#settings.compilationMs * (accelerated ? 1.5 : 1));
  }

  /** @throws AwsError ResourceInUse, ResourceLimitExceeded */
  create(request: CompilationRequest, tags: Readonly<Record<string, string>>, now: EpochMs): string {
    if (this.#jobs.has(request.name)) throw nameTaken('compilation job', this.arn(request.name));
    const running = this.all(now).filter((job) => LIVE.includes(statusOf(job, now))).length;
    const limit = this.#settings.concurrentCompilations;
    if (running >= limit) {
      throw new AwsError(
        'ResourceLimitExceeded',
        `The account-level service limit 'Number of concurrent compilation jobs' is ${limit} Jobs, with current utilization of ${running} Jobs and a request delta of 1 Jobs. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.`,
      );
    }
    this.seed({ ...request, createdAt: now, tags });
    return this.arn(request.name);
  }

  /** @throws AwsError ValidationException when it has ended */
  stop(name: string, now: EpochMs): void {
    const job = this.get(name, now);
    const status = statusOf(job, now);
    if (status === 'STOPPING') return;
    if (!LIVE.includes(status)) {
      throw new AwsError(
        'ValidationException',
        `The request was rejected because the compilation job is in status ${status}.`,
      );
    }
    job.stopAskedAt = now;
    const group = this.#logs.groups().find(({ name }) => name === COMPILATION_LOG_GROUP);
    for (const stream of streamNames(job)) {
      const found = group?.streams.get(stream);
      if (found) found.series = clipSeries(found.series, now + STOPPING_MS / 2);
    }
  }

  /** @throws AwsError ValidationException while it is in progress */
  delete(name: string, now: EpochMs): void {
    const status = statusOf(this.get(name, now), now);
    if (LIVE.includes(status) || status === 'STOPPING') {
      throw new AwsError(
        'ValidationException',
        `The request was rejected because the compilation job is in status ${status}. Only jobs in status COMPLETED, FAILED or STOPPED can be deleted.`,
      );
    }
    this.#jobs.delete(name);
  }

  /** @throws AwsError ResourceNotFound */
  get(name: string, now: EpochMs): Compilation {
    const job = this.#jobs.get(name);
    if (!job || job.createdAt > now) throw new AwsError('ResourceNotFound', 'Requested resource not found.');
    return job;
  }

  all(now: EpochMs): Compilation[] {
    return [...this.#jobs.values()].filter((job) => job.createdAt <= now);
  }

  arn(name: string): string {
    const { region, account } = this.#workshop;
    return `arn:aws:sagemaker:${region}:${account}:compilation-job/${name}`;
  }

  /** Finds out what the clock has made due: outcomes, logs, results in S3. Cheap when nothing is. */
  async settle(now: EpochMs): Promise<void> {
    const due = [...this.#jobs.values()].filter((job) => isDue(job, now));
    await Promise.all(
      due.map((job) => {
        job.settling ??= this.#settle(job, now).finally(() => {
          delete job.settling;
        });
        return job.settling;
      }),
    );
  }

  async #settle(job: Compilation, now: EpochMs): Promise<void> {
    if (!job.outcome) {
      const verdict = await judge(job, this.#workshop);
      job.outcome = outcomeOf(job, verdict);
      this.#writeLog(job, job.outcome);
    }
    const { outcome } = job;
    if (outcome.status !== 'COMPLETED' || statusOf(job, now) !== 'COMPLETED' || job.delivered) return;
    const bytes = compiledArchive(job);
    const { bucket, key } = parseS3Uri(outputUri(job))!;
    const existing = this.#workshop.objects.find(bucket, key);
    // Seeds of older jobs must not replace what a later job has put there.
    if (!existing || existing.lastModified < outcome.endAt) {
      this.#workshop.objects.putBytes(bucket, key, bytes, outcome.endAt, {
        contentType: 'application/x-tar',
      });
    }
    job.delivered = { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` };
  }

  #writeLog(job: Compilation, { verdict, endAt }: NonNullable<Compilation['outcome']>): void {
    const createdAt = job.startAt;
    const series = [compileLog(job, verdict, createdAt, endAt), modelInfoLog(job, verdict, createdAt, endAt)];
    const streams: LogStreamSeed[] = streamNames(job).map((name, index) => ({
      name,
      createdAt,
      series: job.stopAskedAt === undefined ? series[index]! : clipSeries(series[index]!, job.stopAskedAt),
    }));
    this.#logs.seed({ name: COMPILATION_LOG_GROUP, createdAt, streams });
  }

  summary(job: Compilation, now: EpochMs): Record<string, unknown> {
    const { targetPlatform } = job;
    return {
      CompilationJobName: job.name,
      CompilationJobArn: this.arn(job.name),
      CreationTime: seconds(job.createdAt),
      ...this.#times(job, now),
      ...(job.targetDevice === undefined ? {} : { CompilationTargetDevice: job.targetDevice }),
      ...(targetPlatform === undefined
        ? {}
        : {
            CompilationTargetPlatformOs: targetPlatform.Os,
            CompilationTargetPlatformArch: targetPlatform.Arch,
            ...(targetPlatform.Accelerator === undefined
              ? {}
              : { CompilationTargetPlatformAccelerator: targetPlatform.Accelerator }),
          }),
      CompilationJobStatus: statusOf(job, now),
    };
  }

  #times(job: Compilation, now: EpochMs) {
    const status = statusOf(job, now);
    const stopped = status === 'STOPPED' ? job.stopAskedAt! + STOPPING_MS : undefined;
    const ended = stopped ?? (status === 'COMPLETED' || status === 'FAILED' ? job.outcome?.endAt : undefined);
    const started = job.startAt <= now && (job.stopAskedAt ?? now) >= job.startAt;
    const modified =
      ended ?? (status === 'STOPPING' ? job.stopAskedAt! : started ? job.startAt : job.createdAt);
    return {
      ...(started ? { CompilationStartTime: seconds(job.startAt) } : {}),
      ...(ended === undefined ? {} : { CompilationEndTime: seconds(ended) }),
      LastModifiedTime: seconds(modified),
    };
  }

  description(job: Compilation, now: EpochMs): Record<string, unknown> {
    const status = statusOf(job, now);
    const { outcome } = job;
    const { Os, Arch, Accelerator } = job.targetPlatform ?? {};
    return {
      CompilationJobName: job.name,
      CompilationJobArn: this.arn(job.name),
      CompilationJobStatus: status,
      CreationTime: seconds(job.createdAt),
      ...this.#times(job, now),
      StoppingCondition: { MaxRuntimeInSeconds: job.maxRuntimeSeconds },
      ...(status === 'COMPLETED' ? inferenceImage(job, this.#workshop.region) : {}),
      FailureReason: status === 'FAILED' ? (outcome?.reason ?? '') : '',
      // There from the first moment, as on the real service: it says where, not that it is there.
      ModelArtifacts: { S3ModelArtifacts: outputUri(job) },
      ...(status === 'COMPLETED' && job.delivered
        ? { ModelDigests: { ArtifactDigest: job.delivered.digest } }
        : {}),
      RoleArn: job.roleArn,
      InputConfig: defined({
        S3Uri: job.s3Uri,
        DataInputConfig: job.dataInputConfig,
        Framework: job.framework,
        FrameworkVersion: job.frameworkVersion,
      }),
      OutputConfig: defined({
        S3OutputLocation: job.outputLocation,
        TargetDevice: job.targetDevice,
        ...(Os === undefined ? {} : { TargetPlatform: defined({ Os, Arch, Accelerator }) }),
        CompilerOptions: job.compilerOptions,
        KmsKeyId: job.kmsKeyId,
      }),
      ...(status === 'COMPLETED' && outcome?.verdict.compiles && outcome.verdict.derivedInput !== undefined
        ? { DerivedInformation: { DerivedDataInputConfig: outcome.verdict.derivedInput } }
        : {}),
    };
  }
}

const LIVE: readonly CompilationStatus[] = ['STARTING', 'INPROGRESS'];

function statusOf(job: Compilation, now: EpochMs): CompilationStatus {
  const endAt = job.outcome?.endAt ?? Number.POSITIVE_INFINITY;
  if (job.stopAskedAt !== undefined && job.stopAskedAt <= now && job.stopAskedAt < endAt) {
    return now < job.stopAskedAt + STOPPING_MS ? 'STOPPING' : 'STOPPED';
  }
  if (now < job.startAt) return 'STARTING';
  return now < endAt ? 'INPROGRESS' : job.outcome!.status;
}

function isDue(job: Compilation, now: EpochMs): boolean {
  if (job.startAt > now || (job.stopAskedAt ?? Number.POSITIVE_INFINITY) <= job.startAt) return false;
  return !job.outcome || (job.outcome.status === 'COMPLETED' && job.outcome.endAt <= now && !job.delivered);
}

function outcomeOf(job: Compilation, verdict: Verdict): NonNullable<Compilation['outcome']> {
  const limit = job.startAt + job.maxRuntimeSeconds * 1000;
  const endAt = job.startAt + Math.round(job.durationMs * (verdict.compiles ? 1 : verdict.after));
  if (endAt > limit) {
    const reason = `ClientError: TimeOut: The compilation job did not finish within MaxRuntimeInSeconds (${job.maxRuntimeSeconds}).`;
    return {
      verdict: { compiles: false, reason, after: 1, card: verdict.card },
      endAt: limit,
      status: 'FAILED',
      reason,
    };
  }
  return verdict.compiles
    ? { verdict, endAt, status: 'COMPLETED', reason: '' }
    : { verdict, endAt, status: 'FAILED', reason: verdict.reason };
}

const streamNames = (job: Compilation) => [job.name, `${job.name}/model-info-extraction`];

/** What the DLR runtime loads: library, graph and parameters. */
function compiledArchive(job: Compilation): Buffer {
  const manifest = { compiler: 'neo', target: targetName(job), source: job.s3Uri };
  return writeTarGz([
    { name: 'compiled.so', content: filler(`${job.name}/so`, 96 * 1024) },
    { name: 'compiled.params', content: filler(`${job.name}/params`, 48 * 1024) },
    { name: 'compiled_model.json', content: Buffer.from(`${JSON.stringify(manifest)}\n`) },
    { name: 'manifest', content: Buffer.from(`${JSON.stringify({ version: '1.0', ...manifest })}\n`) },
  ]);
}

/** Only results for cloud instances come with an image to serve them; the account is Neo's own in eu-west-1. */
function inferenceImage(job: Compilation, region: string) {
  if (!job.targetDevice?.startsWith('ml_')) return {};
  const processor = /^ml_(p|g)/.test(job.targetDevice) ? 'gpu' : 'cpu';
  const framework = job.framework.toLowerCase();
  const version = job.frameworkVersion ?? '1.8';
  return {
    InferenceImage: `802834080501.dkr.ecr.${region}.amazonaws.com/sagemaker-inference-${framework}:${version}-${processor}-py3`,
  };
}

function defined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** AWS JSON carries times as seconds with a fraction. */
const seconds = (at: EpochMs) => at / 1000;
