/**
 * Who may see a run's log in a browser. Slack shows a person a link with a token behind its `#`, which browsers send to
 * nobody and no log has; the page gives the token back once, for a cookie that holds for this run alone. Whether the
 * person may still read the log is asked again at each request, and each minute of a stream.
 */
import { randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { parse, serialize } from 'hono/utils/cookie';
import { z } from 'zod';
import { type Memberships, may, nothingOpen, permittedUseCases, refusal } from '../domain/access.ts';
import { readRunId } from '../domain/runs.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { AppError } from '../ground/errors.ts';
import type { Clock, EpochMs } from '../ground/time.ts';
import type { AuditTrail } from '../ports/audit-trail.ts';
import { type HttpEnv, type HttpRoutes, jsonAnswer } from '../ports/http-routes.ts';
import type { ViewerLinks } from '../ports/viewer-links.ts';
import type { ViewerStore } from '../ports/viewer-store.ts';
import type { Viewing } from './run-logs.ts';
import { readToken, signToken } from './signed-tokens.ts';

export interface ViewerSessionsOptions {
  store: ViewerStore & Pick<AuditTrail, 'appendAudit'>;
  clock: Clock;
  useCases: readonly UseCase[];
  directory: Memberships;
  /** Where browsers find `/runs/:id`: `https://signalbox.example.com`. */
  publicUrl: string;
  /** Milliseconds until a link expires. */
  linkFor: number;
  /** Milliseconds until somebody has to press the button again; 8 hours. */
  sessionFor?: number | undefined;
}

const SESSION_FOR = 8 * 3_600_000;
const COOKIE = 'signalbox_run';
/** Bytes of a request for a session; a token has some 300. */
const BODY_LIMIT = 4 * 1024;

/** In short, because it stands in an address. */
const claims = z.object({
  /** Slack team and user. */
  t: z.string(),
  u: z.string(),
  /** Use case and run. */
  c: z.string(),
  r: z.string(),
  /** Valid before this moment. */
  e: z.number(),
});
const linkClaims = claims.extend({ n: z.string() });
type Session = z.output<typeof claims>;

export class ViewerSessions implements ViewerLinks {
  readonly linkFor: number;
  /** `POST /runs/:id/session`. */
  readonly routes: HttpRoutes;
  readonly #options: ViewerSessionsOptions;
  readonly #base: URL;
  #secret: string | undefined;

  constructor(options: ViewerSessionsOptions) {
    this.#options = options;
    this.linkFor = options.linkFor;
    this.#base = new URL(options.publicUrl);
    this.routes = new Hono<HttpEnv>().post('/runs/:id/session', (c) =>
      this.#signIn(c.req.raw, c.req.param('id')),
    );
  }

  async linkTo(actor: Actor, run: string): Promise<string> {
    const { useCase } = readRunId(run);
    const link: z.output<typeof linkClaims> = {
      t: actor.team,
      u: actor.user,
      c: useCase,
      r: run,
      e: this.#options.clock.now() + this.linkFor,
      n: randomBytes(12).toString('base64url'),
    };
    const token = signToken(await this.#signingSecret(), 'link', link);
    return `${this.#base.origin}${this.#pathOf(run)}#t=${token}`;
  }

  /** @throws AppError permission_denied, or what Slack's silence leaves open: the request comes with no session for it */
  async authorise(request: Request, run: string): Promise<Viewing> {
    const session = await this.#sessionOf(request, run);
    if (!session)
      throw new AppError('permission_denied', 'You are not signed in to see this run.', {
        hint: 'Open the run from its message in Slack, which gives you a link of your own.',
      });
    const check = (): Promise<UseCase> => this.#check(session);
    const useCase = await check();
    return { recheck: check, downloading: () => this.#record(session, useCase, 'run.downloaded') };
  }

  async #signIn(request: Request, run: string): Promise<Response> {
    const { clock, sessionFor = SESSION_FOR, store } = this.#options;
    const link = await this.#linkOf(await readBody(request), run);
    const before = await this.#sessionOf(request, run);
    if (before && !isSamePerson(before, link))
      throw new AppError('permission_denied', 'This link is for somebody else.', {
        hint: 'Open the run from its message in Slack yourself, which gives you a link of your own.',
      });
    // Before it is used up: where Slack does not answer, the same link works in a moment.
    const useCase = await this.#check(link);
    if (!(await store.useViewerLink(link.n, link.e))) {
      if (before) return jsonAnswer(200, { ok: true, expires_at: new Date(before.e).toISOString() });
      throw new AppError('permission_denied', 'This link was used before.', { hint: AGAIN });
    }
    const { n: _, ...person } = link;
    const session: Session = { ...person, e: clock.now() + sessionFor };
    await this.#record(session, useCase, 'run.opened');
    const token = signToken(await this.#signingSecret(), 'session', session);
    return jsonAnswer(
      200,
      { ok: true, expires_at: new Date(session.e).toISOString() },
      {
        'set-cookie': serialize(COOKIE, token, {
          path: this.#pathOf(run),
          maxAge: Math.floor(sessionFor / 1000),
          httpOnly: true,
          sameSite: 'Strict',
          secure: this.#base.protocol === 'https:',
        }),
      },
    );
  }

  /** @throws AppError permission_denied: the token is no link to this run that still holds */
  async #linkOf(token: string, run: string): Promise<z.output<typeof linkClaims>> {
    const read = linkClaims.safeParse(readToken(await this.#signingSecret(), 'link', token));
    if (!read.success || read.data.r !== run)
      throw new AppError('permission_denied', 'This link is not valid for this run.', { hint: AGAIN });
    if (this.#isOver(read.data.e))
      throw new AppError('permission_denied', 'This link has expired.', { hint: AGAIN });
    return read.data;
  }

  /** @returns undefined where there is none that holds */
  async #sessionOf(request: Request, run: string): Promise<Session | undefined> {
    const token = parse(request.headers.get('cookie') ?? '', COOKIE)[COOKIE];
    if (token === undefined) return undefined;
    const read = claims.safeParse(readToken(await this.#signingSecret(), 'session', token));
    return read.success && read.data.r === run && !this.#isOver(read.data.e) ? read.data : undefined;
  }

  /** @throws AppError: the session is over, or the person may not read the log (any more) */
  async #check({ u: user, c: id, r: run, e: until }: Session): Promise<UseCase> {
    const { useCases, directory } = this.#options;
    if (this.#isOver(until))
      throw new AppError('permission_denied', 'Your session is over.', { hint: AGAIN });
    const useCase = readRunId(run).useCase === id ? useCases.find((one) => one.id === id) : undefined;
    if (!useCase) {
      // Ask Slack even if the use case does not exist, so that both fail alike when Slack does not answer.
      await permittedUseCases(user, 'logs:read', useCases, directory);
      throw nothingOpen();
    }
    if (await may(user, 'logs:read', useCase, directory)) return useCase;
    throw refusal(useCase, 'logs:read');
  }

  async #record({ t: team, u: user, r: run }: Session, useCase: UseCase, action: string): Promise<void> {
    const { store, clock } = this.#options;
    await store.appendAudit({
      at: clock.now(),
      actor: { team, user },
      action,
      useCase: useCase.id,
      subject: readRunId(run).job,
    });
  }

  #isOver(until: EpochMs): boolean {
    return this.#options.clock.now() >= until;
  }

  #pathOf(run: string): string {
    return `${this.#base.pathname.replace(/\/+$/, '')}/runs/${run}`;
  }

  async #signingSecret(): Promise<string> {
    this.#secret ??= await this.#options.store.viewerSecret(randomBytes(32).toString('base64url'));
    return this.#secret;
  }
}

const AGAIN =
  'Open the run from its message in Slack again: each link lets one person in once, for a few minutes.';

const isSamePerson = (a: Session, b: Session): boolean => a.t === b.t && a.u === b.u;

/**
 * Only as JSON, which a page elsewhere cannot make a browser send without being asked.
 * @throws AppError invalid_input
 */
async function readBody(request: Request): Promise<string> {
  const expected = 'Expected {"token": "…"} as application/json';
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    throw new AppError(
      'invalid_input',
      `${expected}, but got ${type ? `${type.slice(0, 80)}` : 'no content type'}.`,
    );
  const length = Number(request.headers.get('content-length') ?? Number.NaN);
  if (!(length <= BODY_LIMIT))
    throw new AppError('invalid_input', `${expected}, with a length of at most ${BODY_LIMIT} bytes.`);
  try {
    return z.object({ token: z.string() }).parse(await request.json()).token;
  } catch (cause) {
    throw new AppError('invalid_input', `${expected}, but got something else.`, { cause });
  }
}
