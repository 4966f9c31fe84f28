/** Menus, selects, dialogs and toasts by keyboard, by touch and as a screen reader hears them. */
import type { types } from '@slack/bolt';
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoBrowser } from './browser.ts';
import { PHONE, type SandboxPage, startPage } from './page.ts';

const noBrowser = await whyNoBrowser();
const plain = (text: string) => ({ type: 'plain_text', text }) as const;
const button = (action_id: string, text: string, more = {}) =>
  ({ type: 'button', action_id, text: plain(text), ...more }) as const;
const option = (text: string) => ({ text: plain(text), value: text });

const SELECTS: types.View = {
  type: 'modal',
  title: plain('Selects'),
  submit: plain('Submit'),
  callback_id: 'selects',
  blocks: [
    {
      type: 'input',
      block_id: 'job',
      optional: true,
      label: plain('Job'),
      element: { type: 'external_select', action_id: 'found', min_query_length: 1 },
    },
    {
      type: 'input',
      block_id: 'targets',
      optional: true,
      label: plain('Targets'),
      element: {
        type: 'multi_static_select',
        action_id: 'targets',
        max_selected_items: 2,
        options: ['jetson-nano', 'jetson-xavier', 'rasp4b', 'x86-cpu'].map(option),
      },
    },
    {
      type: 'input',
      block_id: 'line',
      optional: true,
      label: plain('Line'),
      element: {
        type: 'static_select',
        action_id: 'line',
        option_groups: [
          { label: plain('North'), options: [option('line-1'), option('line-2')] },
          { label: plain('South'), options: [option('line-3')] },
        ],
        initial_option: option('line-2'),
      },
    },
    {
      type: 'actions',
      block_id: 'more',
      elements: [
        button('nothing', 'Erase', {
          confirm: { title: plain('Erase it?'), text: plain('All of it.'), confirm: plain('Erase') },
        }),
        button('unheard', 'Unheard'),
      ],
    },
  ],
};

const depthView = (depth: number): types.View => ({
  type: 'modal',
  title: plain(`Depth ${depth}`),
  blocks: [
    { type: 'section', text: plain(`This is ${depth}`) },
    { type: 'actions', elements: [button('aside', 'Aside'), button(`deeper-${depth}`, 'Deeper')] },
  ],
});

