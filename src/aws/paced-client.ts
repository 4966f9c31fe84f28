/** Requests of which an account may make a few a second, whoever in it makes them: they wait for their turn. */

import { KeyQueue } from '../ground/key-queue.ts';
import { pause } from '../ground/pause.ts';
import type { Budgets, Rate } from '../ports/budgets.ts';

/**
 * SageMaker's lists, and whatever changes something. AWS publishes no rates for SageMaker and Greengrass; about two a
 * second is what accounts see, so some is left for others: consoles, pipelines, other tools.
 */
const LIST: Rate = { perSecond: 1.5, burst: 2 };
/** Lists of one job's parts, descriptions of clusters, Greengrass' lists: the same, and about five. */
const PARTS: Rate = { perSecond: 4, burst: 4 };
/** Of other descriptions ten; one of a job of the Job API takes as many as there are categories. */
const DESCRIPTION: Rate = { perSecond: 8, burst: 8 };
/** About twenty, and nobody else looks at whole fleets: two for each device. */
const DEVICE: Rate = { perSecond: 18, burst: 18 };

/** By operation; of one account in one region. */
export const RATES: Readonly<Record<string, Rate>> = {
  CreateTrainingJob: LIST,
  CreateCompilationJob: LIST,
  StopTrainingJob: LIST,
  StopCompilationJob: LIST,
  StopProcessingJob: LIST,
  StopTransformJob: LIST,
  StopHyperParameterTuningJob: LIST,
  StopPipelineExecution: LIST,
  StopJob: LIST,
  ListTags: DESCRIPTION,
  DescribeTrainingJob: DESCRIPTION,
  DescribeCompilationJob: DESCRIPTION,
  DescribeProcessingJob: DESCRIPTION,
  DescribeTransformJob: DESCRIPTION,
  DescribeHyperParameterTuningJob: DESCRIPTION,
  DescribePipelineExecution: DESCRIPTION,
  DescribeEndpoint: DESCRIPTION,
  DescribeNotebookInstance: DESCRIPTION,
  ListComponents: PARTS,
  ListComponentVersions: DESCRIPTION,
  ListCoreDevices: PARTS,
  ListInstalledComponents: DEVICE,
  ListEffectiveDeployments: DEVICE,
  GetDeployment: DESCRIPTION,
  DescribeComponent: DESCRIPTION,
  CreateComponentVersion: LIST,
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
  DescribeJob: DESCRIPTION,
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
