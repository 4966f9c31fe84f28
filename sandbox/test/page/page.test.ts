import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SlackSandbox, startSlackSandbox } from '../../src/slack/index.ts';
import { WORKSPACE } from '../workspace.ts';
import { launchBrowser, whyNoBrowser } from './browser.ts';
import { buildPage } from './built-page.ts';
import { DESKTOP, PHONE, type SandboxPage, startPage } from './page.ts';
import { MANIFEST, REPORT_LINES } from './scripted-app.ts';

const noBrowser = await whyNoBrowser();

describe.skipIf(noBrowser)('the sandbox page', () => {
  let sandbox: SlackSandbox;
  let pages: SandboxPage;
  let page: Page;

  beforeAll(async () => {
    pages = await startPage();
    ({ sandbox } = pages);
  });
  afterAll(() => pages?.stop());
  afterEach(async () => expect(await pages.leave()).toEqual([]));

  const open = async (hash: string, viewport = DESKTOP) => {
    page = await pages.open(hash, { viewport });
  };
  const composer = () => pages.composer();
  const run = (text: string) => pages.run(text);
  const message = (text: string | RegExp) => pages.message(text);
  const post: SandboxPage['post'] = (channel, body) => pages.post(channel, body);

  it('suggests commands with their hints, takes the one chosen by keyboard, and shows what it brings', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await composer().fill('/');
    const options = page.getByRole('option');
    await options.filter({ hasText: '/report' }).filter({ hasText: '<name>' }).waitFor();
    await composer().press('ArrowDown');
    await page.getByRole('option', { name: /\/form/, selected: true }).waitFor();
    await composer().press('ArrowUp');
    await composer().press('Tab');
    expect(await composer().inputValue()).toBe('/report ');
    await composer().pressSequentially('first-job');
    await composer().press('Enter');
    const ephemeral = message('Fetching first-job');
    await ephemeral.getByText('Only visible to you').waitFor();
    await message('Report of first-job').getByText('App', { exact: true }).waitFor();
    expect(await composer().inputValue()).toBe('');
  });

  it('says in Slack’s words that a command is unknown, or was not answered in time, and keeps what was typed', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await run('/xyz now');
    await page.getByText('/xyz is not a valid command').waitFor();
    await run('/slow down');
    await page.getByText('/slow failed with the error "operation_timeout"').waitFor();
    expect(await composer().inputValue()).toBe('/slow down');
  });

  it('edits the message in place when its button is pressed', async () => {
    await open('#/C0LINE3?as=U0BEN');
    await run('/report by-button');
    const report = message('Report of by-button');
    await report.getByRole('button', { name: 'Acknowledge' }).click();
    const edited = message('Acknowledged by @Ben Lindqvist').last();
    await edited.getByText('(edited)').waitFor();
    expect(await report.count()).toBe(0);
  });

  it('asks before a button with a confirmation acts, and does nothing on no', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await run('/report to-discard');
    const discard = message('Report of to-discard').getByRole('button', { name: 'Discard' });
    await discard.click();
    await page.getByRole('dialog', { name: 'Discard it?' }).getByRole('button', { name: 'Cancel' }).click();
    await discard.click();
    await page.getByRole('dialog', { name: 'Discard it?' }).getByRole('button', { name: 'Discard' }).click();
    await message('Report of to-discard').waitFor({ state: 'detached' });
  });

  it('sends the choice of a select, counts the reply, and opens the thread', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await run('/report with-thread');
    const report = message('Report of with-thread');
    await report.getByRole('combobox', { name: 'Priority' }).click();
    await page.getByRole('option', { name: 'High' }).click();
    await report.getByRole('button', { name: '1 reply' }).click();
    const thread = page.getByRole('complementary', { name: 'Thread' });
    await thread.getByText('Priority is now high').waitFor();
    const reply = thread.getByRole('combobox', { name: 'Reply in thread' });
    await reply.fill('/report x');
    await reply.press('Enter');
    await thread.getByText('/report is not supported in threads').waitFor();
    await reply.fill('Thanks *all*');
    await reply.press('Shift+Enter');
    await reply.pressSequentially('bye');
    await reply.press('Enter');
    await thread.getByText('all', { exact: true }).waitFor();
    sandbox.workspace.post({
      channel: 'C0LINE3',
      user: 'U0SIGNALBOX',
      text: 'For Ada alone',
      thread_ts: (await report.first().getAttribute('data-ts')) ?? '',
      ephemeral_to: 'U0ADA',
    });
    await thread.getByText('For Ada alone').waitFor();
    await report.getByRole('button', { name: '2 replies' }).waitFor();
    await thread.getByRole('button', { name: 'Close thread' }).click();
    expect(page.url()).not.toContain('thread=');
  });

  it('fills in a modal: typeahead from the app, what is required, the app’s own field errors, submission', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await run('/form');
    const modal = page.getByRole('dialog', { name: 'Ask for logs' });
    await modal.getByRole('button', { name: 'Ask', exact: true }).click();
    await modal.getByText('Please complete this required field.').waitFor();
    const job = modal.getByRole('combobox', { name: /Training job/ });
    expect(await modal.locator('input:focus').getAttribute('aria-label')).toBe('Training job');
    await job.fill('d');
    await page.getByText('Type 1 more character to search').waitFor();
    await job.fill('resnet');
    await page.getByRole('option', { name: 'defects-resnet50-0412' }).waitFor();
    expect(await page.getByRole('option').count()).toBe(1);
    await job.press('Enter');
    const last = modal.getByRole('textbox', { name: /Only the last/ });
    await last.fill('banana');
    await modal.getByRole('checkbox', { name: 'jetson-xavier' }).check();
    await modal.getByRole('button', { name: 'Ask', exact: true }).click();
    await modal.getByText('Expected a time such as 2h, got "banana"').waitFor();
    await last.fill('2h');
    await last.press('Enter');
    await modal.waitFor({ state: 'detached' });
    await message('@Ada Okafor asked for defects-resnet50-0412 2h jetson').waitFor();
  });

  it('closes a modal by Escape, but only the list when one is open in it', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await run('/form');
    const modal = page.getByRole('dialog', { name: 'Ask for logs' });
    await modal.getByRole('combobox', { name: /Training job/ }).click();
    await page.getByText('Type 2 more characters to search').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('Type 2 more characters to search').waitFor({ state: 'detached' });
    expect(await modal.isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    await modal.waitFor({ state: 'detached' });
  });

  it('shows a file with its first lines, opens all of it, and downloads its bytes', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await run('/report a-file');
    const card = page.getByRole('region', { name: 'File training-logs-a-file.log' });
    await card.getByText('epoch 0 loss=1.0000').waitFor();
    await card.getByRole('button', { name: /^Preview/ }).click();
    const preview = page.getByRole('dialog', { name: /Preview of/ });
    await preview.getByText('epoch 299 loss=').waitFor();
    await preview.getByText('300 lines').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      preview.getByRole('link', { name: /Download/ }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('training-logs-a-file.log');
    expect(await readFile(await download.path(), 'utf8')).toBe(REPORT_LINES.join('\n'));
  });

  it('offers the app’s message shortcuts on every message', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await run('Something worth a name');
    const line = message('Something worth a name').last();
    await line.hover();
    await line.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: /Name this/ }).press('Enter');
    const modal = page.getByRole('dialog', { name: 'The message' });
    await modal.getByText('It says: Something worth a name').waitFor();
  });

  it('opens the app’s Home, its conversation and what it can do', async () => {
    await open('#/app/home?as=U0CHLOE');
    await page.getByRole('heading', { name: 'Your jobs' }).waitFor();
    await page.getByText('For @Chloé Martin only').waitFor();
    await page.getByRole('tab', { name: 'About' }).click();
    await page.getByText('Posts a report and its file').waitFor();
    await page.getByRole('tab', { name: 'Messages' }).click();
    await run('Hello there');
    await message('Hello there').waitFor();
  });

  it('hides from one user what only another may see', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await run('/report private-part');
    await message('Fetching private-part').waitFor();
    await page.getByRole('button', { name: /Acting as Ada/ }).click();
    await page.getByRole('menuitemradio', { name: /Ben Lindqvist/ }).click();
    await page.getByRole('button', { name: /Acting as Ben/ }).waitFor();
    await message('Report of private-part').waitFor();
    expect(await message('Fetching private-part').count()).toBe(0);
    expect(page.url()).toContain('as=U0BEN');
    await page.getByRole('button', { name: 'harbor' }).waitFor();
  });

  it('counts what is unread elsewhere and marks where it begins', async () => {
    await open('#/C0ALERTS?as=U0ADA');
    await post('C0ALERTS', { text: 'Still well' });
    await message('Still well').waitFor();
    await page.getByRole('button', { name: 'general' }).click();
    await page.getByRole('heading', { name: 'general', level: 1 }).waitFor();
    await post('C0ALERTS', { text: 'Something broke' });
    await page.getByRole('button', { name: /ml-alerts.*1 unread/ }).click();
    await page.getByRole('separator', { name: 'New messages' }).waitFor();
    await message('Something broke').waitFor();
    await page.getByRole('button', { name: 'ml-alerts', exact: true }).waitFor();
  });

  it('can neither be made to run script nor to follow a script’s address', async () => {
    await open('#/C0ALERTS?as=U0ADA');
    await composer().waitFor();
    const evil =
      '<img src=x onerror="window.hacked=1"> <javascript:window.hacked=2|press me> <script>window.hacked=3</script>';
    const text = { type: 'mrkdwn', text: evil };
    await post('C0ALERTS', {
      text: evil,
      blocks: [
        { type: 'section', text, fields: [text, { type: 'plain_text', text: evil }] },
        { type: 'context', elements: [text] },
        {
          type: 'markdown',
          text: `${evil}\n\n[press me](javascript:window.hacked=4) ![x](javascript:window.hacked=5)`,
        },
        {
          type: 'rich_text',
          elements: [
            {
              type: 'rich_text_section',
              elements: [
                { type: 'link', url: 'javascript:window.hacked=6', text: 'press me' },
                { type: 'text', text: evil },
              ],
            },
          ],
        },
      ],
    });
    await run(`<b>bold</b> ${evil}`);
    const hostile = message('onerror');
    await hostile.nth(1).waitFor();
    for (const link of await hostile.getByText('press me').all()) await link.click({ trial: false });
    expect(await hostile.locator('img, script, b, iframe').count()).toBe(0);
    for (const link of await hostile.getByRole('link').all())
      expect(await link.getAttribute('href')).toMatch(/^https?:/);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
  });

  it('draws tables that sort, filter and page, cards, containers, charts and dates', async () => {
    await open('#/C0RANDOM?as=U0ADA');
    await composer().waitFor();
    sandbox.workspace.channels.get('C0RANDOM')?.members.push('U0SIGNALBOX');
    const raw = (text: string) => ({ type: 'raw_text', text });
    const points = [3, 2, 1].map((value, epoch) => ({ label: `e${epoch}`, value }));
    await post('C0RANDOM', {
      text: 'All kinds of blocks',
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'Nightly summary :rocket:' } },
        { type: 'section', text: { type: 'mrkdwn', text: 'Ended <!date^1700000000^{date_num}|some day>' } },
        {
          type: 'data_table',
          caption: 'Jobs',
          rows: [
            [raw('Job'), raw('Minutes')],
            ...Array.from({ length: 12 }, (_, index) => [
              raw(`job-${index}`),
              { type: 'raw_number', value: 100 - index, text: `${100 - index}` },
            ]),
          ],
        },
        {
          type: 'card',
          title: { type: 'mrkdwn', text: 'One *card*' },
          actions: [{ type: 'button', action_id: 'card', text: { type: 'plain_text', text: 'Open card' } }],
        },
        {
          type: 'container',
          title: { type: 'plain_text', text: 'Details' },
          is_collapsible: true,
          default_collapsed: true,
          child_blocks: [{ type: 'section', text: { type: 'plain_text', text: 'Folded away' } }],
        },
        {
          type: 'data_visualization',
          title: 'Loss',
          chart: {
            type: 'line',
            series: [{ name: 'train', data: points }],
            axis_config: { categories: ['e0', 'e1', 'e2'] },
          },
        },
      ],
    });
    const all = message('Nightly summary');
    await all.getByRole('img', { name: 'rocket' }).waitFor();
    await all.getByText(/Ended 2023-11-1[45]/).waitFor();
    const rows = all.getByRole('region', { name: 'Rows' }).getByRole('row');
    expect(await rows.count()).toBe(6);
    await all.getByRole('button', { name: 'Minutes' }).click();
    await rows.nth(1).getByText('job-11').waitFor();
    await all.getByRole('button', { name: 'Next page' }).click();
    await rows.nth(1).getByText('job-6').waitFor();
    await all.getByRole('searchbox', { name: 'Filter Jobs' }).fill('job-3');
    await rows.nth(1).getByText('job-3').waitFor();
    expect(await rows.count()).toBe(2);
    await all.getByRole('button', { name: 'Open card' }).waitFor();
    expect(await all.getByText('Folded away').count()).toBe(0);
    await all.getByRole('button', { name: 'Expand Details' }).click();
    await all.getByText('Folded away').waitFor();
    await all.getByRole('figure', { name: 'Loss. train: e0 3, e1 2, e2 1' }).waitFor();
  });

  it('takes, lists and clears faults', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await page.getByRole('button', { name: 'Sandbox menu' }).click();
    await page.getByRole('menuitem', { name: /Inject faults/ }).click();
    const panel = page.getByRole('dialog', { name: 'Inject faults' });
    await panel.getByRole('button', { name: 'Slack: server error' }).click();
    await panel.getByText('chat.postMessage').waitFor();
    expect(sandbox.faults.list()).toEqual([{ on: 'chat.postMessage', kind: '500', times: 1 }]);
    await panel.getByRole('button', { name: 'Clear all' }).click();
    await panel.getByText('None: everything works.').waitFor();
    expect(sandbox.faults.list()).toEqual([]);
  });

  it('lets somebody join a channel before they write in it', async () => {
    await open('#/harbor?as=U0EVE');
    expect(await composer().count()).toBe(0);
    await page.getByRole('button', { name: 'Join channel' }).click();
    await run('Hello harbor');
    await message('Hello harbor').waitFor();
  });

  it('gives the app what is filled in when a button inside the modal is pressed', async () => {
    await open('#/C0LINE3?as=U0ADA');
    await run('/form');
    const modal = page.getByRole('dialog', { name: 'Ask for logs' });
    await modal.getByRole('textbox', { name: /Only the last/ }).fill('3d');
    await modal.getByRole('button', { name: 'Check' }).click();
    const pushed = page.getByRole('dialog', { name: 'Checked' });
    await pushed.getByText('It would be the last 3d').waitFor();
    await pushed.getByRole('button', { name: 'Back' }).click();
    expect(await modal.getByRole('textbox', { name: /Only the last/ }).inputValue()).toBe('3d');
  });

  it('says so when a place cannot be seen', async () => {
    await open('#/C0NOWHERE?as=U0EVE');
    await page.getByText('You cannot see this place').waitFor();
  });

  it('works on a phone: channels in a drawer, the thread over the channel, nothing wider than the screen', async () => {
    await open('#/C0LINE3?as=U0ADA', PHONE);
    await composer().waitFor();
    const entry = page.getByRole('button', { name: 'general' });
    expect(await entry.isVisible()).toBe(false);
    await page.getByRole('button', { name: /Channel list/ }).click();
    await entry.click();
    await page.getByRole('heading', { name: 'general', level: 1 }).waitFor();
    await run('From a phone');
    const line = message('From a phone').last();
    await line.hover();
    await line.getByRole('button', { name: 'Reply in thread' }).click();
    await page.getByRole('complementary', { name: 'Thread' }).getByText('From a phone').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width);
  });
});

describe.skipIf(noBrowser)('the sandbox page without a bot', () => {
  it('says that nothing is connected, and what a command comes to', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-page-'));
    const sandbox = await startSlackSandbox({
      dataDir: join(folder, 'data'),
      manifest: MANIFEST,
      world: WORKSPACE,
      pageDir: await buildPage(folder),
    });
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`${sandbox.url}/`);
      await page.getByText('Bot not connected').waitFor();
      const composer = page.getByRole('combobox', { name: /^Message / });
      await composer.fill('/report x');
      await composer.press('Enter');
      await page.getByText('/report failed with the error "dispatch_failed"').waitFor();
    } finally {
      await browser.close();
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
