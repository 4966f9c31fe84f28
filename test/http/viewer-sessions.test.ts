import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runId } from '../../src/domain/runs.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { runLogRoutes } from '../../src/http/run-logs.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { ViewerSessions } from '../../src/http/viewer-sessions.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { type HandTimers, handTimers } from '../fixtures/hand-timers.ts';
import { CountedLogs, chunkOf, collect, ENDED, sentEvents } from './run-log-house.ts';

const RUN = runId({ useCase: 'line-3', provider: 'local', job: 'press-1' });
const OTHER = runId({ useCase: 'line-3', provider: 'local', job: 'press-2' });
const ELSEWHERE = runId({ useCase: 'harbor', provider: 'local', job: 'crane-1' });
const ADA = { team: 'T0LINE', user: 'U0ADA' };
const BEN = { team: 'T0LINE', user: 'U0BEN' };
const MINUTE = 60_000;

const useCase = (id: string, viewer: string[]): UseCase =>
  ({ id, name: id, channels: ['C0LINE3'], access: { viewer } }) as unknown as UseCase;

let folder: string;
let store: Store;
let server: HttpServer;
let timers: HandTimers;
let logs: CountedLogs;
let sessions: ViewerSessions;
let base: string;
/** Members of the group that may read the logs of line-3. */
let members: Set<string>;
/** Set: Slack does not answer. */
let silence: AppError | undefined;
const publicUrls = { plain: 'http://bot.example.com', behind: 'https://example.com/signalbox/' };

async function start(publicUrl = publicUrls.plain): Promise<void> {
  store = await openLowdbStore(folder, { now: () => timers.clock.now() });
  sessions = new ViewerSessions({
    store,
    clock: timers.clock,
    useCases: [useCase('line-3', ['S0READ']), useCase('harbor', ['U0CHLOE'])],
    directory: {
      isInGroup: async (user) => {
        if (silence) throw silence;
        return members.has(user);
      },
      isInChannel: async () => false,
    },
    publicUrl,
    linkFor: 5 * MINUTE,
  });
  const routes = runLogRoutes({
    logs,
    timers,
    authorise: (request, id) => sessions.authorise(request, id),
  });
  server = await startHttpServer([routes, sessions.routes], { port: 0, closeWithin: 200 });
  base = `http://127.0.0.1:${server.port}/runs`;
}

async function stop(): Promise<void> {
  await server.close();
  await store.close();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-viewer-'));
  timers = handTimers();
  members = new Set(['U0ADA', 'U0BEN']);
  silence = undefined;
  logs = new CountedLogs({ clock: timers.clock });
  for (const id of [RUN, OTHER, ELSEWHERE]) {
    await logs.create(id);
    await logs.print(id, `of ${id}`);
  }
  await start();
});
afterEach(async () => {
  await stop();
  await rm(folder, { recursive: true });
});

const tokenOf = (link: string): string => new URL(link).hash.slice('#t='.length);

