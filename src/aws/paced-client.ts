/** Requests of which an account may make a few a second, whoever in it makes them: they wait for their turn. */

import { KeyQueue } from '../ground/key-queue.ts';
import { pause } from '../ground/pause.ts';
import type { Budgets, Rate } from '../ports/budgets.ts';

/**
 * SageMaker's lists. AWS publishes no rates for them; about two a second is what accounts see, so some is left for
 * others: consoles, pipelines, other tools.
 */
const LIST: Rate = { perSecond: 1.5, burst: 2 };
/** Lists of one job's parts, and descriptions of clusters: the same, and about five. */
const PARTS: Rate = { perSecond: 4, burst: 4 };
/** Of other descriptions ten; one of a job of the Job API takes as many as there are categories. */
const BY_CATEGORY: Rate = { perSecond: 8, burst: 8 };

const RATES: Readonly<Record<string, Rate>> = {
  ListTrainingJobs: LIST,
  ListProcessingJobs: LIST,
  ListTransformJobs: LIST,
  ListHyperParameterTuningJobs: LIST,
  ListCompilationJobs: LIST,
  ListPipelines: LIST,
  ListPipelineExecutions: LIST,
  ListEndpoints: LIST,
  ListNotebookInstances: LIST,
  ListClusters: LIST,
  ListJobs: LIST,
  ListTrainingJobsForHyperParameterTuningJob: PARTS,
  ListPipelineExecutionSteps: PARTS,
  DescribeCluster: PARTS,
  DescribeJob: BY_CATEGORY,
};
/** What the background leaves for people who wait. */
const LEFT = 1;
/** Milliseconds without such requests after AWS has refused one: others have used up what there was. */
const HELD = 1_000;

/** As much as is needed of a client of any version of the SDK. */
interface SdkClient {
  middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<unknown>,
        context: { commandName?: string },
      ) => (args: never) => Promise<unknown>,
      options: { step: 'finalizeRequest'; name: string; priority: 'normal'; override: true },
    ): void;
  };
}

export class RequestPaces {
  readonly #budgets: Budgets | undefined;
  /** Whoever came first is the first to go; the background does not stand before people. */
  readonly #queue = new KeyQueue<string>();

  /** @param budgets left out: nobody waits */
  constructor(budgets?: Budgets) {
    this.#budgets = budgets;
  }

  /**
   * The same client, whose requests wait. Inside the SDK's retries, for AWS counts each try.
   * @param place account and region
   */
  paced<T>(client: T, place: string, { inBackground }: { inBackground: boolean }): T {
    const budgets = this.#budgets;
    if (!budgets) return client;
    (client as SdkClient).middlewareStack.add(
      (next, { commandName = '' }) => {
        const operation = commandName.replace(/Command$/, '');
        const rate = RATES[operation];
        if (!rate) return next;
        const name = `aws ${place} ${operation}`;
        return async (args) => {
          await this.#turn(budgets, name, rate, inBackground ? LEFT : 0);
          try {
            return await next(args);
          } catch (error) {
            if (/Throttl|TooManyRequests/.test((error as Partial<Error>).name ?? ''))
              await budgets.hold(name, HELD).catch(() => undefined);
            throw error;
          }
        };
      },
      { step: 'finalizeRequest', name: 'signalboxPace', priority: 'normal', override: true },
    );
    return client;
  }

  #turn(budgets: Budgets, name: string, rate: Rate, left: number): Promise<void> {
    return this.#queue.run(`${left} ${name}`, async () => {
      for (;;) {
        // A budget that cannot be asked keeps nobody waiting: AWS itself refuses what is too much.
        const { taken, wait } = await budgets.take(name, rate, { left }).catch(() => ({ taken: 1, wait: 0 }));
        if (taken > 0) return;
        await pause(wait);
      }
    });
  }
}
