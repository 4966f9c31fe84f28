/** One AWS account behind the ports, with a clock of its own: SageMaker, Greengrass and S3 as far as operations see. */

import { isFinished, type TrainingJob } from '../../src/domain/jobs.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { type JobChange, JobChanges } from '../../src/operations/job-changes.ts';
import { JobRefresher } from '../../src/operations/refresh-jobs.ts';
import type { CompilationOrder, CompilationReport } from '../../src/ports/compiler.ts';
import type { ComponentReport } from '../../src/ports/component-registry.ts';
import type { CoreDevice } from '../../src/ports/device-fleet.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import type { TrainingOrder, TrainingSetup } from '../../src/ports/training-provider.ts';
import type { UseCaseGateway, UseCaseSession } from '../../src/ports/use-case-session.ts';
import { sageMaker } from '../../src/providers/sagemaker.ts';
import { type MemoryStore, memoryStore } from '../fixtures/memory-store.ts';

export const ADA = { team: 'T0LINE', user: 'U0ADA' };
export const BEN = { team: 'T0LINE', user: 'U0BEN' };

export const LINE_3: UseCase = {
  id: 'line-3',
  name: 'Line 3 defects',
  aws: { account: '123456789012', region: 'eu-west-1' },
  channels: ['C0LINE3'],
  access: {},
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
  compile: {
    roleArn: 'arn:aws:iam::123456789012:role/NeoExecution',
    outputS3: 's3://line-3-models/compiled/',
    framework: 'PYTORCH',
    frameworkVersion: '1.13',
    dataInputConfig: { input: [1, 3, 224, 224] },
    targets: ['jetson-xavier', 'x86_64-cpu'],
    auto: false,
    timeoutSeconds: 3600,
  },
  components: { auto: false, namePrefix: 'model-' },
};

export interface SimulatedCompilation {
  order: CompilationOrder;
  report: CompilationReport;
  createdAt: number;
}

export type FaultPoint =
  | 'open'
  | 'find'
  | 'list'
  | 'tags'
  | 'start'
  | 'started'
  | 'describe'
  | 'compilations'
  | 'stop'
  | 'setup'
  | 'deploy'
  | 'deployed'
  | 'cancel'
  | 'publish'
  | 'published'
  | 'component'
  | 'devices';

const refuse = (): never => {
  throw new TypeError('logs are read as pages here');
};

export class SimulatedAccount {
  now = Date.UTC(2026, 0, 31, 12);
  readonly clock = { now: () => this.now };
  jobs: TrainingJob[] = [];
  tags: Record<string, string> = {};
  readonly compilations = new Map<string, SimulatedCompilation>();
  /** Client token → component. */
  readonly components = new Map<string, ComponentReport>();
  devices: (CoreDevice & { installed: string[]; deployments?: string[] })[] = [];
  readonly asked: string[] = [];
  /** Thrown at a point; `started`, `deployed` and `published` lose the answer after the work is done. */
  fault: (point: FaultPoint, subject: string) => AppError | undefined = () => undefined;
  log: (job: string) => LogSource = () => emptyLog;
  /** What is special about every job that is run again. */
  setup: Partial<TrainingSetup> = {};
  readonly deployed: TrainingOrder[] = [];
  /** What the provider calls a job that was asked for under a name. */
  jobCalled: (name: string) => string = (name) => name;

  readonly gateway: UseCaseGateway = {
    trainsOn: () => ['sagemaker'],
    links: (useCase, { name }) => sageMaker.links(useCase, name),
    open: async (useCase, actor, operation) => {
      await this.#pass('open', useCase.id);
      return this.#session(`${operation}-${actor.user}`);
    },
  };

  /** A completed training, unless it says otherwise. */
  train(name: string, changes: Partial<TrainingJob> = {}): TrainingJob {
    const job: TrainingJob = {
      name,
      useCase: 'line-3',
      provider: 'sagemaker',
      arn: `arn:aws:sagemaker:eu-west-1:123456789012:training-job/${name}`,
      ...sageMakerState(changes.status ?? 'Completed', changes.secondaryStatus ?? 'Completed'),
      createdAt: this.now,
      modelArtifact: `s3://line-3-models/${name}/output/model.tar.gz`,
      ...changes,
    };
    this.jobs = [...this.jobs.filter((other) => other.name !== name), job];
    return job;
  }

  /** As the console would: nobody of ours knows of it. */
  compileElsewhere(order: CompilationOrder, report: Partial<CompilationReport> = {}): void {
    this.compilations.set(order.compilationJob, {
      order,
      report: { status: 'STARTING', facts: {}, ...report },
      createdAt: this.now,
    });
  }

