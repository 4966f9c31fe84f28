/** Routes in the form that Bolt's `customRoutes` takes, and a server for them where Bolt has none. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { maskSecrets } from '../domain/mask-secrets.ts';
import { AppError, HTTP_STATUS, toAppError } from '../ground/errors.ts';

export interface Route {
  path: string;
  method: string;
  handler(request: IncomingMessage, response: ServerResponse): void;
}

export interface HttpServer {
  /** The one in use, also when 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

/** What a client may know of an error: never an `adminHint`, never a cause. */
export function sendError(response: ServerResponse, thrown: unknown): void {
  const { code, message, hint, ref, retryAfterMs } = toAppError(thrown);
  if (retryAfterMs !== undefined) response.setHeader('retry-after', Math.ceil(retryAfterMs / 1000));
  sendJson(response, HTTP_STATUS[code], {
    ok: false,
    error: code,
    message: maskSecrets(message),
    hint: hint && maskSecrets(hint),
    ref,
  });
}

/**
 * Serves the routes on all interfaces: health checks come from outside the container.
 * @throws AppError conflict when the port is taken
 */
export async function startHttpServer(routes: readonly Route[], port: number): Promise<HttpServer> {
  const server = createServer((request, response) => {
    try {
      dispatch(routes, request, response);
    } catch (error) {
      sendError(response, error);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new AppError('conflict', `Port ${port} cannot be used: ${error.code ?? error.message}.`, {
          hint:
            error.code === 'EADDRINUSE'
              ? 'Another program listens there. Stop it, or set PORT to a free port.'
              : 'Set PORT to a port that this user may open.',
          cause: error,
        }),
      ),
    );
    server.listen(port, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeIdleConnections();
      }),
  };
}

function dispatch(routes: readonly Route[], request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '/').split('?', 1)[0];
  // A HEAD is a GET whose body Node leaves out.
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const here = routes.filter((route) => route.path === path);
  const route = here.find((candidate) => candidate.method === method);
  if (route) {
    route.handler(request, response);
    return;
  }
  if (here.length > 0) {
    const allowed = here.map((candidate) => candidate.method).join(', ');
    response.setHeader('allow', allowed);
    sendJson(response, 405, {
      ok: false,
      error: 'method_not_allowed',
      message: `${path} takes ${allowed}, not ${request.method}.`,
    });
    return;
  }
  sendJson(response, 404, { ok: false, error: 'not_found', message: `There is nothing at ${path}.` });
}
