/** Events in, messages out: ingest, notifiers and alerts on the embedded store, with a clock that the test holds. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobKey } from '../../src/domain/job-keys.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import type { SageMakerName } from '../../src/domain/providers.ts';
import type { Subscription } from '../../src/domain/subscriptions.ts';
import { sageMakerNames, type UseCase } from '../../src/domain/use-cases.ts';
import { Ingest } from '../../src/events/ingest.ts';
import { alertBoard } from '../../src/notifiers/alerts.ts';
import { Notifiers } from '../../src/notifiers/index.ts';
import { attachReports } from '../../src/notifiers/reports.ts';
import { AlertManager } from '../../src/operations/alert-manager.ts';
import { JobChanges } from '../../src/operations/job-changes.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import type { Store } from '../../src/ports/store.ts';
import type { UseCaseGateway } from '../../src/ports/use-case-session.ts';
import { sageMaker } from '../../src/providers/sagemaker.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { body, SILENT } from '../events/support.ts';
import { LINE_3 } from '../slack/workspace.ts';
import { type MemoryNotices, memoryNotices, type Posted } from './memory-notices.ts';

export const ALERTS = 'C0ALERTS';
export const TEAM = 'C0TEAM';
export const MINUTE = 60_000;

export interface Delivered {
  channel: string;
  thread?: string | undefined;
  name: string;
  title: string;
  comment: string;
  text: string;
}

const NO_LOG: LogSource = {
  id: 'log',
  listStreams: async () => [],
  readPage: async () => {
    throw new Error('there is no stream');
  },
};

export class House {
  now = Date.UTC(2026, 0, 5, 12);
  readonly useCase: UseCase;
  /** What SageMaker has, of any kind that the use case shows; an error: it cannot be asked. */
  sagemaker: (name: string, kind: SageMakerName) => TrainingJob | undefined = () => undefined;
  /** What it lists. */
  listed: readonly TrainingJob[] = [];
  /** Keys. */
  readonly asked: string[] = [];
  /** What Slack shows outlives the process. */
  readonly shown: Posted[] = [];
  readonly files: Delivered[] = [];
  readonly errors: unknown[] = [];
  store!: Store;
  notices!: MemoryNotices;
  alerts!: AlertManager;
  ingest!: Ingest;
  #notifiers!: Notifiers;
  #changes!: JobChanges;
  #dir = '';

  /** @param kinds those that the use case shows */
  constructor(kinds: readonly SageMakerName[] = ['sagemaker']) {
    this.useCase = {
      ...LINE_3,
      providers: { sagemaker: { kinds } },
      onCall: { levels: [['U0ADA'], ['U0BEN']], escalateAfterMs: 10 * MINUTE },
    };
  }

  static async open(kinds?: readonly SageMakerName[]): Promise<House> {
    const house = new House(kinds);
    house.#dir = await mkdtemp(join(tmpdir(), 'signalbox-house-'));
    await house.#begin();
    return house;
  }

  async close(): Promise<void> {
    await this.#end();
    await rm(this.#dir, { recursive: true, force: true });
  }

  async restart(): Promise<void> {
    await this.#end();
    await this.#begin();
  }

  async emit(...events: object[]): Promise<void> {
    for (const event of events) await this.ingest.receive(body(event), 'sqs');
    await this.settle();
  }

  async settle(): Promise<void> {
    await this.ingest.idle();
    await this.#changes.idle();
    await this.#notifiers.idle();
  }

  async tick(): Promise<void> {
    await this.#notifiers.tick();
    await this.settle();
  }

  subscribe(more: Partial<Subscription> = {}): Promise<void> {
    return this.store.putSubscription({
      id: JSON.stringify(more),
      useCase: this.useCase.id,
      channel: TEAM,
      kinds: [],
      failuresOnly: false,
      createdBy: { team: 'T', user: 'U' },
      createdAt: 1,
      ...more,
    });
  }

  on(channel: string): Posted[] {
    return this.shown.filter((one) => one.channel === channel && one.thread === undefined);
  }

  words(channel: string): string[] {
    return this.on(channel).map(({ message }) => `${message.text}\n${JSON.stringify(message.blocks)}`);
  }

  async #begin(): Promise<void> {
    const clock = { now: () => this.now };
    this.store = await openLowdbStore(this.#dir, clock);
    this.notices = memoryNotices(this.store, this.shown);
    this.#changes = new JobChanges((error) => void this.errors.push(error));
    const kinds = sageMakerNames(this.useCase);
    const find = (kind: SageMakerName) => async (name: string) => {
      this.asked.push(jobKey({ provider: kind, name }));
      return this.sagemaker(name, kind);
    };
    const gateway = {
      links: (useCase: UseCase, { name }: TrainingJob) => sageMaker.links(useCase, name),
      trainsOn: () => kinds,
      open: async () => ({
        providers: kinds.map((kind) => ({
          name: kind,
          log: () => NO_LOG,
          getStatus: find(kind),
          jobs: { list: async () => this.listed.filter(({ provider }) => provider === kind) },
        })),
      }),
    } as unknown as UseCaseGateway;
    const onError = (error: unknown): void => void this.errors.push(error);
    this.alerts = new AlertManager({
      store: this.store,
      clock,
      directory: {},
      useCases: [this.useCase],
      admins: [],
      show: alertBoard(this.notices),
      onError,
    });
    this.#notifiers = new Notifiers({
      store: this.store,
      clock,
      gateway,
      changes: this.#changes,
      notices: this.notices,
      alerts: this.alerts,
      useCases: [this.useCase],
      team: 'T',
      files: {
        deliver: async ({ files, channel, thread, comment }) => {
          for (const { path, name, title } of files)
            this.files.push({ channel, thread, name, title, comment, text: await readFile(path, 'utf8') });
          return { shared: Promise.resolve(true) };
        },
      },
      refresher: { refreshNow: async () => {} },
      ticker: () => ({ stop: () => {} }),
      pauses: [],
      perSecond: 10_000,
      onError,
    });
    this.ingest = new Ingest({
      store: this.store,
      clock,
      useCases: [this.useCase],
      log: SILENT,
      backoff: [0, 0],
    });
    this.#notifiers.attach(this.ingest);
    attachReports({ store: this.store, clock, alerts: this.alerts, notices: this.notices }, this.ingest);
    this.#notifiers.start();
    await this.ingest.start();
    await this.settle();
  }

  async #end(): Promise<void> {
    await this.ingest.stop();
    await this.#notifiers.stop();
    await this.store.close();
  }
}
