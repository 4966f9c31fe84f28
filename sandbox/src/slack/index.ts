/**
 * A Slack workspace on this machine, on Slack's own protocols: Web API, Socket Mode, signed HTTP requests, files.
 * What a manifest does not grant is refused, and Slack's limits hold. `docs/reference.md` says what for.
 */
import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { LIMITS } from '../block-kit/limits.ts';
import { isObject, type Json } from '../block-kit/schema.ts';
import { FaultPlan } from '../faults.ts';
import { close, listen } from '../listen.ts';
import type { Clock } from '../time.ts';
import { defaultWorld } from '../world-file.ts';
import type { Context } from './context.ts';
import { Control, type Controls } from './control.ts';
import { SlackError } from './errors.ts';
import { Events } from './events.ts';
import { sendFile } from './file-content.ts';
import { Files } from './files.ts';
import { HttpError, isLocal, parseJson, readBody, sendJson } from './http.ts';
import { HttpMode, type RequestUrls } from './http-mode.ts';
import { Interactions } from './interactions.ts';
import { type AppManifest, parseManifest, readManifest } from './manifest.ts';
import { RateLimits } from './rate-limits.ts';
import { ResponseUrls } from './response-urls.ts';
import { loadSecrets } from './secrets.ts';
import { SocketMode } from './socket-mode.ts';
import { sendStatic } from './static-files.ts';
import { Triggers } from './triggers.ts';
import { Views } from './views.ts';
import { handleWebApi } from './web-api.ts';
import { type SlackWorld, Workspace } from './workspace.ts';

export interface SlackSandboxOptions {
  /** Default 0: any free one. Always on 127.0.0.1. */
  port?: number;
  /** Secrets stay in it; uploaded files are in it until the next start. */
  dataDir: string;
  /** One of the two: a path, or a manifest as an object. */
  manifestPath?: string;
  manifest?: unknown;
  /** Left out: the workspace of `world.json`. */
  world?: SlackWorld;
  /** The built page, served at `/`. */
  pageDir?: string;
  clock?: Clock;
  /** HTTP mode to this URL. Left out: the manifest's URLs when Socket Mode is off in it. */
  requestUrl?: string;
  /** Default true. A number multiplies every limit; false turns them off. */
  rateLimits?: boolean | number;
  /** Milliseconds from `files.completeUploadExternal` to the file's message; default 300. */
  shareDelayMs?: number;
  /** Default 3000. */
  ackTimeoutMs?: number;
  /** Default 3000. */
  triggerLifetimeMs?: number;
  /** Waits before the three further tries of an event; default at once, after a minute, after five. */
  eventRetriesMs?: readonly number[];
  /** Shared with the sandbox's AWS side, so that one list drives both. */
  faults?: FaultPlan;
  /** Further control endpoints, of the AWS side. */
  controls?: Controls;
  /** What went wrong inside the sandbox itself, for its log. */
  onError?: (error: unknown) => void;
}

export interface SlackSandbox {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** For a client's `slackApiUrl`. */
  readonly apiUrl: string;
  readonly port: number;
  readonly botToken: string;
  readonly appToken: string;
  readonly signingSecret: string;
  readonly manifest: AppManifest;
  readonly faults: FaultPlan;
  readonly workspace: Workspace;
  /** Open Socket Mode connections. */
  readonly connections: number;
  /** Calls that were told to wait because of Slack's limits, by method; those that a fault refused are not among them. */
  readonly tooOften: ReadonlyMap<string, number>;
  /**
   * Switches to HTTP mode, once the URL has answered Slack's challenge.
   * @returns undefined, or in words why not
   */
  setRequestUrl(url: string): Promise<string | undefined>;
  /** Ends when every event has been acknowledged or given up. */
  eventsSettled(): Promise<void>;
  close(): Promise<void>;
}

const SHARE_DELAY_MS = 300;
/** Slack's own: nearly at once, after a minute, after five minutes. */
const EVENT_RETRIES_MS = [1000, 60_000, 300_000];

