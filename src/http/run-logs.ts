/**
 * A run's log over HTTP: a part of it as JSON, all of it as server-sent events while it grows, or as a file. The bot
 * and the runner serve the same; each decides who may read. docs/live-logs.md documents it for callers.
 */
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { isRunId } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import { type HttpEnv, type HttpRoutes, jsonAnswer } from '../ports/http-routes.ts';
import type { RunLogInfo, RunLogStore } from '../ports/run-log-store.ts';
import { errorAnswer } from './answers.ts';
import { readByteCount } from './requests.ts';
import { FEED_TIMERS, type FeedTimers, RunFeeds } from './run-feed.ts';
import { logFile, type PlainText, viewerStream } from './run-log-stream.ts';

/** What a viewer may do after its request was authorised. */
export interface Viewing {
  /** Checked again while a stream goes on. @throws AppError: it ends here */
  recheck?: (() => Promise<unknown>) | undefined;
  /** Milliseconds; left out: a minute. */
  recheckEvery?: number | undefined;
  /** Called before the file of a download is sent. */
  downloading?: (() => Promise<unknown>) | undefined;
}

export interface RunLogRoutesOptions {
  logs: Pick<RunLogStore, 'info' | 'read' | 'watch'>;
  /**
   * @param id one that a run could have: `isRunId`
   * @throws AppError: the request may not read this run's log
   */
  authorise(request: Request, id: string): Promise<Viewing>;
  /**
   * Asked if the store has no log: whether there is such a run all the same. It may make the log, which is then served
   * from its beginning; otherwise the answer is that nothing was printed yet. Left out: only runs with a log exist.
   */
  prepare?: ((id: string) => Promise<boolean>) | undefined;
  /**
   * Called when a run gets its first live viewer, and for each other request while the run goes on, so that a client
   * that polls instead of holding a stream sees it grow too. The function it returns is called when the last viewer, or
   * the request, has gone.
   */
  followed?: ((id: string) => () => void) | undefined;
  /** Called with each authorised request: the log is being read until the function it returns is called. */
  reading?: ((id: string) => () => void) | undefined;
  /** For `?plain=1`, once for each download. Left out: raw only. */
  plain?: (() => PlainText) | undefined;
  /** Origins (`https://dash.example.com`) whose pages may read with the viewer's cookie. */
  allowedOrigins?: readonly string[] | undefined;
  /** Milliseconds between two heartbeats; 15 s. */
  heartbeat?: number | undefined;
  timers?: FeedTimers | undefined;
}

const HEARTBEAT = 15_000;
const RECHECK = 60_000;
/** Bytes in one answer. */
const LIMIT = 256 * 1024;
const LIMIT_MOST = 1024 * 1024;
const NO_CACHE = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/**
 * `GET /runs/:id/logs`, `/logs/stream` and `/logs/download`, for `startHttpServer`, which also answers other methods:
 *
 *     const routes = runLogRoutes({
 *       logs: openFileRunLogs({ folder, clock }),
 *       authorise: (request, id) => sessions.authorise(request, id),
 *     });
 *     await startHttpServer([routes], { port });
 *
 * An id that no run can have gets the same answer as an unknown one, before `authorise` is called.
 */
export function runLogRoutes(options: RunLogRoutesOptions): HttpRoutes {
  const { logs, followed, heartbeat = HEARTBEAT, timers = FEED_TIMERS, allowedOrigins = [] } = options;
  const feeds = new RunFeeds({ logs, followed, heartbeat, timers });
  const app = new Hono<HttpEnv>();
  if (allowedOrigins.length > 0)
    for (const path of ['/runs/:id/logs', '/runs/:id/logs/*'])
      app.use(
        path,
        cors({
          origin: [...allowedOrigins],
          allowMethods: ['GET', 'HEAD'],
          allowHeaders: ['Last-Event-ID', 'Authorization'],
          exposeHeaders: ['Content-Disposition', 'Retry-After'],
          credentials: true,
        }),
      );

  return app
    .get('/runs/:id/logs', async (c) => {
      const { id, info } = await open(options, c);
      follow(options, c, info);
      const offset = readOffset(c.req.query('offset'), info, '?offset=');
      if (offset instanceof Response) return offset;
      const limit = Math.min(readByteCount(c.req.query('limit') ?? String(LIMIT), '?limit='), LIMIT_MOST);
      const { data, gap, next } = await readPart(options.logs, info, offset, limit);
      const { end } = info;
      return jsonAnswer(
        200,
        {
          run_id: id,
          data: data.toString('base64'),
          size: info.size,
          updated_at: new Date(info.updatedAt).toISOString(),
          offset,
          next_offset: next,
          gap,
          gaps: info.gaps,
          note: info.note,
          end: end && {
            state: end.state,
            exit_code: end.exitCode,
            signal: end.signal,
            at: new Date(end.at).toISOString(),
          },
        },
        NO_CACHE,
      );
    })
    .get('/runs/:id/logs/stream', async (c) => {
      const { info, viewing } = await open(options, c);
      // A client that reconnects by itself repeats its first address: its position is in the header.
      const last = c.req.header('last-event-id');
      const offset =
        last === undefined || last === ''
          ? readOffset(c.req.query('offset'), info, '?offset=')
          : readOffset(last, info, 'Last-Event-ID');
      if (offset instanceof Response) return offset;
      const headers = {
        ...NO_CACHE,
        'cache-control': 'no-store, no-transform',
        'content-type': 'text/event-stream; charset=utf-8',
        // Otherwise nginx would hold events back.
        'x-accel-buffering': 'no',
      };
      if (c.req.method === 'HEAD') return new Response(null, { headers });
      const { recheck, recheckEvery = RECHECK } = viewing;
      const { body, stop } = viewerStream(feeds.join(info), { offset, recheck, recheckEvery, timers });
      c.var.atStop?.(stop);
      return new Response(body, { headers });
    })
    .get('/runs/:id/logs/download', async (c) => {
      const { id, info, viewing } = await open(options, c);
      follow(options, c, info);
      const offset = readOffset(c.req.query('offset'), info, '?offset=');
      if (offset instanceof Response) return offset;
      const plain = readFlag(c.req.query('plain'), '?plain=') ? plainText(options) : undefined;
      // A file with nothing in it would say that the run has printed nothing.
      if (info.size === 0 && !info.end) throw nothingYet(info.note);
      const name = id.slice(id.lastIndexOf('~') + 1);
      const headers: Record<string, string> = {
        ...NO_CACHE,
        'content-type': plain ? 'text/plain; charset=utf-8' : 'application/octet-stream',
        // The id's characters need no quoting.
        'content-disposition': `attachment; filename="${name}.${plain ? 'txt' : 'log'}"`,
        'accept-ranges': 'none',
        // No length: damage turns up only while it is read, and a marker takes its place.
      };
      if (c.req.method === 'HEAD') return new Response(null, { headers });
      await viewing.downloading?.();
      return new Response(logFile(options.logs, info, offset, plain), { headers });
    });
}