describe.skipIf(noBrowser)('[A9] the page’s menus, selects, dialogs and toasts', () => {
  let pages: SandboxPage;
  let page: Page;
  let submitted: Promise<Record<string, Record<string, unknown>>>;
  let late: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    pages = await startPage();
    const { app } = pages;
    app.action({ type: 'block_actions', action_id: 'selects' }, async ({ ack, body, client }) => {
      await ack();
      await client.views.open({ trigger_id: body.trigger_id, view: SELECTS });
    });
    app.action({ type: 'block_actions', action_id: 'later' }, async ({ ack, body, client }) => {
      await ack();
      late = async () => {
        await client.views.open({ trigger_id: body.trigger_id, view: depthView(1) });
      };
    });
    app.action({ type: 'block_actions', action_id: /^deeper-/ }, async ({ ack, action, body, client }) => {
      await ack();
      const depth = Number(action.action_id.slice('deeper-'.length)) + 1;
      const call = { trigger_id: body.trigger_id, view: depthView(depth) };
      await (depth === 1 ? client.views.open(call) : client.views.push(call));
    });
    app.options('found', async ({ ack, payload }) => {
      if (payload.value.startsWith('never')) return;
      const names = ['harbor-yolo', 'harbor-unet'].filter((name) => name.includes(payload.value));
      await ack({ options: names.map(option) });
    });
    submitted = new Promise((resolve) => {
      app.view('selects', async ({ ack, view }) => {
        await ack();
        resolve(view.state.values as never);
      });
    });
    await pages.post('C0LINE3', {
      text: 'Things to press',
      blocks: [
        { type: 'section', text: plain('Things to press') },
        {
          type: 'actions',
          elements: [
            button('selects', 'Selects'),
            button('deeper-0', 'Deeper'),
            button('later', 'Later'),
            {
              type: 'static_select',
              action_id: 'priority',
              placeholder: plain('Priority'),
              options: [option('High'), option('Low')],
            },
          ],
        },
      ],
    });
  });
  afterAll(() => pages?.stop());
  afterEach(async () => expect(await pages.leave()).toEqual([]));

  const open = async (options = {}) => {
    page = await pages.open('#/C0LINE3?as=U0ADA', options);
    await things().waitFor();
  };
  const things = () => pages.message('Things to press').last();
  const press = (name: string) => things().getByRole('button', { name, exact: true }).click();
  const dialog = (name: string) => page.getByRole('dialog', { name, exact: true });
  const select = (name: string) => dialog('Selects').getByRole('combobox', { name, exact: true });
  const isFocused = (locator: Locator) =>
    expect
      .poll(() => locator.evaluate((element) => element === element.ownerDocument.activeElement))
      .toBe(true);
  const gone = (locator: Locator) => locator.waitFor({ state: 'detached' });

  it('open a menu by keyboard, find an entry by its first letters, and give the focus back', async () => {
    await open();
    const menu = page.getByRole('button', { name: 'Sandbox menu' });
    expect(await menu.getAttribute('aria-haspopup')).toBe('menu');
    await menu.press('ArrowDown');
    const faults = page.getByRole('menuitem', { name: /Inject faults/ });
    await isFocused(faults);
    await page.keyboard.press('ArrowUp');
    const home = page.getByRole('menuitem', { name: /^Open/ });
    await isFocused(home);
    await page.keyboard.press('Home');
    await isFocused(faults);
    await page.keyboard.type('op');
    await isFocused(home);
    await page.keyboard.press('Escape');
    await gone(page.getByRole('menu'));
    await isFocused(menu);
    expect(await menu.getAttribute('aria-expanded')).toBe('false');
    await page.keyboard.press('ArrowUp');
    await isFocused(home);
    await page.keyboard.press('Tab');
    await gone(page.getByRole('menu'));
  });

  it('close a menu by a press elsewhere, which counts there too', async () => {
    await open();
    await page.getByRole('button', { name: 'Sandbox menu' }).click();
    await page.getByRole('menu').waitFor();
    await page.getByRole('button', { name: 'ml-alerts', exact: true }).click();
    await gone(page.getByRole('menu'));
    await page.getByRole('heading', { name: 'ml-alerts', level: 1 }).waitFor();
  });

  it('close a menu by its own button, and open it again', async () => {
    await open();
    const menu = page.getByRole('button', { name: 'Sandbox menu' });
    await menu.click();
    await isFocused(page.getByRole('menuitem', { name: /Inject faults/ }));
    await menu.click();
    await gone(page.getByRole('menu'));
    await menu.click();
    await page.getByRole('menu').waitFor();
  });

  it('mark in a menu which one of several is chosen', async () => {
    await open();
    await page.getByRole('button', { name: /Acting as Ada/ }).press('Enter');
    const group = page.getByRole('menu').getByRole('group', { name: 'Act as' });
    await group.getByRole('menuitemradio', { name: /Ada Okafor/, checked: true }).waitFor();
    await group.getByRole('menuitemradio', { name: /Ben Lindqvist/, checked: false }).waitFor();
    await page.keyboard.press('Escape');
  });

  it('give the focus back to the menu whose entry opened a dialog', async () => {
    await open();
    const menu = page.getByRole('button', { name: 'Sandbox menu' });
    await menu.press('Enter');
    await isFocused(page.getByRole('menuitem', { name: /Inject faults/ }));
    await page.keyboard.press('Enter');
    await dialog('Inject faults').waitFor();
    await page.keyboard.press('Escape');
    await gone(dialog('Inject faults'));
    await isFocused(menu);
  });

  it('keep the focus in a dialog, and hide what is behind it', async () => {
    await open();
    expect(await page.getByRole('log').count()).toBe(1);
    await press('Selects');
    await isFocused(select('Job (optional)'));
    expect(await page.getByRole('log').count()).toBe(0);
    for (const _ of Array.from({ length: 12 })) await page.keyboard.press('Tab');
    expect(await dialog('Selects').locator(':focus').count()).toBe(1);
    await page.keyboard.press('Shift+Tab');
    expect(await dialog('Selects').locator(':focus').count()).toBe(1);
  });

  it('peel a stack of three modals one by one, each with the focus where it was', async () => {
    await open();
    await things().getByRole('button', { name: 'Deeper' }).focus();
    for (const depth of [1, 2, 3]) {
      await page.keyboard.press('Enter');
      await dialog(`Depth ${depth}`).waitFor();
      expect(await page.getByRole('dialog').count()).toBe(1);
      if (depth < 3) await dialog(`Depth ${depth}`).getByRole('button', { name: 'Deeper' }).focus();
    }
    for (const depth of [2, 1]) {
      await page.keyboard.press('Escape');
      await isFocused(dialog(`Depth ${depth}`).getByRole('button', { name: 'Deeper' }));
    }
    await page.keyboard.press('Escape');
    await gone(page.getByRole('dialog'));
    await isFocused(things().getByRole('button', { name: 'Deeper' }));
  });

  it('close by Escape only the question over a modal, then the modal', async () => {
    await open();
    await press('Selects');
    const erase = dialog('Selects').getByRole('button', { name: 'Erase' });
    await erase.press('Enter');
    await isFocused(dialog('Erase it?').getByRole('button', { name: 'Cancel' }));
    await page.keyboard.press('Escape');
    await gone(dialog('Erase it?'));
    await isFocused(erase);
    await page.keyboard.press('Escape');
    await gone(dialog('Selects'));
    await isFocused(things().getByRole('button', { name: 'Selects' }));
  });

  it('close by Escape only the modal that came over an open file', async () => {
    await open();
    await pages.run('/report escape');
    // What comes while a button is being pressed moves it away from under the mouse.
    const file = page.getByRole('button', { name: /^Preview/ }).last();
    await file.waitFor();
    await press('Later');
    await expect.poll(() => late).toBeDefined();
    await file.click();
    const preview = page.getByRole('dialog', { name: /^Preview of/ });
    await preview.waitFor();
    await late?.();
    await dialog('Depth 1').waitFor();
    await page.keyboard.press('Escape');
    await gone(dialog('Depth 1'));
    await preview.getByText('epoch 299').waitFor();
    await page.keyboard.press('Escape');
    await gone(preview);
  });

  it('say what suggestions wait for, that they load, that there are none, and that they did not come', async () => {
    await open();
    await press('Selects');
    const job = select('Job (optional)');
    const list = page.getByRole('listbox', { name: 'Job (optional)' });
    await job.click();
    await page.getByRole('status').getByText('Type 1 more character to search').waitFor();
    await job.pressSequentially('harbor');
    await list.getByRole('option', { name: 'harbor-unet' }).waitFor();
    expect(await list.getByRole('option').allTextContents()).toEqual(['harbor-yolo', 'harbor-unet']);
    // The first is ready to be taken, the arrow moves on.
    const active = async () =>
      page.locator(`[id="${await job.getAttribute('aria-activedescendant')}"]`).textContent();
    expect(await active()).toBe('harbor-yolo');
    await job.press('ArrowDown');
    expect(await active()).toBe('harbor-unet');
    await job.fill('xyz');
    await page.getByRole('status').getByText('No matches').waitFor();
    await job.fill('never');
    await page.getByRole('status').getByText('Loading…').waitFor();
    await page.getByRole('status').getByText('The app did not send any options in time.').waitFor();
    await job.fill('yolo');
    await list.getByRole('option', { name: 'harbor-yolo' }).waitFor();
    await job.press('Enter');
    await gone(list);
    await select('Job (optional): harbor-yolo').waitFor();
    expect(await dialog('Selects').isVisible()).toBe(true);
  });

  it('choose several by keyboard, no more than allowed, and take them back chip by chip', async () => {
    await open();
    await press('Selects');
    const targets = select('Targets (optional)');
    await targets.press('ArrowDown');
    const list = page.getByRole('listbox', { name: 'Targets (optional)' });
    await list.waitFor();
    expect(await list.getAttribute('aria-multiselectable')).toBe('true');
    await targets.pressSequentially('x86');
    await targets.press('Enter');
    await list.getByRole('option', { name: 'x86-cpu', selected: true }).waitFor();
    expect(await targets.inputValue()).toBe('');
    await targets.pressSequentially('nano');
    await targets.press('Enter');
    await page.getByRole('status').getByText('At most 2 can be chosen').waitFor();
    expect(await list.getByRole('option', { name: 'rasp4b' }).getAttribute('aria-disabled')).toBe('true');
    await page.keyboard.press('Escape');
    await gone(list);
    const chips = dialog('Selects').getByRole('button', { name: /^Remove / });
    const names = () => chips.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')));
    expect(await names()).toEqual(['Remove x86-cpu', 'Remove jetson-nano']);
    await isFocused(targets);
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Delete');
    await expect.poll(names).toEqual(['Remove jetson-nano']);
    await targets.focus();
    await page.keyboard.press('Backspace');
    await expect.poll(names).toEqual([]);
    await targets.pressSequentially('rasp');
    await targets.press('Enter');
    await page.keyboard.press('Escape');
    await dialog('Selects').getByRole('button', { name: 'Submit' }).click();
    const { targets: sent } = await submitted;
    expect(sent?.targets).toMatchObject({ selected_options: [{ value: 'rasp4b' }] });
  });

  it('keep a choice whatever is typed and deleted, and when Escape closes the list or the modal', async () => {
    await open();
    await press('Selects');
    const line = select('Line (optional): line-2');
    await line.focus();
    await page.keyboard.type('line-9');
    await page.getByRole('status').getByText('No matches').waitFor();
    for (const _ of 'line-9') await page.keyboard.press('Backspace');
    await page.getByRole('group', { name: 'South' }).getByRole('option', { name: 'line-3' }).waitFor();
    await page.keyboard.press('Escape');
    await gone(page.getByRole('listbox'));
    await line.waitFor();
    await dialog('Selects').getByText('line-2', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    await gone(dialog('Selects'));
  });

  it('take back a choice that need not be made', async () => {
    await open();
    await press('Selects');
    await dialog('Selects').getByRole('button', { name: 'Clear Line (optional)' }).click();
    await gone(select('Line (optional): line-2'));
    await isFocused(select('Line (optional)'));
  });

  it('leave the key Enter in a select to the select, never to the form', async () => {
    await open();
    await press('Selects');
    await select('Line (optional): line-2').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('listbox', { name: 'Line (optional)' }).waitFor();
    await page.keyboard.type('nothing like it');
    await page.getByRole('status').getByText('No matches').waitFor();
    await page.keyboard.press('Enter');
    expect(await dialog('Selects').isVisible()).toBe(true);
    await select('Line (optional): line-2').waitFor();
  });

  it('work by touch', async () => {
    await open({ viewport: PHONE, hasTouch: true, isMobile: true });
    await things().getByRole('button', { name: 'Selects' }).tap();
    await dialog('Selects').getByText('Targets').first().waitFor();
    await select('Targets (optional)').tap();
    await page.getByRole('option', { name: 'rasp4b' }).tap();
    await page.getByRole('option', { name: 'jetson-nano' }).tap();
    await dialog('Selects').locator('h2').tap();
    await gone(page.getByRole('listbox'));
    await dialog('Selects').getByRole('button', { name: 'Remove rasp4b' }).tap();
    await gone(dialog('Selects').getByRole('button', { name: 'Remove rasp4b' }));
    await select('Line (optional): line-2').tap();
    await page.getByRole('option', { name: 'line-3' }).tap();
    await select('Line (optional): line-3').waitFor();
    const sizes = await dialog('Selects').evaluate((element) => [element.clientWidth, element.clientHeight]);
    expect(sizes).toEqual([PHONE.width, PHONE.height]);
  });

  it('say by a toast over a modal what failed, and let it be dismissed there', async () => {
    await open();
    await press('Selects');
    await dialog('Selects').getByRole('button', { name: 'Unheard' }).click();
    const toast = page.getByRole('region', { name: 'Notifications' }).getByRole('alert');
    await toast.getByText('Operation timed out').waitFor();
    await toast.getByRole('button', { name: 'Dismiss' }).click();
    await gone(toast);
    expect(await dialog('Selects').isVisible()).toBe(true);
  });

  it('lead to a toast by F6, also over a modal, and back to where one was', async () => {
    await open();
    await press('Selects');
    const unheard = dialog('Selects').getByRole('button', { name: 'Unheard' });
    await unheard.press('Enter');
    const toasts = page.getByRole('region', { name: 'Notifications' });
    await toasts.getByRole('alert').waitFor();
    await page.keyboard.press('F6');
    await isFocused(toasts);
    await page.keyboard.press('Tab');
    await isFocused(toasts.getByRole('alert'));
    await page.keyboard.press('Escape');
    await gone(toasts.getByRole('alert'));
    await isFocused(unheard);
  });
});