/** @throws SandboxError when the manifest cannot be used or the port is taken */
export async function startSlackSandbox(options: SlackSandboxOptions): Promise<SlackSandbox> {
  const manifest =
    options.manifestPath === undefined
      ? parseManifest(options.manifest)
      : await readManifest(options.manifestPath);
  const clock = options.clock ?? { now: () => Date.now() };
  const faults = options.faults ?? new FaultPlan();
  const workspace = new Workspace(options.world ?? defaultWorld().slack, clock, manifest);
  const secrets = await loadSecrets(options.dataDir, workspace.app.id);
  const ended = new AbortController();
  // Everything that waits listens for the end: as many as there are clients.
  setMaxListeners(0, ended.signal);
  const server = createServer();
  let url = '';
  const files = new Files(options.dataDir, workspace, clock, () => url);
  await files.prepare();

  const socketMode = new SocketMode(workspace.app.id, clock, faults, () =>
    workspace.announce({ type: 'state' }),
  );
  const httpMode = (urls: RequestUrls): HttpMode =>
    new HttpMode(clock, secrets.signingSecret, secrets.verificationToken, urls);
  const urls = requestUrls(manifest, options.requestUrl);
  const ackMs = options.ackTimeoutMs ?? LIMITS.ack;
  const context: Context = {
    clock,
    manifest,
    secrets,
    timing: { ackMs, shareDelayMs: options.shareDelayMs ?? SHARE_DELAY_MS },
    workspace,
    views: new Views(workspace),
    triggers: new Triggers(clock, options.triggerLifetimeMs ?? LIMITS.triggerId),
    responseUrls: new ResponseUrls(clock, workspace, () => url),
    rateLimits: new RateLimits(clock, Number(options.rateLimits ?? true)),
    files,
    faults,
    events: new Events({
      installed: workspace,
      clock,
      subscribed: manifest.botEvents,
      verificationToken: secrets.verificationToken,
      nextTs: () => workspace.nextTs(),
      deliver: (delivery, timeoutMs) => context.link.deliver(delivery, timeoutMs),
      ackMs,
      retriesMs: options.eventRetriesMs ?? EVENT_RETRIES_MS,
      ended: ended.signal,
    }),
    link: urls === undefined ? socketMode : httpMode(urls),
    socketUrl: () => {
      if (context.link !== socketMode) return undefined;
      return `${url.replace('http:', 'ws:')}/link/?ticket=${socketMode.newTicket()}&app_id=${workspace.app.id}`;
    },
    get url() {
      return url;
    },
    ended: ended.signal,
  };
  /** @param to undefined: none any more. @returns what is wrong with it */
  const setRequestUrl = async (to: string | undefined): Promise<string | undefined> => {
    const before = context.link;
    if (to === undefined) context.link = socketMode;
    else {
      if (!URL.canParse(to)) return `${to} is no URL.`;
      const mode = httpMode(requestUrls(manifest, to) as RequestUrls);
      const problem = await mode.verify(to, ackMs);
      if (problem !== undefined) return problem;
      context.link = mode;
    }
    if (before === socketMode && to !== undefined) await socketMode.disconnect();
    else if (before !== socketMode) await before.close();
    workspace.announce({ type: 'state' });
    return undefined;
  };
  workspace.listenToEdits((edit) => {
    const channel = workspace.channels.get(edit.before.channel);
    if (channel !== undefined) context.events.edited(edit, channel);
  });
  const interactions = new Interactions(context);
  const control = new Control({
    context,
    interactions,
    socketMode,
    setRequestUrl,
    controls: options.controls,
  });

  server.on('request', (request, response) => {
    route(context, control, options.pageDir, request, response).catch((error: unknown) =>
      answerFailure(error, response, options.onError),
    );
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    if (!isLocal(request) || pathname !== '/link/')
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
    else socketMode.upgrade(request, socket, head, searchParams.get('ticket') ?? '');
  });
  const port = await listen(server, options.port ?? 0, { side: 'Slack', option: '--port' });
  url = `http://127.0.0.1:${port}`;

  return {
    url,
    apiUrl: `${url}/api/`,
    port,
    botToken: secrets.botToken,
    appToken: secrets.appToken,
    signingSecret: secrets.signingSecret,
    manifest,
    faults,
    workspace,
    get connections() {
      return socketMode.connections;
    },
    tooOften: context.rateLimits.refused,
    setRequestUrl,
    eventsSettled: () => context.events.settled(),
    close: async () => {
      ended.abort();
      await Promise.all([context.link.close(), socketMode.close()]);
      await close(server);
    },
  };
}

/** One URL given for all, or the manifest's own when Socket Mode is off in it. */
function requestUrls(manifest: AppManifest, given: string | undefined): RequestUrls | undefined {
  if (given !== undefined) {
    return { events: given, interactivity: given, options: given, commands: new Map() };
  }
  if (manifest.socketMode) return undefined;
  const commands = manifest.commands.flatMap((one): [string, string][] =>
    one.url === undefined ? [] : [[one.command, one.url]],
  );
  return { ...manifest.urls, commands: new Map(commands) };
}