async function open(
  { logs, authorise, prepare, reading }: RunLogRoutesOptions,
  c: Context<HttpEnv, '/runs/:id/logs'>,
): Promise<{ id: string; info: RunLogInfo; viewing: Viewing }> {
  const id = c.req.param('id');
  if (!isRunId(id)) throw noSuchRun();
  const viewing = await authorise(c.req.raw, id);
  const hasRead = reading?.(id);
  if (hasRead) c.env.outgoing.once('close', hasRead);
  let info = await logs.info(id);
  if (!info && !(await prepare?.(id))) throw noSuchRun();
  info ??= await logs.info(id);
  if (info) return { id, info, viewing };
  throw nothingYet();
}

function follow({ followed }: RunLogRoutesOptions, c: Context<HttpEnv>, { id, end }: RunLogInfo): void {
  const unfollow = end ? undefined : followed?.(id);
  if (unfollow) c.env.outgoing.once('close', unfollow);
}

/** @param note what keeps the log from going on */
const nothingYet = (note = 'The run has not printed anything so far. Try again in a moment.'): AppError =>
  new AppError('not_found', 'No logs available yet.', { hint: note, retryAfterMs: 2_000 });

const noSuchRun = (): AppError =>
  new AppError('not_found', 'There is no such run.', {
    hint: 'Look at its name again, or open it from its message in Slack.',
  });

async function readPart(
  logs: RunLogRoutesOptions['logs'],
  { id, size }: RunLogInfo,
  offset: number,
  limit: number,
): Promise<{ data: Buffer; gap: { from: number; to: number; reason: string } | undefined; next: number }> {
  const parts: Uint8Array[] = [];
  const end = Math.min(size, offset + limit);
  let next = offset;
  while (next < end) {
    const { bytes, gap } = await logs.read(id, next, end - next);
    if (gap && parts.length === 0)
      return { data: Buffer.alloc(0), gap: { from: offset, to: gap.to, reason: gap.reason }, next: gap.to };
    if (bytes.length === 0) break;
    parts.push(bytes);
    next += bytes.length;
  }
  return { data: Buffer.concat(parts), gap: undefined, next };
}

/**
 * The size itself is allowed: a client that has everything continues there.
 * @returns the answer to an offset beyond it, which gives the size in words and as a number
 * @throws AppError invalid_input
 */
function readOffset(given: string | undefined, { size }: RunLogInfo, what: string): number | Response {
  if (given === undefined) return 0;
  const offset = readByteCount(given, what);
  if (offset <= size) return offset;
  const error = new AppError(
    'invalid_input',
    `${what} is ${given}, but the log has ${size} bytes so far: expected 0 to ${size}.`,
    { hint: `Go on at ${size}, or read from the beginning.` },
  );
  return errorAnswer(error, { size });
}

/** @throws AppError invalid_input */
function readFlag(given: string | undefined, what: string): boolean {
  if (given === undefined || given === '0') return false;
  if (given === '1') return true;
  throw new AppError('invalid_input', `${what} is ${JSON.stringify(given.slice(0, 40))}: expected 1 or 0.`);
}

function plainText({ plain }: RunLogRoutesOptions): PlainText {
  if (plain) return plain();
  throw new AppError('invalid_input', 'Logs are served raw only here: leave ?plain= out.');
}
