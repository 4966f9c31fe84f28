/**
 * Whether an answer came from Slack. Slack's own client (@slack/web-api 8.2.0) takes a proxy's page for a refusal with
 * the page as its code, and a 429 without a number of seconds for a permanent failure.
 */

import { observed } from '../ground/observed.ts';

/** Seconds to wait after a 429 that does not say how many. */
const OWN_WAIT = 5;
/** The most seconds to wait before asking again, whatever a proxy says. */
const LONGEST_WAIT = 3600;

/** What Slack's error codes look like. */
export const SLACK_CODE = /^[a-z][a-z0-9_]{0,80}$/;

/** Something other than Slack answered. Nobody knows whether Slack received the call. */
export class NotSlacksAnswer extends Error {
  override readonly name = 'NotSlacksAnswer';
  readonly code = 'not_slacks_answer';

  /** @param what `HTTP 200 with 312 bytes of text/html` */
  constructor(what: string) {
    super(`the answer is not Slack's: ${what}`);
  }
}

/** `fetch` for Slack's clients. @throws NotSlacksAnswer for a 200 that Slack did not send, which counts as no answer */
export const slackFetch = (...args: Parameters<typeof fetch>): Promise<Response> =>
  observed({ kind: 'slack', name: methodOf(args[0]) }, () => judgedFetch(...args), {
    result: ({ status }) => ({
      outcome:
        status === 429 ? 'throttled' : status < 400 ? 'ok' : status < 500 ? 'refused' : 'service_error',
    }),
    error: (error) => (error instanceof NotSlacksAnswer ? 'not_slack' : 'no_answer'),
  });

/** `chat.postMessage`; `file` for the addresses that uploads go to. */
export function methodOf(address: Parameters<typeof fetch>[0]): string {
  const { pathname } = new URL(address instanceof Request ? address.url : address);
  return /\/([a-z]+(?:\.[a-zA-Z]+)+)$/.exec(pathname)?.[1] ?? 'file';
}

async function judgedFetch(...args: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...args);
  if (response.status === 429) return withSeconds(response);
  if (response.status !== 200) return response;
  const body = await response.text();
  if (!isSlacks(body)) throw new NotSlacksAnswer(describe(response, body));
  return new Response(body, { status: 200, headers: response.headers });
}

function isSlacks(body: string): boolean {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return false;
  }
  if (typeof answer !== 'object' || answer === null) return false;
  const { ok, error } = answer as { ok?: unknown; error?: unknown };
  return ok === true || (ok === false && typeof error === 'string' && SLACK_CODE.test(error));
}

/** Our own words, never the page's, which may say anything. */
function describe(response: Response, body: string): string {
  if (body === '') return 'HTTP 200 with nothing in it';
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(response.headers.get('content-type') ?? '')?.[0] ?? 'no type';
  return `HTTP 200 with ${Buffer.byteLength(body)} bytes of ${type}`;
}

async function withSeconds(response: Response): Promise<Response> {
  const given = response.headers.get('retry-after')?.trim() ?? '';
  const date = Date.parse(given);
  const seconds = /^\d+(?:\.\d+)?$/.test(given)
    ? Number(given)
    : Number.isNaN(date)
      ? OWN_WAIT
      : (date - Date.now()) / 1000;
  const headers = new Headers(response.headers);
  headers.set('retry-after', String(Math.min(LONGEST_WAIT, Math.max(1, Math.ceil(seconds)))));
  return new Response(await response.text(), { status: 429, headers });
}
