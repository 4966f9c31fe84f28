/**
 * RunPod's REST API v2 (https://api.runpod.io/v2), as far as pods go. Sources of what is answered here:
 * - the OpenAPI file and pages of github.com/runpod/docs, api-reference-v2 (August to November 2026): paths, fields,
 *   statuses, problems, 102,400 bytes at most before anything else is looked at (413), paging by `cursor` and `limit`;
 * - github.com/runpod/runpod-plugins-official, breaking-changes.md (checked live 2026-08-18): unknown members of a body
 *   are refused by name, unknown query parameters ignored, `x-request-id` on every answer;
 * - github.com/runpod/runpodctl, internal/api (tested against the live service): the log's frames and headers.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Scheduler } from '../aws/scheduler.ts';
import type { FaultPlan } from '../faults.ts';
import type { Fault } from '../protocol.ts';
import type { Clock } from '../time.ts';
import { type StreamFault, streamLog, streamRequest } from './log-stream.ts';
import { actionFrom, changesFrom, noCapacity, type PodTemplate, podFrom } from './pod-request.ts';
import type { PodStore } from './pods.ts';
import { invalid, Problem } from './problem.ts';
import { type RateLimit, tooMany } from './rate-limit.ts';
import type { RunpodKey } from './seed.ts';
import type { RunpodSettings } from './settings.ts';

const PREFIX = '/v2';
const MOST_BYTES = 102_400;
/** Lines of one and the same second that the fault `same_second` makes a pod print. */
const SAME_SECOND_LINES = 10_000;

export interface RunpodServerParts {
  pods: PodStore;
  keys: readonly RunpodKey[];
  templates: ReadonlyMap<string, PodTemplate>;
  limits: RateLimit;
  settings: RunpodSettings;
  clock: Clock;
  scheduler: Scheduler;
  faults: FaultPlan | undefined;
}

interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  /** Of the path. */
  id: string;
  body: () => unknown;
  headers: Record<string, string>;
  fault: Fault | undefined;
}

type Answer = { status: number; body?: unknown } | 'streaming';

interface Route {
  method: string;
  path: RegExp;
  /** As faults name it, after `runpod:`. */
  name: string;
  answer: (call: Call) => Answer;
}

