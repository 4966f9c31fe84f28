/** The page of a run in a browser, over the routes that serve it, on runs that a test prints into. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Hono } from 'hono';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { launchBrowser, PATIENCE } from '../../sandbox/test/page/browser.ts';
import { AppError } from '../../src/ground/errors.ts';
import { runLogRoutes } from '../../src/http/run-logs.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { viewerRoutes } from '../../src/http/viewer.ts';
import type { HttpEnv } from '../../src/ports/http-routes.ts';
import type { RunLogStore } from '../../src/ports/run-log-store.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';

export const RUN = 'line-3~local~defects-resnet50';

export interface ViewerHouse {
  logs: RunLogStore;
  readonly url: string;
  /** Set: what requests for the log are refused with. */
  refusal: AppError | undefined;
  /** Set: a session is needed, and these are the links' tokens that still give one. */
  tokens: Set<string> | undefined;
  print(text: string | Uint8Array, run?: string): Promise<void>;
  /** A page in a browser of its own, not yet anywhere. Its errors, and what its policy forbade, end up in `problems`. */
  open(options?: BrowserContextOptions): Promise<{ page: Page; context: BrowserContext }>;
  readonly problems: string[];
  /** The server is gone. */
  down(): Promise<void>;
  /** It is back, at the same address. */
  up(): Promise<void>;
  close(): Promise<void>;
}

/** @param outDir what is in it goes */
export async function buildViewer(outDir: string): Promise<void> {
  await build({
    root: fileURLToPath(new URL('../../src/http/viewer', import.meta.url)),
    build: { outDir, emptyOutDir: true },
    logLevel: 'error',
  });
}

export async function startViewerHouse(logs: RunLogStore = new MemoryRunLogs()): Promise<ViewerHouse> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-viewer-'));
  await buildViewer(folder);
  const problems: string[] = [];
  const browser: Browser = await launchBrowser();
  const serve = (port: number): Promise<HttpServer> =>
    startHttpServer(
      [
        runLogRoutes({
          logs,
          authorise: async (request) => {
            if (house.refusal) throw house.refusal;
            if (house.tokens && !/session=1/.test(request.headers.get('cookie') ?? ''))
              throw new AppError('permission_denied', 'Your session has expired.', {
                hint: 'Open the run again from its message in Slack.',
              });
            return {
              recheckEvery: 200,
              recheck: async () => {
                if (house.refusal) throw house.refusal;
              },
            };
          },
        }),
        viewerRoutes({ dir: folder }),
        new Hono<HttpEnv>().post('/runs/:id/session', async (c) => {
          if (house.refusal) throw house.refusal;
          const { token } = await c.req.json<{ token: string }>();
          if (!house.tokens?.delete(token))
            throw new AppError('permission_denied', 'This link was used before.');
          c.header('set-cookie', `session=1; HttpOnly; SameSite=Strict; Path=/runs/${c.req.param('id')}`);
          return c.body(null, 204);
        }),
      ],
      { port, closeWithin: 100 },
    );
  let server: HttpServer | undefined = await serve(0);
  const { port } = server;
  const house: ViewerHouse = {
    logs,
    url: `http://localhost:${port}/runs/${RUN}`,
    refusal: undefined,
    tokens: undefined,
    print: async (text, run = RUN) => {
      const { size } = await logs.create(run);
      await logs.append(run, size, Buffer.from(text));
    },
    open: async (options) => {
      const context = await browser.newContext({ viewport: { width: 1180, height: 720 }, ...options });
      context.setDefaultTimeout(PATIENCE);
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      const page = await context.newPage();
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => {
        if (/Content.Security.Policy/i.test(message.text())) problems.push(message.text());
      });
      return { page, context };
    },
    problems,
    down: async () => {
      await server?.close();
      server = undefined;
    },
    up: async () => {
      server = await serve(port);
    },
    close: async () => {
      await browser.close();
      await server?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return house;
}

/** What the page's terminal holds: what its button copies. */
export async function shownText(page: Page): Promise<string[]> {
  await page.getByRole('button', { name: /Cop/ }).click();
  await page.getByRole('button', { name: /Copied|copied/ }).waitFor();
  const text: string = await page.evaluate('navigator.clipboard.readText()');
  const rows = text.split('\n').map((row) => row.trimEnd());
  const first = rows.findIndex((row) => row !== '');
  return first < 0 ? [] : rows.slice(first, rows.findLastIndex((row) => row !== '') + 1);
}

/** Resolves when the page's terminal shows these words. */
export async function sees(page: Page, words: string): Promise<void> {
  await page.locator('.pane.front .xterm-rows').getByText(words, { exact: false }).first().waitFor();
}

/** Resolves when the page says that the run is in this state. */
export const badge = (page: Page, text: string): Promise<void> =>
  page.locator('#badge').getByText(text, { exact: true }).waitFor();

/** Resolves when the page gives notice in these words. */
export const notice = (page: Page, text: string): Promise<void> =>
  page.locator('#notice').getByText(text).waitFor();

/** Of the page's terminal. */
export async function columnsOf(page: Page): Promise<number> {
  const widths = await page.evaluate<[number, number]>(`(() => {
    const measured = document.querySelector('.pane.front .xterm-char-measure-element');
    const screen = document.querySelector('.pane.front .xterm-screen');
    return [screen.clientWidth, measured.getBoundingClientRect().width / measured.textContent.length];
  })()`);
  return Math.round(widths[0] / widths[1]);
}