  /** Moves every live compilation, or one, on. */
  advance(status: string, only?: string, failureReason?: string): void {
    for (const [name, { report, order }] of this.compilations) {
      if (only !== undefined && name !== only) continue;
      if (['COMPLETED', 'FAILED', 'STOPPED'].includes(report.status)) continue;
      report.status = status;
      report.changedAt = this.now;
      report.startedAt ??= this.now;
      if (['COMPLETED', 'FAILED', 'STOPPED'].includes(status)) report.endedAt = this.now;
      if (status === 'COMPLETED') report.artifact = `${order.outputS3}model-x.tar.gz`;
      if (failureReason !== undefined) report.failureReason = failureReason;
    }
  }

  liveCompilations(): SimulatedCompilation[] {
    return [...this.compilations.values()].filter(
      ({ report }) => !['COMPLETED', 'FAILED', 'STOPPED'].includes(report.status),
    );
  }

  async #pass(point: FaultPoint, subject: string): Promise<void> {
    this.asked.push(`${point} ${subject}`);
    // As over a network: others get their turn.
    await new Promise((resolve) => setImmediate(resolve));
    const error = this.fault(point, subject);
    if (error) throw error;
  }

  #session(sessionName: string): UseCaseSession {
    return {
      sessionName,
      providers: [
        {
          name: 'sagemaker',
          log: (job) => this.log(job),
          links: (job) => sageMaker.links(LINE_3, job),
          getStatus: async (name) => {
            await this.#pass('find', name);
            const job = this.jobs.find((one) => one.name === name);
            return job && { ...job };
          },
          jobs: {
            list: async ({ nameContains = '', limit }) => {
              await this.#pass('list', nameContains);
              return [...this.jobs]
                .filter(({ name }) => name.includes(nameContains))
                .sort((a, b) => b.createdAt - a.createdAt)
                .slice(0, limit)
                .map(({ failureReason: _, modelArtifact: __, hyperparameters: ___, ...job }) => job);
            },
            tags: async ({ name }) => {
              await this.#pass('tags', name);
              return this.tags;
            },
          },
          begins: sageMakerState('InProgress', 'Starting'),
          setup: async (name) => {
            await this.#pass('setup', name);
            const job = this.jobs.find((one) => one.name === name);
            return (
              job && {
                hyperparameters: job.hyperparameters ?? {},
                machines: { type: job.instanceType ?? 'ml.g5.xlarge', count: job.instanceCount ?? 1 },
                notes: [],
                ...this.setup,
              }
            );
          },
          deploy: async (order) => {
            const name = this.jobCalled(order.name);
            await this.#pass('deploy', name);
            if (this.jobs.some((one) => one.name === name)) {
              if (this.deployed.some((one) => JSON.stringify(one) === JSON.stringify(order))) return name;
              throw new AppError('conflict', `Another training job is called ${name} already.`);
            }
            const old =
              order.kind === 'again' ? this.jobs.find((one) => one.name === order.again)! : undefined;
            const machines =
              order.kind === 'again'
                ? order.machines
                : order.machine
                  ? { type: order.machine, count: 1 }
                  : undefined;
            this.deployed.push(order);
            this.train(name, {
              ...{ status: 'InProgress', secondaryStatus: 'Starting', endedAt: undefined },
              ...{ failureReason: undefined, modelArtifact: undefined },
              hyperparameters: order.kind === 'again' ? order.hyperparameters : order.values,
              instanceType: machines?.type ?? old?.instanceType,
              instanceCount: machines?.count ?? old?.instanceCount,
            });
            await this.#pass('deployed', name);
            return name;
          },
          choices: async (template) => {
            const machines = template.provider === 'sagemaker' ? template.sagemaker.instanceTypes : [];
            return { parameters: template.parameters, machines };
          },
          cancel: async (name) => {
            await this.#pass('cancel', name);
            const job = this.jobs.find((one) => one.name === name);
            if (!job) throw new AppError('not_found', `There is no training job ${name}.`);
            return isFinished(job)
              ? { ...job }
              : this.train(name, { ...job, ...sageMakerState('Stopping', 'Stopping') });
          },
          getLogs: refuse,
          readLog: refuse,
        },
      ],
      compilationLog: (job) => this.log(job),
      compiler: {
        start: async (order) => {
          const name = order.compilationJob;
          await this.#pass('start', `${name} ${order.target.name}`);
          if (this.compilations.has(name)) throw new AppError('conflict', 'The name is taken.');
          this.compileElsewhere(order);
          await this.#pass('started', name);
        },
        describe: async (name) => {
          await this.#pass('describe', name);
          const { report, order, createdAt } = this.compilations.get(name) ?? {};
          return (
            report &&
            order && {
              ...report,
              asked: {
                createdAt,
                model: order.model,
                framework: order.framework,
                neo: order.target.neo,
                compilerOptions: order.target.compilerOptions,
              },
            }
          );
        },
        list: async ({ limit, createdAfter = 0 }) => {
          await this.#pass('compilations', '');
          return [...this.compilations]
            .map(
              ([
                compilationJob,
                {
                  report: { status },
                  createdAt,
                },
              ]) => ({
                compilationJob,
                status,
                createdAt,
              }),
            )
            .filter(({ createdAt }) => createdAt >= createdAfter)
            .sort((a, b) => b.createdAt - a.createdAt)
            .slice(0, limit);
        },
        stop: async (name) => {
          await this.#pass('stop', name);
          if (!this.compilations.has(name)) throw new AppError('not_found', 'No such compilation.');
          this.advance('STOPPING', name);
        },
      },
      artifacts: {
        presign: async (uri, { expiresSeconds, fileName }) =>
          `https://s3.example/${uri}?X-Amz-Expires=${expiresSeconds}&name=${fileName}`,
      },
      components: {
        publish: async (recipe, token) => {
          const name = /ComponentName: (\S+)/.exec(recipe)![1]!;
          const version = /ComponentVersion: (\S+)/.exec(recipe)![1]!;
          await this.#pass('publish', name);
          const arn = componentArn(name, version);
          const taken = [...this.components.values()].some((one) => one.arn === arn);
          if (taken && !this.components.has(token)) throw new AppError('conflict', 'The version exists.');
          if (!taken)
            this.components.set(token, {
              arn,
              name,
              version,
              state: 'INITIATED',
              errors: {},
              createdAt: this.now,
            });
          await this.#pass('published', name);
          return { arn };
        },
        describe: async (arn) => {
          await this.#pass('component', arn);
          return [...this.components.values()].find((one) => one.arn === arn);
        },
        list: async () => {
          await this.#pass('component', '');
          return [...this.components.values()].map(({ name, version, arn, createdAt }) => ({
            name,
            arn: arn.replace(/:versions.*/, ''),
            latestVersion: version,
            latestArn: arn,
            createdAt,
          }));
        },
        versions: async (name) => {
          await this.#pass('component', name);
          return [...this.components.values()]
            .filter((one) => one.name === name)
            .map(({ version, arn }) => ({ version, arn }))
            .reverse();
        },
      },
      devices: {
        coreDevices: async () => {
          await this.#pass('devices', '');
          return this.devices.map(({ name, health, reportedAt }) => ({ name, health, reportedAt }));
        },
        installedOn: async (device) => {
          await this.#pass('devices', device);
          const names = this.devices.find(({ name }) => name === device)?.installed ?? [];
          return names.map((name) => ({
            name,
            version: '1.0.0',
            state: 'RUNNING',
            reportedAt: this.now - 60_000,
          }));
        },
        deploymentsOn: async (device) => {
          const ids = this.devices.find(({ name }) => name === device)?.deployments ?? [];
          return ids.map((id) => ({ id, status: 'IN_PROGRESS', target: 'arn:aws:iot:thinggroup/line-3' }));
        },
        componentsOf: async (deployment) => {
          await this.#pass('devices', `deployment ${deployment}`);
          return { [deployment]: '2.0.0' };
        },
      },
    };
  }
}

