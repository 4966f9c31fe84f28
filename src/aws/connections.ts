/**
 * The AWS SDK's way to the log service: HTTP/1.1 over connections that are kept. Node's own client makes a buffer for each
 * 64 kB off a socket and another one for what of it is body, which for a gigabyte of log is most of the work of receiving it.
 * Here each body is received into the memory that it is read from. Everything else (signing, endpoints, errors) is the SDK's.
 */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { AnswerReader, type BodyMemory, type HttpAnswer } from './http-answer.ts';

/** As the SDK gives it. */
interface Request {
  protocol: string;
  hostname: string;
  port?: number | undefined;
  method: string;
  path: string;
  query?: Record<string, string | string[] | null> | undefined;
  headers: Record<string, string>;
  body?: unknown;
}

/** An answer of the service. */
export interface Response extends HttpAnswer {
  /** From the moment that the request was on its way on an open connection until its answer began. */
  waitedMs: number;
}

export interface ConnectionsOptions {
  connectMs: number;
  /** A connection that is silent for so long in the middle of a request is broken. */
  silentMs: number;
  memory: BodyMemory;
  /** Certificates to trust in place of the system's. */
  ca?: Buffer | undefined;
}

/** Connections that wait for their next request. Others are closed. */
const MOST_IDLE = 64;
const KEEP_ALIVE_MS = 1_000;
/** What is not the body of an answer; all connections share it, as each uses up at once what it has received. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

export class Connections {
  readonly metadata = { handlerProtocol: 'http/1.1' } as const;
  readonly #options: ConnectionsOptions;
  /** By origin, the last used last. */
  readonly #idle = new Map<string, Connection[]>();
  readonly #sessions = new Map<string, Buffer>();
  #destroyed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /**
   * Sends one request. On a connection that the service had closed meanwhile it is sent again on a new one: reading twice is
   * the same as reading once.
   * @throws AbortError · TimeoutError · Error with the system's code
   */
  async handle(
    request: Request,
    // The SDK's types allow for signals of its own, which are old; ours come from callers of this house.
    options: { abortSignal?: object | undefined } = {},
  ): Promise<{ response: Response }> {
    const abortSignal = options.abortSignal as AbortSignal | undefined;
    const message = messageOf(request);
    const origin = `${request.protocol}//${request.hostname}:${request.port ?? ''}`;
    for (;;) {
      if (abortSignal?.aborted) throw abortError(abortSignal);
      const kept = this.#idle.get(origin)?.pop();
      const connection = kept ?? this.#open(request, origin);
      try {
        const response = await connection.send(message, abortSignal);
        if (connection.isReusable && !this.#destroyed) this.#keep(origin, connection);
        else connection.close();
        return { response };
      } catch (error) {
        connection.close();
        if (!(kept && connection.wasGone)) throw error;
      }
    }
  }

  destroy(): void {
    this.#destroyed = true;
    for (const list of this.#idle.values()) for (const connection of list) connection.close();
    this.#idle.clear();
  }

  /** The SDK's own options are not for this. */
  updateHttpClientConfig(): void {}

  httpHandlerConfigs(): object {
    return {};
  }

  #open(request: Request, origin: string): Connection {
    return new Connection(request, {
      ...this.#options,
      session: this.#sessions.get(origin),
      onSession: (session) => this.#sessions.set(origin, session),
    });
  }

  #keep(origin: string, connection: Connection): void {
    const list = this.#idle.get(origin) ?? [];
    this.#idle.set(origin, list);
    if (list.length >= MOST_IDLE) {
      connection.close();
      return;
    }
    list.push(connection);
    connection.rest(() => {
      const at = list.indexOf(connection);
      if (at >= 0) list.splice(at, 1);
    });
  }
}

/** A request on its way. */
interface Exchange {
  reader: AnswerReader;
  sentAt: number;
  waitedMs: number;
  settle: (error?: Error) => void;
}

class Connection {
  readonly #socket: Socket | TLSSocket;
  readonly #options: ConnectionsOptions;
  #exchange: Exchange | undefined;
  #failure: Error | undefined;
  #onGone: (() => void) | undefined;
  #wasGone = false;
  #connecting: NodeJS.Timeout | undefined;

