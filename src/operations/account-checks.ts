/**
 * Asks AWS and the other providers about everything that is due, at each account's pace and never twice at once for the
 * same thing, and records the answers.
 */

import PQueue from 'p-queue';
import { backgroundActor } from '../domain/background-actor.ts';
import { isSageMakers, type ProviderName } from '../domain/providers.ts';
import { quotaKey, type UseCase } from '../domain/use-cases.ts';
import { elapsed } from '../ground/elapsed.ts';
import { toAppError } from '../ground/errors.ts';
import { SingleFlight } from '../ground/key-queue.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { PollPace } from './poll-pace.ts';

/** Something to ask about. */
export interface Check {
  key: string;
  useCase: UseCase;
  /** Whom to ask; left out: AWS. */
  provider?: ProviderName;
  /** The training job that it belongs to; left out: a list. */
  job?: string;
  operation: 'comp' | 'pkg' | 'logs';
  doing: string;
  /** @returns milliseconds until the next check; undefined: as usual */
  ask: (session: UseCaseSession, at: EpochMs, signal: AbortSignal) => Promise<number | undefined>;
  /** After an error: milliseconds until the next try. Left out, or undefined: as usual. */
  again?: ((error: unknown) => number | undefined) | undefined;
  /** There was no answer. */
  fail: (failed: { at: EpochMs; message: string }) => Promise<unknown>;
}

/** For the log: failures in the background. */
export type OnError = (
  error: unknown,
  context: { useCase?: string; subject?: string; doing: string },
) => void;

export interface AccountChecksOptions {
  gateway: UseCaseGateway;
  clock: Clock;
  /** Slack team: the background's role sessions carry it. */
  team: string;
  signal: AbortSignal;
  onError: OnError;
  /** A check has ended. @param wait as returned by `ask`, or because the account did not let us in */
  done?: (check: Check, wait: number | undefined) => void;
}

/** Milliseconds before the next try if the account does not let us in. */
const CLOSED_FOR = 60_000;
/** Requests at the same time in one account. */
const AT_ONCE = 4;

interface Account {
  pace: PollPace;
  queue: PQueue;
}

export class AccountChecks {
  readonly #options: AccountChecksOptions;
  readonly #accounts = new Map<string, Account>();
  readonly #busy = new SingleFlight<string>();

  constructor(options: AccountChecksOptions) {
    this.#options = options;
  }

  isUnderWay({ key }: Check): boolean {
    return this.#busy.has(key);
  }

  /** Resolves when nothing is in progress. */
  idle(): Promise<void> {
    return this.#busy.idle();
  }

  /** Begins as many, in order, as each account's pace allows now. */
  begin(checks: readonly Check[]): void {
    const now = elapsed(this.#options.clock);
    const byAccount = new Map<Account, Check[]>();
    for (const check of checks) {
      const account = this.#account(check);
      byAccount.set(account, [...(byAccount.get(account) ?? []), check]);
    }
    const sessions = new Map<string, Sessions>();
    for (const [account, waiting] of byAccount) {
      const free = account.queue.size === 0 ? account.pace.take(waiting.length, now) : 0;
      for (const check of waiting.slice(0, free)) {
        const { id } = check.useCase;
        if (!sessions.has(id)) sessions.set(id, this.#sessions(check.useCase));
        void this.#once(check, sessions.get(id)!, account);
      }
    }
  }

  /** Begins all of them now, because somebody waits; later ones wait their turn. Joins running checks; does not throw. */
  async now(useCase: UseCase, checks: readonly Check[]): Promise<void> {
    const sessions = this.#sessions(useCase);
    await Promise.all(
      checks.map((check) => {
        const account = this.#account(check);
        if (!this.isUnderWay(check)) account.pace.spend(elapsed(this.#options.clock));
        return this.#once(check, sessions, account);
      }),
    );
  }

  report(error: unknown, { useCase, job, doing }: Check): void {
    const subject = job === undefined ? {} : { subject: job };
    this.#options.onError(error, { useCase: useCase.id, ...subject, doing });
  }

  /** Each provider has its own pace, so that a slow or busy one does not delay another. */
  #account({ useCase, provider = 'sagemaker' }: Check): Account {
    const key = isSageMakers(provider) ? quotaKey(useCase) : JSON.stringify([useCase.id, provider]);
    let known = this.#accounts.get(key);
    if (!known) {
      known = {
        pace: new PollPace(elapsed(this.#options.clock)),
        queue: new PQueue({ concurrency: AT_ONCE }),
      };
      this.#accounts.set(key, known);
    }
    return known;
  }

  #sessions(useCase: UseCase): Sessions {
    const { gateway, team } = this.#options;
    return new Sessions((operation) => gateway.open(useCase, backgroundActor(team), operation));
  }

  #once(check: Check, sessions: Sessions, account: Account): Promise<void> {
    return this.#busy.run(check.key, () => account.queue.add(() => this.#ask(check, sessions, account)));
  }

  async #ask(check: Check, sessions: Sessions, { pace }: Account): Promise<void> {
    const { signal, clock } = this.#options;
    if (signal.aborted) return;
    const at = clock.now();
    let wait: number | undefined = CLOSED_FOR;
    try {
      const session = await sessions.open(check.operation);
      wait = undefined;
      wait = await check.ask(session, at, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = toAppError(thrown);
      if (error.code === 'rate_limited') pace.refused(elapsed(clock));
      wait ??= check.again?.(error);
      this.report(error, check);
      // All it records is that there was no answer.
      await check
        .fail({ at, message: error.message })
        .catch((failure: unknown) => this.report(failure, check));
    } finally {
      this.#options.done?.(check, wait);
    }
  }
}

/** One role session per operation and round; if it cannot be opened, it is not tried again for every check. */
class Sessions {
  readonly #open: (operation: Check['operation']) => Promise<UseCaseSession>;
  readonly #opened = new Map<Check['operation'], Promise<UseCaseSession>>();

  constructor(open: (operation: Check['operation']) => Promise<UseCaseSession>) {
    this.#open = open;
  }

  open(operation: Check['operation']): Promise<UseCaseSession> {
    let session = this.#opened.get(operation);
    if (!session) {
      session = this.#open(operation);
      this.#opened.set(operation, session);
    }
    return session;
  }
}