export const componentArn = (name: string, version: string): string =>
  `arn:aws:greengrass:eu-west-1:123456789012:components:${name}:versions:${version}`;

const emptyLog: LogSource = {
  id: 'empty',
  listStreams: async () => {
    throw new AppError('not_found', 'No log yet.');
  },
  readPage: async () => {
    throw new AppError('not_found', 'No log yet.');
  },
};

/** A bot's background on an account; `restart` is what a new process would be. */
export class Background {
  readonly account: SimulatedAccount;
  readonly useCase: UseCase;
  store: MemoryStore = memoryStore();
  told: JobChange[] = [];
  errors: unknown[] = [];
  changes = this.#newChanges();
  refresher!: JobRefresher;

  constructor(account: SimulatedAccount, useCase: UseCase = LINE_3) {
    this.account = account;
    this.useCase = useCase;
    this.refresher = this.#newRefresher();
  }

  get deps() {
    const { gateway, clock } = this.account;
    return { gateway, clock, store: this.store, changes: this.changes };
  }

  #newChanges(): JobChanges {
    const changes = new JobChanges((error) => void this.errors.push(error));
    changes.subscribe((change) => void this.told.push(change));
    return changes;
  }

  #newRefresher(): JobRefresher {
    return new JobRefresher({
      ...this.deps,
      useCases: [this.useCase],
      team: 'T0LINE',
      ticker: () => ({ stop: () => undefined }),
      onError: (error) => void this.errors.push(error),
    });
  }

  /** Time passes, and the schedule beats. */
  async pass(ms: number): Promise<void> {
    this.account.now += ms;
    await this.refresher.tick();
    await this.changes.idle();
  }

  async restart(): Promise<void> {
    await this.refresher.stop();
    this.store = this.store.restart();
    this.changes = this.#newChanges();
    this.refresher = this.#newRefresher();
  }
}
