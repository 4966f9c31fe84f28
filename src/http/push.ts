/**
 * Runs that are sent to Signalbox from wherever they run, by `signalbox run --push` or by anything that can call HTTP
 * (docs/live-logs.md). A log continues where it ends: senders ask for that offset, and are told when theirs is wrong.
 */
import { randomBytes } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { isPushName, PUSH_LARGEST, type PushSender, readSender } from '../domain/pushed-runs.ts';
import { type RunEnd, runId } from '../domain/runs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import { KeyQueue } from '../ground/key-queue.ts';
import type { Clock } from '../ground/time.ts';
import { type HttpEnv, type HttpRoutes, jsonAnswer } from '../ports/http-routes.ts';
import { RunLogConflict, type RunLogInfo, type RunLogStore } from '../ports/run-log-store.ts';
import { errorAnswer } from './answers.ts';
import { hasBearer, wrongBearer } from './bearer.ts';
import { bodyAtMost, readByteCount } from './requests.ts';

export interface PushRoutesOptions {
  logs: Pick<RunLogStore, 'create' | 'info' | 'append' | 'skip' | 'finish'>;
  /** Those with a push token accept runs. */
  useCases: readonly UseCase[];
  clock: Clock;
  /** Called when something of a run has arrived, and when it has ended. */
  arrived?: ((info: RunLogInfo) => void) | undefined;
}

const name = z.string().max(200);
const openSchema = z.strictObject({ host: name.optional(), key: name.optional() }).prefault({});
const offset = z.number().int().nonnegative();
const gapSchema = z.strictObject({ from: offset, to: offset, writer: name });
const finishSchema = z
  .strictObject({
    exit_code: z.number().int().nullable(),
    signal: z
      .string()
      .regex(/^SIG[A-Z0-9+]{1,20}$/)
      .nullable()
      .default(null),
    /** Left out: as the exit code says. */
    state: z.enum(['completed', 'failed', 'stopped', 'lost']).optional(),
    final_size: offset,
    writer: name,
  })
  // What nobody saw exit with 0 is never shown as done.
  .refine(({ state, exit_code }) => state !== 'completed' || exit_code === 0, {
    path: ['state'],
    message: 'only a run whose exit_code is 0 is completed',
  })
  .refine(({ exit_code, signal }) => exit_code === null || signal === null, {
    path: ['signal'],
    message: 'a process has an exit_code or was ended by a signal: the other one is null',
  });

/** Tries of a request whose log another instance changes each time: the sender's other requests, or another sender's. */
const TRIES = 5;

/** `POST /push/runs/:name`, `…/logs`, `…/gap` and `…/finish`; no routes if no use case accepts runs. */
export function pushRoutes({ logs, useCases, clock, arrived }: PushRoutesOptions): HttpRoutes {
  const app = new Hono<HttpEnv>();
  const taking = useCases.filter(({ providers }) => providers?.push);
  if (taking.length === 0) return app;
  /** Here the sender is looked up and the bytes are appended before any other request has a turn. */
  const turns = new KeyQueue<string>();

  const answer = async (
    c: Context<HttpEnv, '/push/runs/:name'>,
    work: (id: string) => Promise<Response>,
  ): Promise<Response> => {
    const useCase = useCaseOf(c.req.raw, taking);
    if (useCase instanceof Response) return useCase;
    const id = runId({ useCase: useCase.id, provider: 'push', job: pushName(c.req.param('name')) });
    try {
      return await turns.run(id, () => basedOnNow(() => work(id)));
    } catch (error) {
      if (!(error instanceof RunLogConflict)) throw error;
      return conflictAnswer(error, (await logs.info(id))?.end ? 'ended' : 'offset');
    }
  };
  const known = async (
    id: string,
    writer: string,
  ): Promise<{ info: RunLogInfo; sender: PushSender } | Response> => {
    const info = await logs.info(id);
    if (!info)
      throw new AppError('not_found', 'There is no such run here.', {
        hint: 'Begin it: POST /push/runs/<name>',
      });
    const sender = readSender(info.cursor);
    return sender?.writer === writer ? { info, sender } : replacedAnswer(info);
  };
  const limit = bodyAtMost(PUSH_LARGEST, `Expected at most ${PUSH_LARGEST} bytes at a time.`);

  return app
    .post('/push/runs/:name', limit, (c) =>
      answer(c, async (id) => {
        const { host, key } = readJson(openSchema, (await c.req.text()) || '{}');
        const before = await logs.info(id);
        const sender = before && readSender(before.cursor);
        if (sender && sender.key !== key)
          throw new AppError('conflict', `There is another run of the name ${c.req.param('name')}.`, {
            hint: 'Give this one another --name.',
          });
        const found = before ?? (await logs.create(id));
        const { size, end } = found;
        const writer = end && sender ? sender.writer : randomBytes(12).toString('base64url');
        if (!end)
          await logs.append(
            id,
            size,
            new Uint8Array(0),
            JSON.stringify({ heard: 0, ...sender, writer, key, host }),
            found,
          );
        return jsonAnswer(200, { run_id: id, writer, size, ended: end !== undefined });
      }),
    )
    .post('/push/runs/:name/logs', limit, (c) =>
      answer(c, async (id) => {
        const encoding = c.req.header('content-encoding');
        if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return encodedAnswer(encoding);
        const at = readByteCount(c.req.query('offset'), '?offset=');
        const bytes = new Uint8Array(await c.req.arrayBuffer());
        const run = await known(id, c.req.query('writer') ?? '');
        if (run instanceof Response) return run;
        const isOutput = bytes.length > 0;
        const sender: PushSender = isOutput
          ? { ...run.sender, printedAt: clock.now() }
          : { ...run.sender, heard: run.sender.heard + 1 };
        // Should somebody else have begun to send it, by another instance, since it was looked up: nothing is added.
        const after = await logs.append(id, at, bytes, JSON.stringify(sender), run.info);
        if (isOutput) arrived?.(after);
        return jsonAnswer(200, { size: after.size });
      }),
    )
    .post('/push/runs/:name/gap', limit, (c) =>
      answer(c, async (id) => {
        const { from, to, writer } = readJson(gapSchema, await c.req.text());
        const run = await known(id, writer);
        if (run instanceof Response) return run;
        const { size } = await logs.skip(id, from, to);
        return jsonAnswer(200, { size });
      }),
    )
    .post('/push/runs/:name/finish', limit, (c) =>
      answer(c, async (id) => {
        const order = readJson(finishSchema, await c.req.text());
        const run = await known(id, order.writer);
        if (run instanceof Response) return run;
        const { info } = run;
        if (info.size !== order.final_size) throw new RunLogConflict(info, order.final_size);
        if (!info.end) {
          const ended = await logs.finish(id, endOf(order, clock.now()));
          arrived?.(ended);
        }
        return jsonAnswer(200, { size: info.size });
      }),
    );
}

