/** The two ways in: sockets that the bot opens, and signed requests that Slack sends. */
import type { IncomingMessage } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type App, HTTPReceiver, type Receiver, SocketModeReceiver } from '@slack/bolt';
import { type Context, Hono } from 'hono';
import type { Logger } from 'pino';
import { AppError } from '../ground/errors.ts';
import type { HttpEnv, HttpRoutes } from '../ports/http-routes.ts';
import type { OnceStore } from '../ports/once-store.ts';
import { slackFetch } from './answers.ts';
import { boltLogger, retrying } from './clients.ts';
import { whatCame } from './errors.ts';
import {
  type AcceptedRequest,
  isAddressCheck,
  isCommand,
  type RequestRefusal,
  rememberForAll,
  SignedRequests,
} from './signed-requests.ts';
import { withTimedAcks } from './timed-acks.ts';

export interface Intake extends Receiver {
  /** The current problem; undefined if there is none. */
  problem(): string | undefined;
}

/**
 * Every few hours Slack closes a socket before the next one is open, and commands in those seconds are lost. Two sockets
 * are hardly ever refreshed at the same time, and Slack sends each payload to one of them.
 */
const SOCKETS = 2;
/** Milliseconds from a socket's address to Slack's first word over it; the client of @slack/socket-mode 3.1 waits minutes. */
const HELLO_WITHIN = 10_000;

export class SocketIntake implements Intake {
  readonly #receivers: SocketModeReceiver[];
  readonly #connected = new Set<number>();
  readonly #log: Logger;
  /** The latest failure to open a socket. */
  #came: string | undefined;
  #stopped = false;

