/** The sandbox's page in a browser, with the scripted app connected: `const page = await startPage()`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from '@slack/bolt';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { type SlackSandbox, startSlackSandbox } from '../../src/slack/index.ts';
import { WORKSPACE } from '../workspace.ts';
import { launchBrowser } from './browser.ts';
import { buildPage } from './built-page.ts';
import { MANIFEST, startScriptedApp } from './scripted-app.ts';

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export interface SandboxPage {
  sandbox: SlackSandbox;
  app: App;
  /** A page at this hash, as new; whatever its console complains about is kept for `leave`. */
  open(hash: string, options?: BrowserContextOptions): Promise<Page>;
  /** Closes what `open` opened, and every modal of Ada's; returns what its console complained about. */
  leave(): Promise<string[]>;
  composer(): Locator;
  /** Clicks into the composer, types and sends, as people do. */
  run(text: string): Promise<void>;
  message(text: string | RegExp): Locator;
  /** @returns the message's `ts` */
  post(channel: string, message: { text: string; blocks?: unknown; thread_ts?: string }): Promise<string>;
  stop(): Promise<void>;
}

export async function startPage(env: Record<string, string> = {}): Promise<SandboxPage> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-page-'));
  const sandbox = await startSlackSandbox({
    dataDir: join(folder, 'data'),
    manifest: MANIFEST,
    world: WORKSPACE,
    pageDir: await buildPage(folder),
    rateLimits: false,
    shareDelayMs: 0,
    ackTimeoutMs: 1500,
  });
  const app = await startScriptedApp(sandbox);
  const browser: Browser = await launchBrowser(env);
  let page: Page;
  /** A browser takes longer to make a page than the page to load: those without wishes of their own share one. */
  let kept: Page | undefined;
  let isUsual = false;
  let problems: string[] = [];

  /** Modals outlive the page, as in Slack; the next test starts without. */
  async function closeViews(user: string): Promise<void> {
    const answer = await fetch(`${sandbox.url}/sandbox/slack/views?user=${user}`);
    const { views } = (await answer.json()) as { views: { id: string }[] };
    for (const { id } of views.reverse())
      await fetch(`${sandbox.url}/sandbox/slack/view`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user, view_id: id, close: true }),
      });
  }

  async function newPage(options: BrowserContextOptions): Promise<Page> {
    const context = await browser.newContext({ acceptDownloads: true, ...options });
    const made = await context.newPage();
    made.setDefaultTimeout(30_000);
    made.on('pageerror', (error) => problems.push(error.message));
    made.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
        problems.push(message.text());
    });
    return made;
  }

  /** As a new one: nothing is kept of what was stored, routed, listened to, pointed at or emulated. */
  async function forget(used: Page): Promise<void> {
    await used.evaluate('localStorage.clear(); sessionStorage.clear()');
    await used.goto('about:blank');
    await used.unrouteAll();
    used.removeAllListeners('response');
    await used.emulateMedia({ colorScheme: null });
    await used.mouse.move(0, 0);
  }

  const composer = () => page.getByRole('combobox', { name: /^Message / });
  return {
    sandbox,
    app,
    async open(hash, options = {}) {
      const { viewport = DESKTOP, ...more } = options;
      isUsual = Object.keys(more).length === 0;
      page = (isUsual ? kept : undefined) ?? (await newPage({ viewport, ...more }));
      if (isUsual) kept = page;
      problems = [];
      await page.setViewportSize(viewport ?? DESKTOP);
      await page.goto(`${sandbox.url}/${hash}`);
      return page;
    },
    async leave() {
      const found = problems;
      if (isUsual) await forget(page);
      else await page.context().close();
      await closeViews('U0ADA');
      return found;
    },
    composer,
    async run(text) {
      await composer().click();
      await composer().fill(text);
      await composer().press('Enter');
    },
    message: (text) => page.getByRole('article').filter({ hasText: text }),
    async post(channel, message) {
      const { ts } = await app.client.chat.postMessage({ channel, ...message } as Parameters<
        typeof app.client.chat.postMessage
      >[0]);
      return String(ts);
    },
    async stop() {
      await browser.close();
      await app.stop();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
