/** The two ways in: sockets that the bot opens, or signed requests that Slack sends. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, HTTPReceiver, type Receiver, SocketModeReceiver } from '@slack/bolt';
import type { Logger } from 'pino';
import { AppError } from '../ground/errors.ts';
import { slackFetch } from './answers.ts';
import { boltLogger, retrying } from './clients.ts';
import { whatCame } from './errors.ts';
import { isAddressCheck, SignedRequests } from './signed-requests.ts';

/** As Bolt and `http/` both have it. */
export interface HttpRoute {
  path: string;
  method: string;
  handler(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse): void;
}

export interface Intake extends Receiver {
  /** What keeps things from coming in now; undefined when they do. */
  problem(): string | undefined;
}

/**
 * Slack closes a socket every few hours before the next one is open, which takes seconds in which a command is
 * lost. Two sockets are hardly ever refreshed at once, and Slack sends each payload to one of them.
 */
const SOCKETS = 2;
/** Milliseconds from a socket's address to Slack's first word over it; the client of @slack/socket-mode 3.1 waits minutes. */
const HELLO_WITHIN = 10_000;

export class SocketIntake implements Intake {
  readonly #receivers: SocketModeReceiver[];
  readonly #connected = new Set<number>();
  readonly #log: Logger;
  /** What came back last instead of a socket. */
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
            // For as long as Slack is away: a bot that gives up would have to be restarted by somebody.
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
      // Without what stands behind it: a ticket that opens the socket.
      address = URL.canParse(url)
        ? `${new URL(url).protocol}//${new URL(url).host}`
        : 'an address that is none';
      isGivenUp = false;
      clearTimeout(hello);
      hello = setTimeout(() => {
        isGivenUp = true;
        this.#noSocket(`${address} → no answer in time`);
        // Not public; `disconnect()` of the client is for ever, and this makes it ask for another address.
        (client as unknown as { websocket?: { disconnect(): void } }).websocket?.disconnect();
      }, helloWithin).unref();
    });
    client.on('connected', () => {
      clearTimeout(hello);
      this.#connected.add(index);
      this.#came = undefined;
    });
    client.on('error', () => {
      // The client's WebSocket says of no failure what it was (undici 7.30): its message is empty.
      if (!this.#connected.has(index) && !isGivenUp) this.#noSocket(`${address} → the connection failed`);
    });
    for (const event of ['close', 'disconnected', 'reconnecting'])
      client.on(event, () => {
        clearTimeout(hello);
        this.#connected.delete(index);
      });
  }

  init(app: App): void {
    for (const receiver of this.#receivers) receiver.init(app);
  }

  /** @throws what was thrown, once nobody wants a socket any more */
  #noAddress(error: Error, apiUrl = 'https://slack.com/api/'): void {
    if (this.#stopped) throw error;
    this.#noSocket(`${new URL('apps.connections.open', apiUrl).href} → ${whatCame(error)}`);
  }

  /** Said when it is news, not at each of the tries. */
  #noSocket(came: string): void {
    if (this.#stopped) return;
    if (came !== this.#came)
      this.#log.warn({ asked: came }, 'no socket to Slack could be opened; trying again');
    this.#came = came;
  }

  /** @throws AppError unavailable when Slack does not accept the app token */
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
    // A socket that is being opened anew waits for this event, and what it throws then nobody catches.
    for (const { client } of this.#receivers) client.removeAllListeners('disconnected');
    await Promise.allSettled(this.#receivers.map((receiver) => receiver.stop()));
    this.#connected.clear();
  }

  problem(): string | undefined {
    if (this.#connected.size > 0) return undefined;
    return `no socket to Slack is open${this.#came === undefined ? '' : `: ${this.#came}`}`;
  }
}

/** Slack's own client gives up on a 5xx for good; as a network error it is tried again. */
async function retryableFetch(...args: Parameters<typeof fetch>): Promise<Response> {
  const response = await slackFetch(...args);
  if (response.status >= 500) {
    await response.body?.cancel();
    throw new TypeError(`HTTP ${response.status}`);
  }
  return response;
}

const EVENTS_PATH = '/slack/events';
/** Bytes; the largest of Slack's, a window with all that is in it, has a quarter of it. */
const BODY_LIMIT = 1024 * 1024;
/** Milliseconds for a body to arrive. */
const BODY_WITHIN = 10_000;

export class HttpIntake implements Intake {
  readonly #receiver: HTTPReceiver;
  readonly #port: number;
  readonly #requests: SignedRequests;
  readonly #log: Logger;
  #listening: number | undefined;

  constructor(options: { signingSecret: string; port: number; routes: readonly HttpRoute[]; log: Logger }) {
    this.#port = options.port;
    this.#log = options.log;
    this.#requests = new SignedRequests(options);
    this.#receiver = new HTTPReceiver({
      signingSecret: options.signingSecret,
      endpoints: [EVENTS_PATH],
      customRoutes: options.routes.map((route) => ({ ...route, path: route.path, method: route.method })),
      logger: boltLogger(options.log),
    });
    const bolt = this.#receiver.requestListener;
    this.#receiver.requestListener = (request, response) => {
      const path = pathOf(request.url);
      if (path === undefined) return refuse(response, 400, 'The address cannot be read.');
      if (path !== EVENTS_PATH || request.method !== 'POST') return bolt(request, response);
      this.#guard(request, response, bolt).catch((error: unknown) => {
        this.#log.warn({ err: error }, 'a request could not be read');
        refuse(response, 400, 'The request could not be read.');
      });
    };
  }

  /** Only what Slack signed, now and for the first time, comes to Bolt; everything else is answered here. */
  async #guard(
    request: IncomingMessage,
    response: ServerResponse,
    next: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<void> {
    const body = await readBody(request);
    if (body === 'too large') return refuse(response, 413, `Expected at most ${BODY_LIMIT} bytes.`);
    if (body === 'too slow') return refuse(response, 408, 'The body took too long to arrive.');
    if (isAddressCheck(request.headers['content-type'], body)) {
      response.writeHead(200).end();
      return;
    }
    const accepted = this.#requests.accept(request.headers, body);
    if ('why' in accepted) {
      this.#log.warn(
        { status: accepted.status, why: accepted.why },
        'a request to Slack’s address was refused',
      );
      return refuse(response, accepted.status, `Refused: ${accepted.why}.`);
    }
    // Slack sends again what failed here.
    response.once('close', () => {
      if (response.statusCode >= 500) this.#requests.forget(accepted.signature);
    });
    // Bolt takes a body that was read already from here, and checks the signature once more.
    next(Object.assign(request, { rawBody: body }), response);
  }

  /** The port in use, also when 0 was asked for. */
  get port(): number | undefined {
    return this.#listening;
  }

  init(app: App): void {
    this.#receiver.init(app);
  }

  /** @throws AppError conflict when the port is taken */
  async start(): Promise<void> {
    try {
      const server = await this.#receiver.start(this.#port);
      const address = server.address();
      this.#listening = typeof address === 'object' && address ? address.port : this.#port;
    } catch (error) {
      throw new AppError('conflict', `Port ${this.#port} cannot be used.`, {
        hint: 'Another program may listen there. Stop it, or set PORT to a free port.',
        cause: error,
      });
    }
  }

  async stop(): Promise<void> {
    if (this.#listening === undefined) return;
    this.#listening = undefined;
    await this.#receiver.stop();
  }

  problem(): string | undefined {
    return this.#listening === undefined ? 'not listening for Slack’s requests' : undefined;
  }
}

function pathOf(url: string | undefined): string | undefined {
  const whole = url ?? '/';
  return URL.canParse(whole, 'http://localhost') ? new URL(whole, 'http://localhost').pathname : undefined;
}

function refuse(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    // The same request would be refused again.
    ...(status === 503 ? {} : { 'x-slack-no-retry': '1' }),
    // What is left of a body that nobody reads must not be taken for the next request.
    ...(response.req.complete ? {} : { connection: 'close' }),
  });
  response.end(`${message}\n`);
  if (!response.req.complete) response.req.resume();
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
