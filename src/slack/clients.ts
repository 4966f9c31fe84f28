/**
 * Web API clients. One rate-limited answer pauses everything that goes through the same client, so answers that people
 * wait for, progress updates and uploads each have their own.
 */
import { type LogLevel, webApi } from '@slack/bolt';
import type { Logger } from 'pino';
import { slackFetch } from './answers.ts';
import { whatCame } from './errors.ts';
import type { MethodBudgets } from './method-budgets.ts';

export type WebClient = webApi.WebClient;

/**
 * Milliseconds for a call of the outbox: three of them are how long nothing is sent when its instance has died. Slack
 * answers within one second or two; what it has posted later than this is found before it is posted again.
 */
export const OUTBOX_WITHIN = 6_000;

/**
 * Milliseconds that a request waits for its turn, and for what Slack asks to wait, before its client hears of a 429:
 * less than the client's timeout. A client that rejects such calls, or waits by itself, hears at once.
 */
const PATIENCE = 8_000;

export interface SlackClients {
  /** For finding out who the bot is at the start: reports failures at once. */
  start: WebClient;
  /** Replies, modals, lookups: few and short retries, because somebody waits. */
  interactive: WebClient;
  /** Edits and removals of messages: throws when rate-limited, and their budget waits instead of the client. */
  edits: WebClient;
  /** Calls that must not be made twice: only `once.ts` repeats them. */
  once: WebClient;
  /** Uploads: patient, but throws when rate-limited, as `edits`. */
  uploads: WebClient;
  /** Notifications: the outbox itself decides what to retry, since a repeated post is a second message. */
  outbox: WebClient;
}

export function createClients(options: {
  token: string;
  apiUrl?: string | undefined;
  logger: Logger;
  /** What all instances may call together. Left out: only Slack counts. */
  budgets?: MethodBudgets | undefined;
}): SlackClients {
  const { WebClient } = webApi;
  const client = (name: string, extra: webApi.WebClientOptions, patience = 0): WebClient =>
    new WebClient(options.token, {
      ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
      logger: boltLogger(options.logger.child({ client: name })),
      timeout: 15_000,
      fetch: options.budgets?.paced(slackFetch, patience) ?? slackFetch,
      ...extra,
    });
  return {
    start: client('start', {
      timeout: 5_000,
      retryConfig: retrying({ retries: 2, factor: 2, minTimeout: 1000 }, (error) =>
        options.logger.warn({ came: whatCame(error) }, 'Slack does not say who the bot is'),
      ),
    }),
    interactive: client(
      'interactive',
      {
        retryConfig: { retries: 2, factor: 2, minTimeout: 300, maxTimeout: 1500 },
        // What has to wait for longer than that is said to who waits. Waited for, it would hold up all other calls.
        rejectRateLimitedCalls: options.budgets !== undefined,
      },
      PATIENCE,
    ),
    edits: client('edits', {
      retryConfig: { retries: 2, factor: 2, minTimeout: 500, maxTimeout: 2000 },
      rejectRateLimitedCalls: true,
    }),
    once: client('once', { retryConfig: { retries: 0 }, rejectRateLimitedCalls: true }),
    uploads: client('uploads', {
      retryConfig: { retries: 6, factor: 2, minTimeout: 500, maxTimeout: 30_000 },
      rejectRateLimitedCalls: true,
    }),
    outbox: client('outbox', {
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      timeout: OUTBOX_WITHIN,
    }),
  };
}

/**
 * Reports every failed try. Slack's client passes its options to p-retry 4, which knows this one; its types do not.
 *
 * @param onFailure ends the tries by throwing
 */
export function retrying(
  options: NonNullable<webApi.WebClientOptions['retryConfig']>,
  onFailure: (error: Error) => void,
): NonNullable<webApi.WebClientOptions['retryConfig']> {
  const more = { ...options, onFailedAttempt: onFailure };
  return more;
}

/** Slack's packages log through this. Their debug lines are dropped, because they contain whole payloads. */
export function boltLogger(logger: Logger) {
  const words = (parts: unknown[]): string =>
    parts.map((part) => (part instanceof Error ? part.message : String(part))).join(' ');
  return {
    debug: (): void => {},
    info: (...parts: unknown[]): void => logger.debug(words(parts)),
    warn: (...parts: unknown[]): void => logger.warn(words(parts)),
    error: (...parts: unknown[]): void => logger.error(words(parts)),
    setLevel: (): void => {},
    setName: (): void => {},
    getLevel: (): LogLevel => 'info' as LogLevel,
  };
}
