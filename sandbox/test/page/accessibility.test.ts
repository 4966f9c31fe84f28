/** axe-core's rules over the page's main states: roles, names, contrast in both colour schemes, focus. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from './browser.ts';
import { PHONE, type SandboxPage, startPage } from './page.ts';

const noBrowser = await whyNoBrowser();
const plain = (text: string) => ({ type: 'plain_text', text }) as const;
const option = (text: string) => ({ text: plain(text), value: text });

const FORM = {
  type: 'modal',
  title: plain('All fields'),
  submit: plain('Send'),
  blocks: [
    ...[
      { type: 'plain_text_input', placeholder: plain('A name') },
      { type: 'plain_text_input', multiline: true },
      { type: 'number_input', is_decimal_allowed: false },
      { type: 'static_select', options: [option('one'), option('two')], initial_option: option('one') },
      {
        type: 'multi_static_select',
        options: [option('red'), option('blue')],
        initial_options: [option('red')],
      },
      { type: 'users_select', placeholder: plain('Somebody') },
      { type: 'checkboxes', options: [option('fast'), option('cheap')] },
      { type: 'radio_buttons', options: [option('left'), option('right')] },
      { type: 'datepicker' },
      { type: 'timepicker' },
    ].map((element, index) => ({
      type: 'input',
      block_id: `field-${index}`,
      optional: index > 0,
      label: plain(`Field ${index}`),
      hint: plain('What it is for'),
      element: { ...element, action_id: `field-${index}` },
    })),
    {
      type: 'actions',
      elements: [
        {
          type: 'button',
          action_id: 'unheard',
          style: 'danger',
          text: plain('Erase'),
          confirm: {
            title: plain('Erase it?'),
            text: plain('All of it.'),
            confirm: plain('Erase'),
            style: 'danger',
          },
        },
        { type: 'overflow', action_id: 'more', options: [option('First'), option('Second')] },
      ],
    },
  ],
} as const;

const rules = {
  // The composer: several lines, with suggestions. ARIA knows no other role for it, HTML's rules none.
  'aria-allowed-role': { enabled: false },
  // The same file or table may stand in a channel twice, and in a thread beside it.
  'landmark-unique': { enabled: false },
  // Menus and lists hang at the end of the page while they are open.
  region: { enabled: false },
};
const exclude = [
  // A button without a label: what stands in it are the first lines of the file that it opens.
  '.file-preview',
  // Hands the focus on as soon as it gets it.
  '[data-base-ui-focus-guard]',
];

describe.skipIf(noBrowser)('[A9] axe-core finds nothing wrong', () => {
  let pages: SandboxPage;
  let page: Page;
  let axe: string;

  beforeAll(async () => {
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    pages = await startPage();
    pages.app.action({ type: 'block_actions', action_id: 'fields' }, async ({ ack, body, client }) => {
      await ack();
      await client.views.open({ trigger_id: body.trigger_id, view: structuredClone(FORM) as never });
    });
    const thread_ts = await pages.post('C0LINE3', {
      text: 'A card',
      blocks: [
        { type: 'header', text: plain('Nightly summary') },
        { type: 'section', text: { type: 'mrkdwn', text: '*Bold* `code` <https://a.test|link> <@U0BEN>' } },
        { type: 'context', elements: [{ type: 'mrkdwn', text: 'In small print' }] },
        {
          type: 'data_table',
          caption: 'Jobs',
          rows: [
            [
              { type: 'raw_text', text: 'Job' },
              { type: 'raw_text', text: 'Minutes' },
            ],
            [
              { type: 'raw_text', text: 'one' },
              { type: 'raw_number', value: 3, text: '3' },
            ],
          ],
        },
        {
          type: 'actions',
          elements: [
            { type: 'button', action_id: 'fields', style: 'primary', text: plain('Fields') },
            { type: 'static_select', action_id: 'priority', options: [option('High')] },
          ],
        },
      ],
    });
    await pages.post('C0LINE3', { text: 'A reply', thread_ts });
  });
  afterAll(() => pages?.stop());
  afterEach(async () => expect(await pages.leave()).toEqual([]));

  /** What is wrong with the page as it is now: rule, and where. */
  const wrong = async (options: object): Promise<string[]> => {
    if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(axe);
    const { violations } = await page.evaluate<AxeResults>(
      `axe.run(${JSON.stringify({ exclude })}, ${JSON.stringify(options)})`,
    );
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
    );
  };
  /** Once it has settled: while something opens, what is behind it may not be hidden yet. */
  const isRight = async (): Promise<void> => {
    await expect.poll(() => wrong({ rules })).toEqual([]);
    // In the dark the same things have other colours, and nothing else.
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(() => wrong({ runOnly: ['color-contrast'] })).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
  };
  const card = () => pages.message('Nightly summary').last();
  const form = async () => {
    await card().getByRole('button', { name: 'Fields' }).click();
    await page.getByRole('dialog', { name: 'All fields' }).waitFor();
  };

  const CHECKS: Record<string, BrowserContextOptions> = {
    'on a desktop': {},
    'on a phone': { viewport: PHONE, hasTouch: true, isMobile: true },
  };
  describe.each(Object.entries(CHECKS))('%s', (_, look) => {
    const open = async (hash = '#/C0LINE3?as=U0ADA') => {
      page = await pages.open(hash, look);
      await page.getByRole('main').waitFor();
    };

    it('with a channel, and what a command brings', async () => {
      await open();
      await card().waitFor();
      await pages.run(`/report axe`);
      await page.getByRole('region', { name: 'File training-logs-axe.log' }).last().waitFor();
      await isRight();
      await pages.composer().fill('/');
      await page.getByRole('option').first().waitFor();
      await isRight();
    });

    it('with a thread', async () => {
      await open();
      await card()
        .getByRole('button', { name: /1 reply/ })
        .click();
      await page.getByRole('complementary', { name: 'Thread' }).getByText('A reply').waitFor();
      await isRight();
    });

    it('with a form, its lists, its errors, a question over it and a toast', async () => {
      await open();
      await form();
      await isRight();
      const dialog = page.getByRole('dialog', { name: 'All fields' });
      for (const name of ['Field 3 (optional): one', 'Field 4 (optional)', 'Field 5 (optional)']) {
        await dialog.getByRole('combobox', { name, exact: true }).click();
        await page.getByRole('option').first().waitFor();
        await isRight();
        await page.keyboard.press('Escape');
      }
      await dialog.getByRole('button', { name: 'More options' }).click();
      await page.getByRole('menuitem', { name: 'First' }).waitFor();
      await isRight();
      await page.keyboard.press('Escape');
      await dialog.getByRole('button', { name: 'Send' }).click();
      await page.getByText('Please complete this required field.').waitFor();
      await isRight();
      await dialog.getByRole('button', { name: 'Erase' }).click();
      const question = page.getByRole('dialog', { name: 'Erase it?' });
      await question.waitFor();
      await isRight();
      await question.getByRole('button', { name: 'Erase' }).click();
      await page.getByRole('alert').getByText('Operation timed out').waitFor();
      await isRight();
    });

    it('with a file, faults and the app’s own places', async () => {
      await open();
      await pages.run('/report axe');
      await page
        .getByRole('button', { name: /^Preview/ })
        .last()
        .click();
      await page.getByText('epoch 299').last().waitFor();
      await isRight();
      expect(await pages.leave()).toEqual([]);
      await open('#/app/home?as=U0ADA');
      await page.getByRole('heading', { name: 'Your jobs' }).waitFor();
      await isRight();
      await page.getByRole('tab', { name: 'About' }).click();
      await page.getByText('Posts a report and its file').waitFor();
      await isRight();
      const drawer = page.getByRole('button', { name: /Channel list/ });
      if (await drawer.isVisible()) await drawer.click();
      await page.getByRole('button', { name: /^Acting as/ }).click();
      await page.getByRole('menu').waitFor();
      await isRight();
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Sandbox menu' }).click();
      await page.getByRole('menuitem', { name: /Inject faults/ }).click();
      await page
        .getByRole('dialog', { name: 'Inject faults' })
        .getByText('None: everything works.')
        .waitFor();
      await isRight();
    });
  });
});