/** Looks again at what has changed between the look and the append. */
async function basedOnNow<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1)
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RunLogConflict && error.cursorChanged) || tries === TRIES) throw error;
    }
}

/** @returns the answer to requests without a valid token; only its token identifies a use case */
function useCaseOf(request: Request, useCases: readonly UseCase[]): UseCase | Response {
  const [useCase, another] = useCases.filter(({ providers }) => {
    const token = providers?.push?.token.read();
    return token !== undefined && hasBearer(request, token);
  });
  if (useCase && another)
    return errorAnswer(
      new AppError('conflict', 'Several use cases have this token, so it is not known whose run this is.', {
        hint: 'An admin of Signalbox gives each use case a token of its own.',
      }),
    );
  return useCase ?? wrongBearer(request);
}

/** @throws AppError invalid_input */
function pushName(given: string): string {
  if (isPushName(given)) return given;
  throw new AppError('invalid_input', `${JSON.stringify(given.slice(0, 60))} is not a name of a run.`, {
    hint: 'A name is 1 to 120 letters, digits and . _ -, and begins with a letter or digit.',
  });
}

function conflictAnswer(error: RunLogConflict, reason: 'offset' | 'ended'): Response {
  return errorAnswer(error, { size: error.size, reason });
}

function replacedAnswer({ size }: RunLogInfo): Response {
  const error = new AppError('conflict', 'Another one sends this run now.', {
    hint: 'Only who began it last may go on: POST /push/runs/<name>',
  });
  return errorAnswer(error, { size, reason: 'replaced' });
}

/** Its bytes would stand in the log as they are. */
function encodedAnswer(encoding: string): Response {
  return jsonAnswer(415, {
    ok: false,
    error: 'unsupported_encoding',
    message: `The bytes are sent as ${JSON.stringify(encoding.slice(0, 40))}: expected them as they were printed, without a content-encoding.`,
  });
}

function endOf({ exit_code, signal, state }: z.output<typeof finishSchema>, at: number): RunEnd {
  return { state: state ?? (exit_code === 0 ? 'completed' : 'failed'), exitCode: exit_code, signal, at };
}

/** @throws AppError invalid_input */
function readJson<T extends z.ZodType>(schema: T, text: string): z.output<T> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new AppError('invalid_input', `The request is not JSON: ${(error as Error).message}.`);
  }
  const { data, error } = schema.safeParse(raw);
  if (!error) return data;
  const [issue] = error.issues;
  throw new AppError(
    'invalid_input',
    `The request cannot be read: ${issue!.path.join('.') || 'the body'}: ${issue!.message}.`,
  );
}
