/** HTTP mode: the workspace posts to the app's request URLs, signed with the signing secret. */
import { createHmac } from 'node:crypto';
import type { Json } from '../block-kit/schema.ts';
import type { Clock } from '../time.ts';
import type { Answer, AppLink, Delivery } from './app-link.ts';
import { parseJson } from './http.ts';

export interface RequestUrls {
  events?: string | undefined;
  interactivity?: string | undefined;
  options?: string | undefined;
  /** By command; `interactivity`'s stands in. */
  commands: ReadonlyMap<string, string>;
}

export class HttpMode implements AppLink {
  readonly #clock: Clock;
  readonly #signingSecret: string;
  readonly #token: string;
  readonly #urls: RequestUrls;
  readonly #ended = new AbortController();

  constructor(clock: Clock, signingSecret: string, token: string, urls: RequestUrls) {
    this.#clock = clock;
    this.#signingSecret = signingSecret;
    this.#token = token;
    this.#urls = urls;
  }

  /** A request URL is set; whether somebody listens there shows at the first delivery. */
  get connected(): boolean {
    return (
      this.#urls.events !== undefined ||
      this.#urls.interactivity !== undefined ||
      this.#urls.commands.size > 0
    );
  }

  /**
   * What Slack does when a request URL is entered: a signed challenge that must come back.
   * @returns undefined when it did, else what was wrong
   */
  async verify(url: string, timeoutMs: number): Promise<string | undefined> {
    const challenge = createHmac('sha256', this.#signingSecret)
      .update(String(this.#clock.now()))
      .digest('hex');
    const body = JSON.stringify({ token: this.#token, challenge, type: 'url_verification' });
    try {
      const response = await this.#post(url, body, 'application/json', {}, timeoutMs);
      const text = await response.text();
      const parsed = parseJson(text) as Json | undefined;
      if (response.ok && (text.trim() === challenge || parsed?.challenge === challenge)) return undefined;
      return `Your URL didn't respond with the value of the challenge parameter (status ${response.status}).`;
    } catch (error) {
      return `Your URL could not be reached: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  async deliver(delivery: Delivery, timeoutMs: number): Promise<Answer> {
    const url = this.#urlFor(delivery);
    if (url === undefined) return { kind: 'unconnected' };
    const [body, type] = encode(delivery);
    const retry: Record<string, string> = delivery.retry
      ? { 'x-slack-retry-num': String(delivery.retry.num), 'x-slack-retry-reason': delivery.retry.reason }
      : {};
    try {
      const response = await this.#post(url, body, type, retry, timeoutMs);
      const text = await response.text();
      if (!response.ok) return { kind: 'refused', status: response.status };
      if (text === '') return { kind: 'acked', body: undefined };
      const isJson = (response.headers.get('content-type') ?? '').includes('json');
      return { kind: 'acked', body: isJson ? parseJson(text) : text };
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === 'TimeoutError';
      return { kind: isTimeout ? 'timeout' : 'unconnected' };
    }
  }

  async close(): Promise<void> {
    this.#ended.abort();
  }

  #urlFor({ type, payload }: Delivery): string | undefined {
    if (type === 'events_api') return this.#urls.events;
    if (type === 'slash_commands') {
      return this.#urls.commands.get(String(payload.command)) ?? this.#urls.interactivity;
    }
    if (payload.type === 'block_suggestion') return this.#urls.options ?? this.#urls.interactivity;
    return this.#urls.interactivity;
  }

  #post(url: string, body: string, type: string, headers: Json, timeoutMs: number): Promise<Response> {
    const timestamp = Math.floor(this.#clock.now() / 1000);
    const signature = createHmac('sha256', this.#signingSecret)
      .update(`v0:${timestamp}:${body}`)
      .digest('hex');
    return fetch(url, {
      method: 'POST',
      body,
      redirect: 'manual',
      headers: {
        'content-type': type,
        'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        'x-slack-request-timestamp': String(timestamp),
        'x-slack-signature': `v0=${signature}`,
        ...(headers as Record<string, string>),
      },
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#ended.signal]),
    });
  }
}

/** Events are JSON, commands are a form, everything else is JSON in a form. */
function encode({ type, payload }: Delivery): [body: string, contentType: string] {
  if (type === 'events_api') return [JSON.stringify(payload), 'application/json'];
  const fields =
    type === 'slash_commands'
      ? Object.entries(payload).map(([key, value]): [string, string] => [key, String(value)])
      : [['payload', JSON.stringify(payload)] as [string, string]];
  return [new URLSearchParams(fields).toString(), 'application/x-www-form-urlencoded'];
}
