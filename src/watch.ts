/**
 * The background watch: events in, looks at AWS, notifications out. However many of them run, one looks and sends at a
 * time: the one that holds the lease. The others take events in, handle their part of them, and stand by.
 */
import { eventsRoutes } from './events/https.ts';
import { Ingest } from './events/ingest.ts';
import { SqsPollers } from './events/sqs-pollers.ts';
import { CancelledError } from './ground/errors.ts';
import { pause, unlessAborted, untilAborted } from './ground/pause.ts';
import type { ReadinessCheck } from './http/health.ts';
import type { Lease } from './ports/coordination.ts';
import type { HttpRoutes } from './ports/http-routes.ts';
import { configuredUseCases, type RootOptions, type StopStep, stopInSteps, TOPICS } from './roots.ts';
import { SlackApi } from './slack/api.ts';
import { OUTBOX_WITHIN } from './slack/clients.ts';
import { WatchEvents } from './watch-events.ts';
import { beginTerm, type Term, type TermParts } from './watch-term.ts';

/** Milliseconds. A third of it is more than any call of the outbox takes: see ports/coordination.ts. */
const LEASE_FOR = 3 * OUTBOX_WITHIN + 2_000;
/** Milliseconds before the next try when the lease could not be asked for, or a term could not begin. */
const AGAIN_AFTER = 5_000;
const LEASE = 'watch';

/** In Slack. */
export interface BotIdentity {
  team: string;
  botUser: string;
}

export class Watch {
  /** For the server of the process. */
  readonly routes: readonly HttpRoutes[];
  readonly #options: RootOptions;
  readonly #slack: SlackApi;
  readonly #events: WatchEvents;
  readonly #queue: SqsPollers | undefined;
  readonly #stopping = new AbortController();
  #term: Term | undefined;
  #working: Promise<void> | undefined;

  constructor(options: RootOptions) {
    this.#options = options;
    const { config, logger, store, clock, coordination, budgets, pace } = options;
    const log = logger.child({ part: 'events' });
    // Whoever takes an event in stores it; who holds the lease handles it, or any (events/lines.ts).
    const intake = new Ingest({
      store,
      clock,
      useCases: configuredUseCases(config),
      log,
      stored: (id, kind) =>
        void coordination
          .wake(TOPICS.events, { id, kind })
          .catch((error: unknown) =>
            log.warn({ err: error }, 'nobody was told of an event: it is found all the same'),
          ),
    });
    this.#slack = new SlackApi({
      ...{ ...config.slack, ...pace, callInterval: pace?.editInterval },
      ...{ logger, clock, budgets, inBackground: true },
    });
    this.#events = new WatchEvents(options, this.#slack);
    this.#queue =
      config.events && new SqsPollers({ ...config.events, intake, log: logger.child({ part: 'queue' }) });
    this.routes =
      config.eventsSecret === undefined ? [] : [eventsRoutes({ intake, secret: config.eventsSecret, log })];
  }

  get checks(): readonly ReadinessCheck[] {
    return [
      { name: 'outbox', problem: () => this.#term?.outbox.problem() },
      { name: 'queue', problem: () => this.#queue?.problem() },
    ];
  }

  /**
   * Resolves when it works, or stands by for the one that does.
   * @param known who the bot is, where the process knows it already
   * @throws AppError unavailable when Slack does not accept the token; the signal's reason
   */
  async start(known?: BotIdentity, signal?: AbortSignal): Promise<BotIdentity> {
    const bot = known ?? (await this.#whoAmI(signal));
    const { team } = bot;
    const { coordination, logger } = this.#options;
    const first = await coordination.tryLease(LEASE, LEASE_FOR);
    if (first) this.#term = await this.#begin(first, team);
    else logger.info('another instance watches: standing by');
    this.#working = this.#work(team, first).catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) logger.fatal({ err: error }, 'the background watch has ended');
    });
    this.#events.start();
    this.#queue?.start();
    return bot;
  }

  async #whoAmI(signal: AbortSignal | undefined): Promise<BotIdentity> {
    const self = await unlessAborted(signal, this.#slack.whoAmI());
    return { team: self.team_id!, botUser: self.user_id! };
  }

  /** Nothing more comes in. */
  async stopIntake(): Promise<void> {
    await this.#queue?.stop();
  }

  /** Nothing more is asked and no event handled; what was found is told, and what can be sent is sent. */
  async stop(step: StopStep = stopInSteps(this.#options.logger)): Promise<void> {
    await step('the ways in', 0.15, this.stopIntake());
    await this.stopPolling(step);
    await this.stopTelling(step);
  }

  async stopPolling(step: StopStep): Promise<void> {
    this.#stopping.abort(new CancelledError('Signalbox is stopping'));
    await step('looks at jobs, and events', 0.25, this.#term?.stopPolling(), this.#events.stop());
  }

  async idle(): Promise<void> {
    await this.#term?.idle();
  }

  async stopTelling(step: StopStep): Promise<void> {
    await this.#term?.stopTelling(step);
    await this.#working;
  }

  /** One term after the other, for as long as it runs. */
  async #work(team: string, first: Lease | undefined): Promise<void> {
    const { coordination, logger, pace } = this.#options;
    const { signal } = this.#stopping;
    let lease = first;
    while (!signal.aborted) {
      try {
        lease ??= await coordination.lease(LEASE, LEASE_FOR, signal);
        this.#term ??= await this.#begin(lease, team);
        await untilAborted(AbortSignal.any([signal, lease.lost]));
        if (signal.aborted) break;
        logger.warn({ fence: lease.fence }, 'another instance watches from now on');
        await this.#term.leave();
      } catch (error) {
        if (signal.aborted) break;
        logger.error({ err: error }, 'watching could not begin, and is tried again');
        await lease?.release();
        await pause(pace?.watchAgain ?? AGAIN_AFTER, signal);
      }
      this.#term = undefined;
      lease = undefined;
    }
  }

  async #begin(lease: Lease, team: string): Promise<Term> {
    const { coordination, store, ...options } = this.#options;
    const parts: TermParts = {
      ...options,
      coordination,
      lease,
      team,
      // From here on nobody who had the lease before changes anything.
      store: await store.under({ lease: lease.name, fence: lease.fence }),
      slack: this.#slack,
    };
    return beginTerm(parts);
  }
}