  constructor(
    { protocol, hostname, port }: Request,
    options: ConnectionsOptions & {
      session: Buffer | undefined;
      onSession: (session: Buffer) => void;
    },
  ) {
    this.#options = options;
    const isTls = protocol === 'https:';
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const to = {
      host,
      port: port ?? (isTls ? 443 : 80),
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      onread: {
        buffer: () => this.#exchange?.reader.room ?? scratch,
        callback: (bytes: number, into: Uint8Array) => this.#received(bytes, into),
      },
    };
    const socket = isTls
      ? connectTls({
          ...to,
          // A name is sent for names only.
          ...(isIP(host) ? {} : { servername: host }),
          ALPNProtocols: ['http/1.1'],
          session: options.session,
          ...(options.ca ? { ca: options.ca } : {}),
        })
      : connect(to);
    this.#socket = socket;
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      clearTimeout(this.#connecting);
      if (this.#exchange) this.#exchange.sentAt = performance.now();
    });
    if (isTls) socket.on('session', options.onSession);
    socket.on('error', (error) => this.#fail(error));
    socket.on('timeout', () => this.#fail(timeoutError(`The service was silent for ${options.silentMs} ms`)));
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#ended());
    socket.setTimeout(options.silentMs);
    this.#connecting = setTimeout(
      () => this.#fail(timeoutError(`No connection within ${options.connectMs} ms`)),
      options.connectMs,
    );
  }

  /** The service closed it before it had begun to answer: it may have been closed before the request was sent. */
  get wasGone(): boolean {
    return this.#wasGone;
  }

  get isReusable(): boolean {
    return this.#failure === undefined && !this.#socket.destroyed;
  }

  send(message: Buffer, abortSignal: AbortSignal | undefined): Promise<Response> {
    const reader = new AnswerReader(this.#options.memory);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#fail(abortError(abortSignal!));
      const exchange: Exchange = {
        reader,
        sentAt: performance.now(),
        waitedMs: 0,
        settle: (error) => {
          this.#exchange = undefined;
          abortSignal?.removeEventListener('abort', onAbort);
          if (!error && reader.isWhole) {
            if (!reader.lastsOn) this.#failure ??= new Error('The service closes the connection');
            resolve({ ...reader.answer(), waitedMs: exchange.waitedMs });
            return;
          }
          reader.drop();
          reject(error);
        },
      };
      this.#exchange = exchange;
      abortSignal?.addEventListener('abort', onAbort, { once: true });
      this.#onGone = undefined;
      if (this.#failure) {
        this.#wasGone = true;
        exchange.settle(this.#failure);
        return;
      }
      this.#socket.ref();
      this.#socket.write(message);
    });
  }

  /** Nothing is to be sent for now. @param onGone it cannot be used any more */
  rest(onGone: () => void): void {
    if (this.#failure) onGone();
    else this.#onGone = onGone;
    // It keeps no program from ending.
    this.#socket.unref();
  }

  close(): void {
    this.#failure ??= new Error('Closed');
    clearTimeout(this.#connecting);
    this.#socket.destroy();
  }

  #received(bytes: number, into: Uint8Array): boolean {
    const exchange = this.#exchange;
    if (!exchange) {
      // Nobody has asked for anything.
      this.#fail(new Error('The service sent something unasked'));
      return false;
    }
    const { reader } = exchange;
    try {
      if (!reader.hasBegun) exchange.waitedMs = performance.now() - exchange.sentAt;
      if (into.buffer === scratch.buffer) reader.feed(scratch.subarray(0, bytes));
      else reader.filled(bytes);
    } catch (error) {
      this.#fail(error as Error);
      return false;
    }
    if (reader.isWhole) exchange.settle();
    return true;
  }

  #ended(): void {
    const { reader } = this.#exchange ?? {};
    try {
      reader?.end();
      this.#failure ??= new Error('The service closes the connection');
      this.#exchange?.settle();
    } catch (error) {
      if (!reader?.hasBegun) this.#wasGone = true;
      this.#fail(error as Error);
      return;
    }
    this.#fail(this.#failure);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    clearTimeout(this.#connecting);
    const exchange = this.#exchange;
    if (exchange && !exchange.reader.hasBegun && isHangUp(error)) this.#wasGone = true;
    this.#socket.destroy();
    exchange?.settle(error);
    this.#onGone?.();
    this.#onGone = undefined;
  }
}

function isHangUp(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function messageOf({ method, path, query, headers, body }: Request): Buffer {
  const search = query ? searchOf(query) : '';
  const lines = [`${method} ${path}${search} HTTP/1.1`];
  const content =
    body === undefined || body === null
      ? Buffer.alloc(0)
      : typeof body === 'string'
        ? Buffer.from(body)
        : body instanceof Uint8Array
          ? body
          : undefined;
  if (!content) throw new TypeError('A request to the log service has a body of text or bytes');
  let hasLength = false;
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === 'content-length') hasLength = true;
    lines.push(`${name}: ${value}`);
  }
  if (!hasLength && content.length > 0) lines.push(`content-length: ${content.length}`);
  if (lines.some((line) => /[\r\n]/.test(line))) throw new TypeError('A header has a line break in it');
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content]);
}

function searchOf(query: NonNullable<Request['query']>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) search.append(name, one);
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

/** As the SDK's own handlers name it: the reason is the cause. */
function abortError(signal: AbortSignal): Error {
  return Object.assign(new Error('Request aborted', { cause: signal.reason }), { name: 'AbortError' });
}

function timeoutError(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError', code: 'ETIMEDOUT' });
}
