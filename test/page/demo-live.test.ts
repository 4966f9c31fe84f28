/** The demo as people start it, and a training that runs in it seen in a browser, from *Open live* on its card to its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { launchBrowser, PATIENCE, whyNoBrowser } from '../../sandbox/test/page/browser.ts';
import { endProcess } from '../fixtures/end-process.ts';
import { PROGRAM } from '../fixtures/runner-process.ts';
import { xtermRows } from '../fixtures/xterm.ts';
import { badge, columnsOf, sees, shownText } from './viewer-house.ts';

const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser || !existsSync(PROGRAM))('[W4, W7] the demo’s training in a browser', () => {
  let folder: string;
  let demo: ChildProcess;
  let stderr = '';
  let url: string;
  let runnerUrl: string;
  let browser: Browser;
  let context: BrowserContext;
  const problems: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-demo-live-'));
    const started = launchBrowser();
    demo = spawn(process.execPath, [PROGRAM, 'demo', '--port', '0', '--data', folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    demo.stderr!.on('data', (text) => (stderr += text));
    browser = await started;
    context = await browser.newContext({ viewport: { width: 1180, height: 720 } });
    context.setDefaultTimeout(PATIENCE);
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    context.on('weberror', (error) => problems.push(error.error().message));
    context.on('console', (message) => {
      if (/Content.Security.Policy/i.test(message.text())) problems.push(message.text());
    });
    for await (const line of createInterface({ input: demo.stdout! })) {
      const [, at] = /^Sandbox ready: (\S+)$/.exec(line) ?? [];
      if (at !== undefined) url = at;
      if (line.startsWith('Config: ')) break;
    }
    expect(url, stderr).toBeDefined();
    const config = parse(await readFile(join(folder, 'signalbox.yaml'), 'utf8'));
    runnerUrl = config.useCases[0].providers.local.baseUrl;
  });
  afterAll(async () => {
    await browser?.close();
    await endProcess(demo, 'SIGTERM');
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  /** Presses *Open live* as Ada, and follows her link. */
  async function openLive(): Promise<{ page: Page; name: string }> {
    const slack = await context.newPage();
    await slack.addInitScript("localStorage.setItem('sandbox.hint-seen', 'yes')");
    await slack.goto(`${url}/#/C0LINE3?as=U0ADA`);
    const card = slack.getByRole('article').filter({ hasText: 'weld-anomaly-' }).last();
    await card.getByRole('button', { name: 'Open live' }).click();
    const link = slack.getByRole('article').filter({ hasText: 'Here is your link' }).last();
    const opened = context.waitForEvent('page');
    await link.getByText('Open in the browser').click();
    const [name] = /weld-anomaly-[\d-]+/.exec(await link.innerText())!;
    return { page: await opened, name };
  }

  /** The step of the newest bar, counted from the beginning of the training. */
  async function step(page: Page): Promise<number> {
    const text = await page.locator('.pane.front .xterm-rows').innerText();
    const bars = [...text.replaceAll('\u00a0', ' ').matchAll(/Epoch +(\d+)\/50: .*?\| (\d+)\/50 \[/g)];
    const [, epoch, done] = bars.at(-1) ?? [];
    return done === undefined ? 0 : (Number(epoch) - 1) * 50 + Number(done);
  }
  /** @returns how far it got. @param from what it has to get past */
  async function moves(page: Page, from?: number): Promise<number> {
    const before = from ?? (await step(page));
    await expect.poll(() => step(page), { timeout: PATIENCE, interval: 50 }).toBeGreaterThan(before);
    return step(page);
  }

  it('goes on before one’s eyes, reloaded in the middle and in a second tab, and ends as it was printed', async () => {
    const { page: first, name } = await openLive();
    await badge(first, 'Live');
    const shown = await moves(first, await moves(first));

    await first.reload();
    await badge(first, 'Live');
    const again = await moves(first, shown);
    const second = await context.newPage();
    // The link was used; the browser is signed in.
    await second.goto(first.url());
    await badge(second, 'Live');
    await moves(first, await moves(second, again));
    // Past the first bar, with lines that stay.
    for (const page of [first, second]) {
      await sees(page, 'val_loss=');
      await moves(page);
    }

    const ask = (path: string, method = 'GET') => fetch(`${runnerUrl}/runs/${name}${path}`, { method });
    expect((await ask('/cancel', 'POST')).ok).toBe(true);
    for (const page of [first, second]) await badge(page, 'Stopped · SIGTERM');
    const printed = Buffer.from(await (await ask('/logs/download')).arrayBuffer());
    expect(printed.toString()).toContain('\rEpoch  2/50: ');
    for (const page of [first, second]) {
      await page.bringToFront();
      const rows = await page.locator('.pane.front .xterm-rows > div').count();
      const columns = await columnsOf(page);
      expect(await shownText(page)).toEqual(await xtermRows(printed.toString(), { columns, rows }));
    }
    expect(problems).toEqual([]);
  });
});
