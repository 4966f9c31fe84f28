/** A runner over HTTP: templates, runs and their logs. docs/runner.md is the page for those who call it. */
import { Hono } from 'hono';
import { z } from 'zod';
import { LINES_MOST } from '../domain/line-range.ts';
import type { RunTemplate } from '../domain/run-templates.ts';
import { AppError, HTTP_STATUS, toAppError } from '../ground/errors.ts';
import { isLoopback } from '../ground/hosts.ts';
import { type HttpEnv, type HttpRoutes, jsonAnswer } from '../ports/http-routes.ts';
import type { RunLogStore } from '../ports/run-log-store.ts';
import type { RunnerRun, TrainingRunner } from '../ports/training-runner.ts';
import { bearerRefusal } from './bearer.ts';
import { bodyAtMost } from './requests.ts';
import { type RunLogRoutesOptions, runLogRoutes } from './run-logs.ts';

export interface RunnerRoutesOptions {
  runner: TrainingRunner;
  logs: Pick<RunLogStore, 'info' | 'read' | 'watch'>;
  /** Left out: whoever can connect may do everything, programs of this machine that is. */
  token?: string | undefined;
  /** For `?plain=1`: run-logs.ts. */
  plain: RunLogRoutesOptions['plain'];
}

const BODY_LIMIT = 64 * 1024;
/** "The last 1000 lines". */
const LINES = 1_000;
const RUNS_MOST = 1_000;
/** Of fifteen digits: told apart from its neighbours, and more than any runner has. */
const LARGEST = 999_999_999_999_999;

const runRequest = z.strictObject({
  template: z.string().max(200),
  name: z.string().max(200),
  parameters: z.record(z.string(), z.unknown()).default({}),
});

export function runnerRoutes({ runner, logs, token, plain }: RunnerRoutesOptions): HttpRoutes {
  const app = new Hono<HttpEnv>();
  app.get('/healthz', () => jsonAnswer(200, { ok: true }));
  // Also before what is not there: without the token nothing is learned of what is here.
  app.use(async (c, next) => {
    const refusal = token === undefined ? browserRefusal(c.req.raw) : bearerRefusal(c.req.raw, token);
    if (refusal) return refusal;
    return await next();
  });
  app.route('/', runLogRoutes({ logs, plain, authorise: async () => ({}) }));

  return app
    .get('/templates', () => jsonAnswer(200, { templates: runner.templates().map(templateFacts) }))
    .get('/runs', async (c) => {
      const limit = Math.min(RUNS_MOST, readNumber(c.req.query('limit'), 'limit') ?? RUNS_MOST);
      const part = (c.req.query('name') ?? '').toLowerCase();
      const runs = (await runner.list()).filter(({ id }) => id.toLowerCase().includes(part));
      return jsonAnswer(200, { runs: runs.slice(0, limit).map(runFacts), total: runs.length });
    })
    .post(
      '/runs',
      bodyAtMost(BODY_LIMIT, `Expected a request of at most ${BODY_LIMIT} bytes.`),
      async (c) => {
        const { run, isNew } = await runner.start(readRequest(await c.req.text()));
        return jsonAnswer(isNew ? 201 : 200, runFacts(run));
      },
    )
    .get('/runs/:id', async (c) => {
      const run = await runner.find(c.req.param('id'));
      if (run) return jsonAnswer(200, runFacts(run));
      throw new AppError('not_found', 'There is no such run.', { hint: 'GET /runs lists them.' });
    })
    .delete('/runs/:id', async (c) => {
      await runner.remove(c.req.param('id'));
      return jsonAnswer(200, { ok: true });
    })
    .post('/runs/:id/cancel', async (c) => {
      const run = await runner.cancel(c.req.param('id'));
      return jsonAnswer(run.end ? 200 : 202, runFacts(run));
    })
    .get('/api/training/logs/:id', async (c) => {
      try {
        const limit = Math.min(LINES_MOST, readNumber(c.req.query('limit'), 'limit') ?? LINES);
        const offset = readNumber(c.req.query('offset'), 'offset');
        const { lines, times, ...rest } = await runner.lines(c.req.param('id'), limit, offset);
        return jsonAnswer(200, { logs: lines, ...rest, times });
      } catch (thrown) {
        const { code, message } = toAppError(thrown);
        if (code === 'internal') throw thrown;
        // Here `error` is the text itself: what clients of this route have always shown.
        return jsonAnswer(HTTP_STATUS[code], { error: message, code });
      }
    });
}

/**
 * Without a token whatever a browser of this machine can be made to send must be refused: it comes from a page (`Origin`),
 * or names a host of somebody else's that was pointed here.
 */
function browserRefusal(request: Request): Response | undefined {
  const host = request.headers.get('host')?.replace(/:\d+$/, '') ?? '';
  if (isLoopback(host) && !request.headers.has('origin')) return undefined;
  return jsonAnswer(403, {
    ok: false,
    error: 'permission_denied',
    message: 'This runner has no token, so it answers programs of its own machine only, and no web pages.',
    hint: 'Connect to 127.0.0.1, or set RUNNER_TOKEN where the runner is started.',
  });
}

function readRequest(body: string): z.output<typeof runRequest> {
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch (error) {
    throw wrongRequest(`it is not JSON (${(error as Error).message})`);
  }
  const parsed = runRequest.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw wrongRequest(`${issue!.path.join('.') || 'the body'}: ${issue!.message}`);
}

const wrongRequest = (what: string): AppError =>
  new AppError('invalid_input', `The request cannot be read: ${what}.`, {
    hint: 'Expected for example {"template": "press", "name": "press-7", "parameters": {"lr": 0.01}}.',
  });

/** @throws AppError invalid_input */
function readNumber(given: string | undefined, name: string): number | undefined {
  if (given === undefined) return undefined;
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new AppError(
    'invalid_input',
    `?${name}= is ${JSON.stringify(given.slice(0, 40))}: expected a whole number from 0 to ${LARGEST}.`,
  );
}

/** Without the command, its folder and its environment: they may hold secrets, and are nobody's business. */
function templateFacts({ name, description, terminal, parameters }: RunTemplate): object {
  return { name, description, terminal, parameters };
}

const iso = (at: number | undefined): string | undefined =>
  at === undefined ? undefined : new Date(at).toISOString();

function runFacts({ end, createdAt, startedAt, updatedAt, ...run }: RunnerRun): object {
  const { id, template, parameters, state, reason, size } = run;
  return {
    ...{ id, template, parameters, state, reason, size },
    exit_code: end?.exitCode,
    signal: end?.signal,
    created_at: iso(createdAt),
    started_at: iso(startedAt),
    updated_at: iso(updatedAt),
    ended_at: iso(end?.at),
  };
}
