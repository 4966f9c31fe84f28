/**
 * Web API clients. One rate-limited answer pauses everything that goes through the same client, so what people
 * wait for, what only updates progress, and uploads each have their own.
 */
import { type LogLevel, webApi } from '@slack/bolt';
import type { Logger } from 'pino';
import { slackFetch } from './answers.ts';

export type WebClient = webApi.WebClient;

export interface SlackClients {
  /** Replies, modals, look-ups: few and short retries, because somebody waits. */
  interactive: WebClient;
  /** Edits of messages: a rate limit is thrown, and the budget of edits waits instead of the client. */
  edits: WebClient;
  /** What is done twice, or refused, when it is called twice: no call is repeated but by `once.ts`. */
  once: WebClient;
  /** Uploads: patient. */
  uploads: WebClient;
  /** Notifications: the outbox decides itself what is called again, since a repeated post is a second message. */
  outbox: WebClient;
}

export function createClients(options: {
  token: string;
  apiUrl?: string | undefined;
  logger: Logger;
}): SlackClients {
  const { WebClient } = webApi;
  const client = (name: string, extra: webApi.WebClientOptions): WebClient =>
    new WebClient(options.token, {
      ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
      logger: boltLogger(options.logger.child({ client: name })),
      timeout: 15_000,
      fetch: slackFetch,
      ...extra,
    });
  return {
    interactive: client('interactive', {
      retryConfig: { retries: 2, factor: 2, minTimeout: 300, maxTimeout: 1500 },
    }),
    edits: client('edits', {
      retryConfig: { retries: 2, factor: 2, minTimeout: 500, maxTimeout: 2000 },
      rejectRateLimitedCalls: true,
    }),
    once: client('once', { retryConfig: { retries: 0 }, rejectRateLimitedCalls: true }),
    uploads: client('uploads', {
      retryConfig: { retries: 6, factor: 2, minTimeout: 500, maxTimeout: 30_000 },
    }),
    outbox: client('outbox', { retryConfig: { retries: 0 }, rejectRateLimitedCalls: true }),
  };
}

/** Slack's packages log through this; their debug lines hold whole payloads, so those are dropped. */
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