/** Not listening yet. */
export function runpodServer(parts: RunpodServerParts): Server {
  const routes = podRoutes(parts);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://sandbox');
    const headers: Record<string, string> = { 'x-request-id': randomUUID() };
    try {
      const text = await readBody(request);
      const user = signedIn(request, parts.keys);
      Object.assign(headers, parts.limits.take(user.key, parts.clock.now()));
      const route = routeOf(routes, request, url);
      if (user.rights === 'none' || (user.rights === 'read' && request.method !== 'GET')) {
        throw new Problem(403, 'access denied');
      }
      const fault = parts.faults?.take(`runpod:${route.name}`);
      if (fault?.kind === 'drop') {
        response.destroy();
        return;
      }
      const problem = fault && faultProblem(fault);
      if (problem) throw problem;
      const id = decodeURIComponent(route.path.exec(url.pathname)![1] ?? '');
      const answer = route.answer({ request, response, url, id, body: () => parse(text), headers, fault });
      if (answer === 'streaming') return;
      if (fault?.kind === 'lost_answer') response.destroy();
      else send(response, answer.status, answer.body, headers);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      send(
        response,
        error.status,
        error.body(),
        { ...headers, ...error.headers },
        'application/problem+json',
      );
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 60_000;
  return server;
}

function podRoutes({ pods, templates, settings, clock, scheduler }: RunpodServerParts): Route[] {
  const view = (id: string): Answer => {
    const now = clock.now();
    return { status: 200, body: pods.view(pods.get(id, now), now) };
  };
  return [
    {
      method: 'GET',
      path: /^\/v2\/pods$/,
      name: 'ListPods',
      answer: ({ url }) => {
        const now = clock.now();
        const { page, nextCursor } = pageOf(pods.all(now), url, settings.pageSize);
        return {
          status: 200,
          body: {
            pods: page.map((pod) => pods.view(pod, now)),
            pagination: { nextCursor, hasNextPage: nextCursor !== null },
          },
        };
      },
    },
    {
      method: 'POST',
      path: /^\/v2\/pods$/,
      name: 'CreatePod',
      answer: ({ body }) => {
        const now = clock.now();
        return { status: 201, body: pods.view(pods.create(podFrom(body(), templates), now), now) };
      },
    },
    { method: 'GET', path: /^\/v2\/pods\/([^/]+)$/, name: 'GetPod', answer: ({ id }) => view(id) },
    {
      method: 'PATCH',
      path: /^\/v2\/pods\/([^/]+)$/,
      name: 'UpdatePod',
      answer: ({ id, body }) => {
        pods.change(pods.get(id, clock.now()), changesFrom(body(), templates));
        return view(id);
      },
    },
    {
      method: 'DELETE',
      path: /^\/v2\/pods\/([^/]+)$/,
      name: 'DeletePod',
      answer: ({ id }) => {
        pods.delete(id, clock.now());
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: /^\/v2\/pods\/([^/]+)\/action$/,
      name: 'PodAction',
      answer: ({ id, body }) => {
        const now = clock.now();
        const pod = pods.get(id, now);
        const action = actionFrom(body());
        if (action === 'terminate') {
          pods.delete(id, now);
          return { status: 204 };
        }
        pods.act(pod, action, now);
        return view(id);
      },
    },
    {
      method: 'GET',
      path: /^\/v2\/pods\/([^/]+)\/logs$/,
      name: 'GetPodLogs',
      answer: ({ id, request, response, url, headers, fault }) => {
        const asked = streamRequest(request, url);
        const { log } = pods.get(id, clock.now());
        if (fault?.kind === 'same_second') {
          const lines = Array.from(
            { length: SAME_SECOND_LINES },
            (_, index) => `step ${index + 1}/${SAME_SECOND_LINES} loss=${(2 / (1 + index / 500)).toFixed(4)}`,
          );
          log.insert('container', lines, clock.now(), true);
        }
        const streamFault = fault && streamFaultOf(fault);
        streamLog(log, asked, response, {
          clock,
          scheduler,
          settings,
          headers,
          ...(streamFault ? { fault: streamFault } : {}),
        });
        return 'streaming';
      },
    },
    {
      method: 'GET',
      path: /^\/v2\/templates\/([^/]+)$/,
      name: 'GetTemplate',
      answer: ({ id }) => {
        const template = templates.get(id);
        if (template === undefined) throw new Problem(404, 'template not found');
        return { status: 200, body: templateView(template) };
      },
    },
    {
      method: 'GET',
      path: /^\/v2\/templates$/,
      name: 'ListTemplates',
      answer: ({ url }) => {
        const { page, nextCursor } = pageOf([...templates.values()], url, settings.pageSize);
        const pagination = { nextCursor, hasNextPage: nextCursor !== null };
        return { status: 200, body: { templates: page.map(templateView), pagination } };
      },
    },
  ];
}

const templateView = (template: PodTemplate): Record<string, unknown> => ({
  args: '',
  cmd: [],
  entrypoint: [],
  disk: 20,
  ports: [],
  env: {},
  registry: null,
  mounts: {},
  serverless: false,
  public: false,
  category: 'NVIDIA',
  startSsh: false,
  startJupyter: false,
  allowedCudaVersions: [],
  ...template,
});

/** @throws Problem 401; such an answer has no rate-limit headers, as nobody is known whose quota it would be */
function signedIn(request: IncomingMessage, keys: readonly RunpodKey[]): RunpodKey {
  const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined) throw new Problem(401, 'missing bearer token');
  const known = keys.find(({ key }) => key === given);
  if (known === undefined) throw new Problem(401, 'invalid bearer token');
  return known;
}

/** @throws Problem 404, 405 */
function routeOf(routes: readonly Route[], request: IncomingMessage, url: URL): Route {
  const there = routes.filter(({ path }) => path.test(url.pathname));
  const route = there.find(({ method }) => method === request.method);
  if (route) return route;
  if (there.length === 0) {
    const hint = url.pathname.startsWith(`${PREFIX}/`) ? '' : `; paths begin with ${PREFIX}`;
    throw new Problem(404, `resource not found${hint}`);
  }
  throw new Problem(405, 'The requested method is not allowed for this path.', {
    headers: { Allow: there.map(({ method }) => method).join(', ') },
  });
}

/**
 * "A cursor is only valid for the operation and parameters that issued it; a malformed or foreign cursor is rejected with
 * 422", as is a limit outside 1-1000; a page may hold fewer than `limit`.
 */
function pageOf<T extends { id: string }>(
  all: readonly T[],
  url: URL,
  pageSize: number,
): { page: T[]; nextCursor: string | null } {
  const given = url.searchParams.get('limit') ?? '1000';
  const limit = Number(given);
  if (!/^-?\d+$/.test(given)) throw invalid(['limit: got string, want integer']);
  if (limit < 1) throw invalid([`limit: minimum: got ${limit}, want 1`]);
  if (limit > 1000) throw invalid([`limit: maximum: got ${limit}, want 1000`]);
  const cursor = url.searchParams.get('cursor');
  let from = 0;
  if (cursor !== null) {
    const [path, last] = Buffer.from(cursor, 'base64url').toString().split('?');
    const at = all.findIndex(({ id }) => id === last);
    if (path !== url.pathname || at < 0) throw invalid(['cursor: malformed or foreign cursor']);
    from = at + 1;
  }
  const page = all.slice(from, from + Math.min(limit, pageSize));
  const last = page.at(-1);
  const more = last !== undefined && from + page.length < all.length;
  return { page, nextCursor: more ? Buffer.from(`${url.pathname}?${last.id}`).toString('base64url') : null };
}

/** @throws Problem 413 */
async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // What is too much is read to its end all the same, so that the answer arrives.
    if (size <= MOST_BYTES) chunks.push(chunk);
  }
  if (size > MOST_BYTES) throw new Problem(413, `request body exceeds ${MOST_BYTES} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws Problem 400 */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Problem(400, 'request body is not valid JSON');
  }
}

const WORDS: Readonly<Record<string, string>> = {
  '401': 'invalid bearer token',
  '402': 'insufficient balance',
  '403': 'access denied',
  '404': 'pod not found',
  '409': 'action is not valid for the current pod status',
  '500': 'internal server error',
  '502': 'upstream request failed',
  '503': 'service unavailable',
};

function faultProblem({ kind, seconds }: Fault): Problem | undefined {
  if (kind === '429') return tooMany('minute', seconds ?? 12);
  if (kind === '400') return noCapacity();
  if (kind === '422') return invalid(["$: additional properties 'bogus' not allowed"]);
  const words = WORDS[kind];
  return words === undefined ? undefined : new Problem(Number(kind), words);
}

const STREAM_FAULTS: readonly string[] = ['stall', 'cut', 'close', 'double', 'junk'];

function streamFaultOf({ kind, seconds }: Fault): StreamFault | undefined {
  if (!STREAM_FAULTS.includes(kind)) return undefined;
  return { kind: kind as StreamFault['kind'], ...(seconds === undefined ? {} : { seconds }) };
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
  type = 'application/json',
): void {
  if (response.destroyed) return;
  if (body === undefined) {
    response.writeHead(status, headers);
    response.end();
    return;
  }
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    'content-type': type,
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
