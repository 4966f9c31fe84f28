/**
 * The one HTTP server: the routes of every room, with errors, other methods and unknown paths answered in the same way. A
 * `ReadableStream` body is sent as it comes, read no faster than the client reads, and cancelled when the client goes
 * away.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { AppError, toAppError } from '../ground/errors.ts';
import { type HttpEnv, type HttpRoutes, jsonAnswer } from '../ports/http-routes.ts';
import { errorAnswer } from './answers.ts';

export interface HttpServer {
  /** The actual one, even if 0 was requested. */
  readonly port: number;
  /** Ends streams first, then connections: idle ones at once, others after their answer. */
  close(): Promise<void>;
}

export interface HttpServerOptions {
  /** 0: any free port. */
  port: number;
  /** The address to listen on. Left out: all interfaces, since health checks come from outside the container. */
  host?: string | undefined;
  /** Where people set the port; left out: the environment's PORT. */
  setting?: string | undefined;
  /** Is told of bugs, and of responses that broke off. */
  log?: { error(fields: object, message: string): void } | undefined;
  /** Milliseconds after which a stop cuts connections that are still busy; default 5,000. */
  closeWithin?: number | undefined;
}

const CLOSE_WITHIN = 5_000;

/**
 * @throws AppError conflict when the port is taken or the address is not this machine's
 */
export async function startHttpServer(
  rooms: readonly HttpRoutes[],
  { port, host, setting = 'PORT', log, closeWithin = CLOSE_WITHIN }: HttpServerOptions,
): Promise<HttpServer> {
  const streams = new Set<() => void>();
  let stopping = false;
  const app = new Hono<HttpEnv>();
  app.use(async (c, next) => {
    if (!URL.canParse(c.env.incoming.url ?? '/', 'http://localhost')) return errorAnswer(unreadable());
    c.set('atStop', (end) => {
      if (stopping) return end();
      streams.add(end);
      c.env.outgoing.once('close', () => streams.delete(end));
    });
    await next();
    if (!c.res.body) return undefined;
    const whole = new Response(cutWhenBroken(c.res.body, c.env.outgoing, log), c.res);
    c.res = undefined;
    c.res = whole;
    return undefined;
  });
  for (const room of rooms) app.route('/', room);
  answerOtherMethods(app);
  app.notFound((c) =>
    jsonAnswer(404, { ok: false, error: 'not_found', message: `There is nothing at ${c.req.path}.` }),
  );
  app.onError((thrown) => {
    const error = toAppError(thrown);
    if (error.code === 'internal') log?.error({ err: thrown, ref: error.ref }, 'a request failed');
    return errorAnswer(error);
  });

  const answer = getRequestListener(app.fetch, {
    // Leaves Node's own Request and Response in place for the rest of this process.
    overrideGlobalObjects: false,
    errorHandler: () => errorAnswer(unreadable()),
  });
  // Node 20 considers a connection that has sent nothing yet busy, and closeIdleConnections leaves it open.
  const underWay = new Map<Socket, number>();
  const closeIfIdle = (socket: Socket): void => {
    if (underWay.get(socket) === 0) socket.destroySoon();
  };
  const server = createServer((request, response) => {
    const { socket } = request;
    underWay.set(socket, (underWay.get(socket) ?? 0) + 1);
    response.once('close', () => {
      if (!underWay.has(socket)) return;
      underWay.set(socket, underWay.get(socket)! - 1);
      if (stopping) closeIfIdle(socket);
    });
    void answer(request, response);
  });
  server.on('connection', (socket: Socket) => {
    underWay.set(socket, 0);
    socket.once('close', () => underWay.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(listenError(error, { port, host, setting })),
    );
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise((resolve, reject) => {
        stopping = true;
        const cut = setTimeout(() => server.closeAllConnections(), closeWithin);
        server.close((error) => {
          clearTimeout(cut);
          if (error) reject(error);
          else resolve();
        });
        for (const end of [...streams]) end();
        for (const socket of underWay.keys()) closeIfIdle(socket);
      }),
  };
}

function listenError(
  error: NodeJS.ErrnoException,
  {
    port,
    host,
    setting,
  }: Required<Pick<HttpServerOptions, 'port' | 'setting'>> & { host: string | undefined },
): AppError {
  const { code = error.message } = error;
  if (host && (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'))
    return new AppError('conflict', `The address ${host} cannot be listened on: ${code}.`, {
      hint: 'Expected an address of this machine, or 127.0.0.1 to let in nobody from elsewhere.',
      cause: error,
    });
  return new AppError('conflict', `Port ${port} cannot be used: ${code}.`, {
    hint:
      code === 'EADDRINUSE'
        ? `Another program listens there. Stop it, or set ${setting} to a free port.`
        : `Set ${setting} to a port that this user may open.`,
    cause: error,
  });
}

const unreadable = (): AppError =>
  new AppError('invalid_input', 'The address or the method of the request cannot be read.');

/** After all routes: for an existing path, says which methods it allows. */
function answerOtherMethods(app: HttpRoutes): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes)
    if (method !== 'ALL') methods.set(path, (methods.get(path) ?? new Set()).add(method));
  for (const [path, taken] of methods) {
    const allow = [...taken].join(', ');
    app.all(path, (c) =>
      jsonAnswer(
        405,
        {
          ok: false,
          error: 'method_not_allowed',
          message: `${c.req.path} takes ${allow}, not ${c.req.method}.`,
        },
        { allow },
      ),
    );
  }
}

/**
 * If a body fails, the connection is cut, so that nobody mistakes a part for the whole, and the error only goes to our
 * log: `@hono/node-server` 2.1.9 prints it, and answers with its message if nothing was sent yet.
 */
function cutWhenBroken(
  body: ReadableStream<Uint8Array>,
  response: Pick<ServerResponse, 'destroy'>,
  log: HttpServerOptions['log'],
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let hasLeft = false;
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          // Whoever left while it was read has closed the stream already: that is no error.
          if (hasLeft) return;
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          if (hasLeft) return;
          log?.error({ err: error }, 'a response broke off');
          response.destroy();
          controller.close();
        }
      },
      cancel: (reason) => {
        hasLeft = true;
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