async function route(
  context: Context,
  control: Control,
  pageDir: string | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isLocal(request)) {
    request.resume();
    throw new HttpError(403, 'forbidden_host', 'The sandbox answers to 127.0.0.1 and localhost only.');
  }
  const url = new URL(request.url ?? '/', 'http://localhost');
  const [, first, rest = ''] = /^\/([^/]*)\/?(.*)$/.exec(url.pathname) ?? [];
  switch (first) {
    case 'api':
      return handleWebApi(context, rest, request, response, url.searchParams);
    case 'sandbox':
      return control.handle(request, response, url);
    case 'upload':
      return receiveUpload(context, rest.replace('v1/', ''), request, response);
    case 'response':
      return takeResponse(context, rest, request, response);
    case 'files-pri':
      return sendPrivateFile(context, rest, request, response);
    default:
      if (request.method === 'GET' || request.method === 'HEAD') {
        if (pageDir !== undefined && (await sendStatic(pageDir, url.pathname, response))) return;
      }
      throw new HttpError(404, 'not_found', `There is nothing at ${url.pathname}.`);
  }
}

async function receiveUpload(
  context: Context,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const fault = context.faults.take('files.upload');
  if (fault?.kind === 'drop') {
    const half = Math.max(1, Math.floor(Number(request.headers['content-length'] ?? 2) / 2));
    await context.files.receive(token, request, half).catch(() => undefined);
    request.destroy();
    return;
  }
  if (fault !== undefined) {
    request.resume();
    const status = /^\d{3}$/.test(fault.kind) ? Number(fault.kind) : 400;
    const headers: Record<string, string> =
      status === 429 ? { 'retry-after': String(fault.seconds ?? 1) } : {};
    sendJson(response, { ok: false, error: status === 429 ? 'ratelimited' : fault.kind }, status, headers);
    return;
  }
  const size = await context.files.receive(token, request);
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`OK - ${size}`);
}

async function takeResponse(
  context: Context,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const fault = context.faults.take('response_url');
  if (fault?.kind === 'drop') {
    request.socket.destroy();
    return;
  }
  if (fault !== undefined) {
    request.resume();
    const status = /^\d{3}$/.test(fault.kind) ? Number(fault.kind) : 404;
    const headers: Record<string, string> =
      status === 429 ? { 'retry-after': String(fault.seconds ?? 1) } : {};
    sendJson(response, { ok: false, error: fault.kind }, status, headers);
    return;
  }
  const text = await readBody(request);
  const form = new URLSearchParams(text).get('payload');
  const body = parseJson(form ?? text);
  if (!isObject(body)) throw new HttpError(400, 'invalid_payload', 'The body must be one JSON object.');
  try {
    context.responseUrls.use(token, body);
    sendJson(response, { ok: true });
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    const isGone = ['invalid_url', 'used_url', 'expired_url'].includes(error.code);
    const answer: Json = { ok: false, error: error.code, ...error.extra };
    sendJson(response, answer, isGone ? 404 : 400);
  }
}

/** `url_private`: for the app, with its token. The page has its own way, under `/sandbox/`. */
async function sendPrivateFile(
  context: Context,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const id = /^\w+-(F\w+)\//.exec(path)?.[1] ?? '';
  const isApp = request.headers.authorization === `Bearer ${context.secrets.botToken}`;
  if (!isApp || !context.manifest.botScopes.has('files:read')) {
    throw new HttpError(403, 'not_allowed', 'Send the bot token; it needs the scope files:read.');
  }
  await sendFile(context, id, request, response, path.includes('/download/'));
}

function answerFailure(
  error: unknown,
  response: ServerResponse,
  onError: SlackSandboxOptions['onError'],
): void {
  // The client went away in the middle: nobody is left to be told.
  if (isBroken(error) || response.destroyed) {
    response.destroy();
    return;
  }
  if (error instanceof HttpError) {
    sendJson(response, { ok: false, error: error.code, detail: error.message }, error.status);
    return;
  }
  onError?.(error);
  const why = error instanceof Error ? error.message : String(error);
  sendJson(response, { ok: false, error: 'fatal_error', detail: `The sandbox failed: ${why}` }, 500);
}

const BROKEN: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
]);

function isBroken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && BROKEN.has(String(error.code));
}