  /** @param options.helloWithin see `HELLO_WITHIN` */
  constructor(options: {
    appToken: string;
    apiUrl?: string | undefined;
    log: Logger;
    helloWithin?: number;
  }) {
    this.#log = options.log;
    this.#receivers = Array.from({ length: SOCKETS }, (_, index) => {
      const receiver = new SocketModeReceiver({
        appToken: options.appToken,
        logger: boltLogger(options.log.child({ socket: index + 1 })),
        installerOptions: {
          clientOptions: {
            ...(options.apiUrl === undefined ? {} : { slackApiUrl: options.apiUrl }),
            fetch: retryableFetch,
            timeout: 10_000,
            // For as long as Slack is down: a bot that gives up would have to be restarted by hand.
            retryConfig: retrying(
              { forever: true, retries: 1000, factor: 1.5, minTimeout: 500, maxTimeout: 15_000 },
              (error) => this.#noAddress(error, options.apiUrl),
            ),
          },
        },
      });
      this.#watch(receiver, index, options.helloWithin ?? HELLO_WITHIN);
      return receiver;
    });
  }

  #watch({ client }: SocketModeReceiver, index: number, helloWithin: number): void {
    let hello: NodeJS.Timeout | undefined;
    let address = '';
    let isGivenUp = false;
    client.on('authenticated', ({ url }: { url: string }) => {
      // Without its query, which is a ticket that opens the socket.
      address = URL.canParse(url)
        ? `${new URL(url).protocol}//${new URL(url).host}`
        : 'an address that is none';
      isGivenUp = false;
      clearTimeout(hello);
      hello = setTimeout(() => {
        isGivenUp = true;
        this.#noSocket(`${address} → no answer in time`);
        // Not public. The client's `disconnect()` is final, but this makes it request another address.
        (client as unknown as { websocket?: { disconnect(): void } }).websocket?.disconnect();
      }, helloWithin).unref();
    });
    // Its reconnecting start catches nothing, and goes on although `disconnect()` was called while it had no address yet.
    const start = client.start.bind(client);
    client.start = () =>
      start().catch((error: unknown) => {
        if (!this.#stopped) throw error;
        return { ok: false };
      });
    client.on('connecting', () => {
      if (this.#stopped) setImmediate(() => void client.disconnect());
    });
    client.on('connected', () => {
      clearTimeout(hello);
      this.#connected.add(index);
      this.#came = undefined;
    });
    client.on('error', () => {
      // The client's WebSocket does not say what failed (undici 7.30): its message is empty.
      if (!this.#connected.has(index) && !isGivenUp) this.#noSocket(`${address} → the connection failed`);
    });
    for (const event of ['close', 'disconnected', 'reconnecting'])
      client.on(event, () => {
        clearTimeout(hello);
        this.#connected.delete(index);
      });
  }

  init(app: App): void {
    for (const receiver of this.#receivers) receiver.init(withTimedAcks(app));
  }

  /** @throws what was thrown, once nobody wants a socket any more */
  #noAddress(error: Error, apiUrl = 'https://slack.com/api/'): void {
    if (this.#stopped) throw error;
    this.#noSocket(`${new URL('apps.connections.open', apiUrl).href} → ${whatCame(error)}`);
  }

  /** Logged when it changes, not at every try. */
  #noSocket(came: string): void {
    if (this.#stopped) return;
    if (came !== this.#came)
      this.#log.warn({ asked: came }, 'no socket to Slack could be opened; trying again');
    this.#came = came;
  }

  /** @throws AppError unavailable when Slack refuses the app token */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#receivers.map((receiver) => receiver.start()));
    } catch (error) {
      await this.stop();
      throw new AppError('unavailable', 'No socket to Slack could be opened.', {
        hint: 'SLACK_APP_TOKEN must be an app-level token (xapp-…) with the scope connections:write, and Socket Mode must be on in the app’s settings.',
        cause: error,
      });
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.allSettled(this.#receivers.map((receiver) => receiver.stop()));
    this.#connected.clear();
  }

  problem(): string | undefined {
    if (this.#connected.size > 0) return undefined;
    return `no socket to Slack is open${this.#came === undefined ? '' : `: ${this.#came}`}`;
  }
}

/** Slack's own client gives up for good on a 5xx, but retries a network error. */
async function retryableFetch(...args: Parameters<typeof fetch>): Promise<Response> {
  const response = await slackFetch(...args);
  if (response.status >= 500) {
    await response.body?.cancel();
    throw new TypeError(`HTTP ${response.status}`);
  }
  return response;
}

const EVENTS_PATH = '/slack/events';
/** Bytes; Slack's largest body, a modal with everything in it, is a quarter of this. */
const BODY_LIMIT = 1024 * 1024;
/** Milliseconds for a body to arrive. */
const BODY_WITHIN = 10_000;

export interface HttpIntakeOptions {
  signingSecret: string;
  log: Logger;
  /** Knows which requests were taken, by whichever instance. */
  store: OnceStore;
  /** Milliseconds for that; see `rememberForAll`. */
  knownWithin?: number | undefined;
}

export class HttpIntake implements Intake {
  /** For the server that others share. */
  readonly routes: HttpRoutes;
  readonly #receiver: HTTPReceiver;
  readonly #requests: SignedRequests;
  readonly #options: HttpIntakeOptions;
  readonly #log: Logger;
  #open = false;

  constructor(options: HttpIntakeOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#requests = new SignedRequests(options);
    this.#receiver = new HTTPReceiver({
      signingSecret: options.signingSecret,
      endpoints: [EVENTS_PATH],
      logger: boltLogger(options.log),
    });
    this.routes = new Hono<HttpEnv>().post(EVENTS_PATH, (c) =>
      this.#guard(c).catch((error: unknown) => {
        this.#log.warn({ err: error }, 'a request could not be read');
        return refusal(c, 400, 'The request could not be read.');
      }),
    );
  }

  /** Only requests that Slack signed just now, and for the first time, reach Bolt; all others are answered here. */
  async #guard(c: Context<HttpEnv>): Promise<Response> {
    const { incoming, outgoing } = c.env;
    // Before it is checked, so that a retry counts as the first time.
    if (!this.#open) return refusal(c, 503, 'The bot is starting or stopping.');
    const body = await readBody(incoming);
    if (body === 'too large') return refusal(c, 413, `Expected at most ${BODY_LIMIT} bytes.`);
    if (body === 'too slow') return refusal(c, 408, 'The body took too long to arrive.');
    if (isAddressCheck(incoming.headers['content-type'], body)) return c.body(null, 200);
    const accepted = await this.#accept(incoming, body);
    if ('why' in accepted) {
      this.#log.warn(
        { status: accepted.status, why: accepted.why },
        'a request to Slack’s address was refused',
      );
      if (accepted === NOT_KNOWN && isCommand(incoming.headers['content-type'], body)) return notNow(c);
      return refusal(c, accepted.status, `Refused: ${accepted.why}.`);
    }
    // Bolt answers by itself. It accepts a body that was already read, and checks the signature once more.
    this.#receiver.requestListener(Object.assign(incoming, { rawBody: body }), outgoing);
    return RESPONSE_ALREADY_SENT;
  }

  /** First by what this process knows, which costs nothing, then by what all of them do. */
  async #accept(request: IncomingMessage, body: Buffer): Promise<AcceptedRequest | RequestRefusal> {
    const accepted = this.#requests.accept(request.headers, body);
    if ('why' in accepted) return accepted;
    const known = await rememberForAll(this.#options.store, accepted, this.#options.knownWithin);
    if (known === 'first') return accepted;
    if (known === 'repeated') return REPEATED;
    // Nobody did anything with it, so it may come again.
    this.#requests.forget(accepted.signature);
    this.#log.warn({ err: known.unknown }, 'whether a request was received before is not known');
    return NOT_KNOWN;
  }

  init(app: App): void {
    this.#receiver.init(withTimedAcks(app));
  }

  async start(): Promise<void> {
    this.#open = true;
  }

  /** Acknowledged requests continue; Slack retries what comes from now on. */
  async stop(): Promise<void> {
    this.#open = false;
  }

  problem(): string | undefined {
    return this.#open ? undefined : 'not taking Slack’s requests';
  }
}

const REPEATED: RequestRefusal = { status: 409, why: 'this very request was received before' };
const NOT_KNOWN: RequestRefusal = {
  status: 503,
  why: 'whether it was received before cannot be looked up for now',
};

/** Slack sends no command again, and shows nothing of a refusal but that it failed. */
const notNow = (c: Context<HttpEnv>): Response =>
  c.json({
    response_type: 'ephemeral',
    text: 'Signalbox’s database does not answer now. Try again in a minute.',
  });

function refusal(c: Context<HttpEnv>, status: 400 | 401 | 408 | 409 | 413 | 503, message: string): Response {
  return c.text(`${message}\n`, status, {
    'content-type': 'text/plain; charset=utf-8',
    // The same request would be refused again, but one that was received before: Slack signs each try anew.
    ...(status === 503 || status === 409 ? {} : { 'x-slack-no-retry': '1' }),
    // The rest of an unread body must not be taken for the next request.
    ...(c.env.incoming.complete ? {} : { connection: 'close' }),
  });
}

function readBody(request: IncomingMessage): Promise<Buffer | 'too large' | 'too slow'> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(resolve, BODY_WITHIN, 'too slow');
    timer.unref();
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_LIMIT) resolve('too large');
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection was closed before the body had arrived'));
    });
  });
}