const post = (token: unknown, { run = RUN, cookie = '', body = JSON.stringify({ token }) } = {}) =>
  fetch(`${base}/${run}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(cookie ? { cookie } : {}) },
    body,
  });

const cookieOf = (answer: Response): string => answer.headers.get('set-cookie')!.split(';')[0]!;

/** The cookie of somebody who has just opened a link. */
async function signIn(actor = ADA, run = RUN): Promise<string> {
  const answer = await post(tokenOf(await sessions.linkTo(actor, run)), { run });
  expect(answer.status).toBe(200);
  return cookieOf(answer);
}

const get = (cookie: string, run = RUN, way = '') =>
  fetch(`${base}/${run}/logs${way}`, { headers: cookie ? { cookie } : {} });

async function refused(answer: Response): Promise<string> {
  expect([403, 404]).toContain(answer.status);
  expect(answer.headers.get('set-cookie')).toBeNull();
  return ((await answer.json()) as { message: string }).message;
}

describe('[W5] a link to a run', () => {
  it('has its token where browsers send it to nobody, and gives a cookie for this run alone', async () => {
    const link = await sessions.linkTo(ADA, RUN);
    expect(link).toMatch(/^http:\/\/bot\.example\.com\/runs\/line-3~local~press-1#t=[\w.-]+$/);
    expect(link.length).toBeLessThan(3_000);
    const answer = await post(tokenOf(link));
    expect(answer.headers.get('set-cookie')).toMatch(
      /^signalbox_run=[\w.-]+; Max-Age=28800; Path=\/runs\/line-3~local~press-1; HttpOnly; SameSite=Strict$/,
    );
    expect(await answer.json()).toEqual({ ok: true, expires_at: '2026-01-05T20:00:00.000Z' });
    const log = (await (await get(cookieOf(answer))).json()) as { data: string };
    expect(atob(log.data)).toBe(`of ${RUN}`);
  });

  it('keeps its cookie to https and to the path that browsers see, where that is so', async () => {
    await stop();
    await start(publicUrls.behind);
    const link = await sessions.linkTo(ADA, RUN);
    expect(link).toContain('https://example.com/signalbox/runs/line-3~local~press-1#t=');
    const cookie = (await post(tokenOf(link))).headers.get('set-cookie');
    expect(cookie).toContain('; Path=/signalbox/runs/line-3~local~press-1;');
    expect(cookie).toContain('; Secure');
  });

  it('works once, however many are faster', async () => {
    const token = tokenOf(await sessions.linkTo(ADA, RUN));
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403]);
    expect(await refused(await post(token))).toBe('This link was used before.');
  });

  it('that is pressed again changes nothing for who is in already', async () => {
    const token = tokenOf(await sessions.linkTo(ADA, RUN));
    const cookie = cookieOf(await post(token));
    const again = await post(token, { cookie });
    expect([again.status, again.headers.get('set-cookie')]).toEqual([200, null]);
  });

  it('of one person does nothing in a browser where another one is signed in, and still works for its own', async () => {
    const token = tokenOf(await sessions.linkTo(ADA, RUN));
    const cookie = await signIn(BEN);
    expect(await refused(await post(token, { cookie }))).toBe('This link is for somebody else.');
    expect((await post(token)).status).toBe(200);
  });

  it('expires', async () => {
    const token = tokenOf(await sessions.linkTo(ADA, RUN));
    timers.sleep(5 * MINUTE);
    expect(await refused(await post(token))).toBe('This link has expired.');
  });

  it('that was changed, is for another run, or is something else, lets nobody in', async () => {
    const token = tokenOf(await sessions.linkTo(ADA, RUN));
    const [body, signature] = token.split('.') as [string, string];
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, u: 'U0CHLOE' })).toString('base64url');
    const session = (await signIn()).split('=')[1]!;
    for (const bad of [
      `${forged}.${signature}`,
      `${body}.${signature.slice(0, -2)}`,
      `${body}.${signature}=`,
      `${body}.${signature}.`,
      body,
      '',
      '.',
      session,
    ])
      expect(await refused(await post(bad))).toBe('This link is not valid for this run.');
    expect(await refused(await post(token, { run: OTHER }))).toBe('This link is not valid for this run.');
    expect((await post(token)).status).toBe(200);
  });

  it('is asked for as JSON of few bytes, and as nothing else', async () => {
    const token = tokenOf(await sessions.linkTo(ADA, RUN));
    for (const body of ['', 'null', '[]', '{"token":1}', `{"token":"${'x'.repeat(5_000)}"}`, '{']) {
      const answer = await post(token, { body });
      expect([body.slice(0, 20), answer.status]).toEqual([body.slice(0, 20), 400]);
      expect(((await answer.json()) as { message: string }).message).toContain('Expected {"token": "…"}');
    }
    const form = await fetch(`${base}/${RUN}/session`, {
      method: 'POST',
      body: new URLSearchParams({ token }),
    });
    expect(form.status).toBe(400);
    const read = await fetch(`${base}/${RUN}/session`);
    expect([read.status, read.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('is not used up where Slack does not say whether the person may come in', async () => {
    const token = tokenOf(await sessions.linkTo(ADA, RUN));
    silence = new AppError('unavailable', 'Slack does not answer.');
    expect((await post(token)).status).toBe(503);
    silence = undefined;
    expect((await post(token)).status).toBe(200);
  });

  it('to what the person may not read, or to a use case that is not configured, lets nobody in', async () => {
    members.delete('U0ADA');
    expect(await refused(await post(tokenOf(await sessions.linkTo(ADA, RUN))))).toBe(
      'You do not have permission to read the logs of line-3 (line-3).',
    );
    const gone = 'packing~local~box-1';
    expect(await refused(await post(tokenOf(await sessions.linkTo(ADA, gone)), { run: gone }))).toBe(
      'You do not have access to anything by that name.',
    );
  });
});

describe('[W5] a session', () => {
  it('is needed, and holds for one run', async () => {
    const cookie = await signIn();
    expect(await refused(await get(''))).toBe('You are not signed in to see this run.');
    for (const run of [OTHER, ELSEWHERE, 'line-3~local~no-such-run'])
      expect(await refused(await get(cookie, run))).toBe('You are not signed in to see this run.');
    for (const way of ['', '/stream', '/download'])
      expect(await refused(await get('signalbox_run=x.y', RUN, way))).toContain('not signed in');
    const link = tokenOf(await sessions.linkTo(ADA, RUN));
    expect(await refused(await get(`signalbox_run=${link}`))).toContain('not signed in');
  });

  it('ends, and its stream with it', async () => {
    const cookie = await signIn();
    const events = sentEvents((await get(cookie, RUN, '/stream')).body!);
    expect(chunkOf((await events.next()).value!).toString()).toBe(`of ${RUN}`);
    const rest = collect(events);
    timers.sleep(8 * 60 * MINUTE - MINUTE);
    await timers.advance(MINUTE);
    expect((await rest).at(-1)).toMatchObject({
      event: 'denied',
      data: { error: 'permission_denied', message: 'Your session is over.' },
    });
    expect(await refused(await get(cookie))).toContain('not signed in');
  });

  it('ends with the right, within a minute also in the middle of a stream', async () => {
    const cookie = await signIn();
    const events = sentEvents((await get(cookie, RUN, '/stream')).body!);
    await events.next();
    const rest = collect(events);
    members.delete('U0ADA');
    await timers.advance(MINUTE);
    expect((await rest).at(-1)).toMatchObject({
      event: 'denied',
      data: { message: 'You do not have permission to read the logs of line-3 (line-3).' },
    });
    for (const way of ['', '/stream', '/download'])
      expect(await refused(await get(cookie, RUN, way))).toContain('You do not have permission');
    members.add('U0ADA');
    expect((await get(cookie)).status).toBe(200);
  });

  it('goes on after a restart, and used links stay used', async () => {
    const token = tokenOf(await sessions.linkTo(ADA, RUN));
    const cookie = cookieOf(await post(token));
    const fresh = tokenOf(await sessions.linkTo(BEN, RUN));
    await stop();
    await start();
    expect((await get(cookie)).status).toBe(200);
    expect(await refused(await post(token))).toBe('This link was used before.');
    expect((await post(fresh)).status).toBe(200);
  });

  it('of another installation is none', async () => {
    const cookie = await signIn();
    await stop();
    await rm(folder, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'signalbox-viewer-'));
    await start();
    expect(await refused(await get(cookie))).toContain('not signed in');
  });

  it('is on record when it begins, and so is each file that it downloads', async () => {
    await logs.finish(RUN, ENDED);
    const cookie = await signIn();
    await (await get(cookie, RUN, '/download')).arrayBuffer();
    await fetch(`${base}/${RUN}/logs/download`, { method: 'HEAD', headers: { cookie } });
    const record = { actor: ADA, useCase: 'line-3', subject: 'press-1' };
    expect(await store.listAudit({ limit: 10 })).toMatchObject([
      { ...record, action: 'run.downloaded' },
      { ...record, action: 'run.opened' },
    ]);
  });
});
