/** [W5] A link from Slack opened in Chromium: the page, the routes and the sessions that the bot has, and its state on disk. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, PATIENCE, whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { runLogRoutes } from '../../src/http/run-logs.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { viewerRoutes } from '../../src/http/viewer.ts';
import { ViewerSessions } from '../../src/http/viewer-sessions.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { freePort } from '../fixtures/free-port.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { badge, buildViewer, notice, sees } from './viewer-house.ts';

const RUN = 'line-3~local~press-1';
const OTHER = 'line-3~local~press-2';
const ADA = { team: 'T0LINE', user: 'U0ADA' };
const BEN = { team: 'T0LINE', user: 'U0BEN' };
const LINE_3 = {
  id: 'line-3',
  name: 'Line 3 defects',
  channels: ['C0LINE3'],
  access: { viewer: ['S0READ'] },
} as unknown as UseCase;
const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('[W5] a link to a run, in a browser', () => {
  const members = new Set(['U0ADA', 'U0BEN']);
  const logs = new MemoryRunLogs();
  const pages: Page[] = [];
  let folder: string;
  let store: Store;
  let sessions: ViewerSessions;
  let server: HttpServer;
  let browser: Browser;

  const serve = async (port: number): Promise<void> => {
    store = await openLowdbStore(join(folder, 'state'));
    const options = { store, clock: { now: () => Date.now() }, useCases: [LINE_3], linkFor: 60_000 };
    let links: ViewerSessions | undefined;
    const routes = [
      runLogRoutes({
        logs,
        authorise: async (request, id) => ({ ...(await links!.authorise(request, id)), recheckEvery: 100 }),
      }),
      viewerRoutes({ dir: join(folder, 'page') }),
    ];
    const directory = {
      isInGroup: async (user: string) => members.has(user),
      isInChannel: async () => false,
    };
    links = new ViewerSessions({ ...options, directory, publicUrl: `http://localhost:${port}` });
    sessions = links;
    server = await startHttpServer([...routes, links.routes], { port, closeWithin: 100 });
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-session-'));
    await buildViewer(join(folder, 'page'));
    for (const run of [RUN, OTHER]) {
      await logs.create(run);
      await logs.append(run, 0, Buffer.from(`first words of ${run}\r\n`));
    }
    await serve(await freePort());
    browser = await launchBrowser();
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
    members.add('U0ADA');
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await store?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** In a browser of its own. */
  async function open(link: string): Promise<Page> {
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    pages.push(page);
    await page.goto(link);
    return page;
  }

  it('shows the run as it goes on, leaves no token behind, and lets nobody else in by the same link', async () => {
    const link = await sessions.linkTo(ADA, RUN);
    const page = await open(link);
    await sees(page, `first words of ${RUN}`);
    const { size } = (await logs.info(RUN))!;
    await logs.append(RUN, size, Buffer.from('then more\r\n'));
    await sees(page, 'then more');
    expect(page.url()).toBe(link.replace(/#.*/, ''));
    // Scripts cannot read what lets the page in.
    expect(await page.evaluate('document.cookie')).toBe('');
    const [cookie, ...others] = await page.context().cookies();
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ path: `/runs/${RUN}`, httpOnly: true, sameSite: 'Strict' });

    await notice(await open(link), 'This link was used before.');
    await page.goto(link.replace(RUN, OTHER).replace(/#.*/, ''));
    await notice(page, 'You are not signed in to see this run.');
  });

  it('of somebody else makes nobody of a signed-in person, and stays good for its own', async () => {
    const page = await open(await sessions.linkTo(ADA, RUN));
    await sees(page, 'first words');
    const bens = await sessions.linkTo(BEN, RUN);
    await page.goto('about:blank');
    await page.goto(bens);
    await sees(page, 'first words');
    const opened = async () => (await store.listAudit({ limit: 1 })).map(({ actor }) => actor);
    expect(await opened()).toEqual([ADA]);
    await sees(await open(bens), 'first words');
    expect(await opened()).toEqual([BEN]);
  });

  it('ends with the right while it is watched; a restart of the bot ends nothing', async () => {
    const page = await open(await sessions.linkTo(ADA, RUN));
    await sees(page, 'first words');
    const { port } = server;
    await server.close();
    await store.close();
    await serve(port);
    await badge(page, 'Live');
    const { size } = (await logs.info(RUN))!;
    await logs.append(RUN, size, Buffer.from('after the restart\r\n'));
    await sees(page, 'after the restart');
    members.delete('U0ADA');
    await notice(page, 'You do not have permission to read the logs of Line 3 defects');
  });
});
