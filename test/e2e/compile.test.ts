/** From a completed training to compiled models, components and devices: through Slack, on the whole sandbox. */
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { InteractionResult, SandboxMessage } from '#sandbox';
import { textsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot, withoutCompilationsOf } from './bot.ts';
import { CARD_SETTLES, card, cardsOf, closeAll, modal, until } from './jobs.ts';

let bot: Bot;
beforeAll(async () => {
  bot = await startBot({ world: withoutCompilationsOf('defects-resnet101-ddp') });
  bot.sandbox.aws.configure({ compilationMs: 2000, componentMs: 500 });
  // The bot has looked at the accounts once.
  await until(async () => {
    const since = await bot.now('C0LINE3');
    await bot.command('ada', 'C0LINE3', 'resnet50', '/jobs');
    const table = await bot.message('C0LINE3', 'with `resnet50`', { since });
    return table.text.startsWith('No training jobs') ? undefined : table;
  }, 'known jobs');
});
afterAll(() => bot.stop());
afterEach(async () => {
  bot.clearFaults();
  bot.sandbox.aws.configure({ compilationMs: 2000, componentMs: 500 });
  for (const user of ['ada', 'ben', 'chloe', 'devika']) await closeAll(bot, user);
});

const CHANNEL = 'C0LINE3';

async function ask(
  user: string,
  command: string,
  text: string,
  words: string,
  channel = CHANNEL,
): Promise<SandboxMessage> {
  const since = await bot.now(channel);
  expect(await bot.command(user, channel, text, command)).toMatchObject({ ok: true });
  return bot.message(channel, words, { since });
}

/** Looks at AWS now instead of at the next turn. */
async function refresh(job: string, user = 'ada'): Promise<void> {
  await closeAll(bot, user);
  const [message] = await cardsOf(bot, CHANNEL, job);
  await bot.action(user, 'compile.details', { channel: CHANNEL, message_ts: message!.ts });
  const view = await modal(bot, user, 'Refresh');
  await bot.action(user, 'compile.refresh', { view_id: view.id });
}

/** Until a job's card says the words, asking AWS again all the while. */
async function refreshed(job: string, says: string | RegExp): Promise<SandboxMessage> {
  return until(
    async () => {
      await refresh(job);
      return card(bot, CHANNEL, job, says, 1500).catch(() => undefined);
    },
    `${job}: ${says}`,
    CARD_SETTLES,
  );
}

describe('[C11] /jobs', () => {
  it('is a table with states by word and symbol, filters and a Details button for each', async () => {
    const table = await until(async () => {
      const asked = await ask('ada', '/jobs', '', 'newest first');
      const known = textsOf(asked.blocks);
      return ['relabelled', 'resnet101'].every((job) => known.includes(job)) ? asked : undefined;
    }, 'the jobs are known');
    expect(table.ephemeral_to).toBe('U0ADA');
    const types = table.blocks!.map(({ type }) => type);
    expect(types).toContain('data_table');
    expect(textsOf(table.blocks)).toMatch(/⚪ not compiled 0\/2/);
    // Two sums, and no failed compilation where only a training failed.
    expect(textsOf(table.blocks)).toMatch(/\*Training:\* .*❌ \d+ failed/);
    expect(textsOf(table.blocks)).toMatch(/\*Compilation:\* /);
    const { rows } = table.blocks!.find(({ type }) => type === 'data_table') as unknown as {
      rows: { type: string; text?: string; elements?: { elements: object[] }[] }[][];
    };
    expect(rows[0]!.map(({ text }) => text)).toEqual(['Training', 'Job', 'Compilation', 'Created']);
    const failed = rows.find(([, name]) => name!.text === 'defects-unet-relabelled')!;
    expect(failed[0]!.text).toBe('❌ failed');
    expect(failed[2]!.text).toBe('–');
    // In the reader's own time zone.
    expect(failed[3]!.elements![0]!.elements).toMatchObject([{ type: 'date', fallback: /UTC$/ }]);
    const names = rows.slice(1).map(([, name]) => name!.text!);
    const buttons = table.blocks!.flatMap((block) =>
      block.type === 'actions' ? (block.elements as { action_id: string; text?: { text: string } }[]) : [],
    );
    const details = buttons.filter(({ action_id }) => action_id.startsWith('compile.details'));
    expect(details.map(({ text }) => text!.text)).toEqual(names);
    await bot.action('ada', 'compile.details:0', { channel: CHANNEL, message_ts: table.ts });
    const opened = await modal(bot, 'ada', 'Overview');
    expect(textsOf(opened.blocks)).toContain(names[0]);
    expect(names[0]).toContain((opened.title as { text: string }).text.replace(/…$/, ''));
  });

  it('filters in place, by state, name and owner, and pages', async () => {
    const table = await ask('ada', '/jobs', 'state:failed', ', training or compilation failed');
    expect(textsOf(table.blocks)).toMatch(/❌ failed/);
    await bot.action('ada', 'jobs.training', { channel: CHANNEL, message_ts: table.ts, value: 'stopped' });
    await until(async () => {
      const now = (await bot.messages(CHANNEL)).find(({ ts }) => ts === table.ts);
      return now && /⏹️ stopped/.test(textsOf(now.blocks)) && now.text.includes(', training stopped')
        ? now
        : undefined;
    }, 'the same message, filtered');
    await ask('ada', '/jobs', 'by:me', 'No training jobs');
    const all = await ask('ada', '/jobs', '', 'page 1 of');
    await bot.action('ada', 'jobs.page:1', { channel: CHANNEL, message_ts: all.ts });
    await until(async () => {
      const now = (await bot.messages(CHANNEL)).find(({ ts }) => ts === all.ts);
      return now?.text.includes('page 2 of') ? now : undefined;
    }, 'the second page');
  });

  it('falls back to sections where Slack takes no data tables', async () => {
    await bot.fault({ on: 'response_url', kind: 'invalid_blocks', times: 1 });
    const table = await ask('ada', '/jobs', 'resnet', 'with `resnet`');
    expect(table.blocks!.map(({ type }) => type)).not.toContain('data_table');
    expect(textsOf(table.blocks)).toContain('defects-resnet50');
    expect(textsOf(table.blocks)).toContain('Details');
  });

  it('says what it knows when a filter is mistyped, and refuses who may not', async () => {
    await ask('ada', '/jobs', 'state:compild', 'Did you mean compiled?');
    const refused = await ask('eve', '/jobs', '', 'does not belong to a use case', 'C0GENERAL');
    expect(refused.ephemeral_to).toBe('U0EVE');
  });
});

describe('[C4] only a completed training job', () => {
  it('is compiled: others say their state, in the window and directly', async () => {
    await bot.command('ada', CHANNEL, 'defects-unet-relabelled', '/compile');
    await modal(bot, 'ada', 'only a completed training job can be compiled');
    await ask('ada', '/compile', 'defects-unet-relabelled x86_64-cpu', 'only a completed training job');
  });

  it('is found by its name, or the nearest are offered', async () => {
    await ask('ada', '/compile', 'defects-resnet05 x86_64-cpu', 'defects-resnet50');
    await ask('ada', '/compile', 'defects-resnet50 x86-64-cpuu', 'x86_64-cpu');
    await ask('ada', '/compile', 'defects-resnet50 x86_64-cpu --shape {"input":[1,', 'is not JSON');
  });
});

describe('[C3, C5] the form', () => {
  const JOB = 'defects-resnet101-ddp';

  it('preselects the use case’s targets, turns into a status at once, and a card follows', async () => {
    await bot.command('ada', CHANNEL, JOB, '/compile');
    const form = await modal(bot, 'ada', 'Targets');
    const selected = (form.state!.values.targets as Record<string, { selected_options: { value: string }[] }>)
      .targets!.selected_options;
    expect(selected.map(({ value }) => value)).toEqual(['jetson-xavier', 'x86_64-cpu']);
    const answer = await bot.post<InteractionResult>('/sandbox/slack/view', {
      user: 'ada',
      view_id: form.id,
    });
    expect(answer.response).toMatchObject({ response_action: 'update' });
    const status = await modal(bot, 'ada', /jetson-xavier\* (?:requested|starting|compiling)/);
    expect(status.title?.text).toBe('Compiling');
    expect(status.submit).toBeUndefined();
    const message = await card(bot, CHANNEL, JOB, /⏳ \*compiling\* · 0\/2 compiled/);
    expect(message.ephemeral_to).toBeUndefined();
    expect(JSON.stringify(message.blocks)).toContain('compile.stop');
  });

  it('starts nothing twice, whoever clicks when, and shows what is taken as text', async () => {
    const answers = await Promise.all([
      bot.command('ada', CHANNEL, `${JOB} jetson-xavier x86_64-cpu`, '/compile'),
      bot.command('devika', CHANNEL, `${JOB} jetson-xavier x86_64-cpu`, '/compile'),
    ]);
    expect(answers.map(({ ok }) => ok)).toEqual([true, true]);
    await bot.message(CHANNEL, '2 there already', { user: 'devika' });
    await bot.command('ada', CHANNEL, JOB, '/compile');
    const form = await modal(bot, 'ada', 'Compiled or running already');
    const offered = JSON.stringify(form.blocks.find(({ block_id }) => block_id === 'targets'));
    expect(offered).not.toContain('"jetson-xavier"');
    expect(offered).toContain('"arm64-cpu"');
    expect(await cardsOf(bot, CHANNEL, JOB)).toHaveLength(1);
  });

  it('[C1, C2] the card is edited until everything is compiled, its thread tells each once', async () => {
    const done = await refreshed(JOB, '✅ *compiled* · 2/2 compiled');
    expect(textsOf(done.blocks)).toContain('s3://line-3-models/compiled/');
    await refresh(JOB);
    const thread = await until(async () => {
      const replies = (await bot.thread(CHANNEL, done.ts)).filter(({ ts }) => ts !== done.ts);
      return replies.length >= 2 ? replies : undefined;
    }, 'the milestones');
    expect(thread.filter(({ text }) => text.includes('jetson-xavier'))).toHaveLength(1);
    expect(thread.filter(({ text }) => text.includes('x86_64-cpu'))).toHaveLength(1);
    expect(await cardsOf(bot, CHANNEL, JOB)).toHaveLength(1);
  });

  it('[C10] gives the artifact to who may and clicks, and to nobody else', async () => {
    const [message] = await cardsOf(bot, CHANNEL, JOB);
    const where = {
      channel: CHANNEL,
      message_ts: message!.ts,
      block_id: `line-3 ${JOB} x86_64-cpu`,
      value: 'artifact',
    };
    let since = await bot.now(CHANNEL);
    await bot.action('ada', 'compile.more', where);
    const link = await bot.message(CHANNEL, 'Download it', { since });
    expect(link.ephemeral_to).toBe('U0ADA');
    const url = /<(http[^|]+)\|Download it>/.exec(textsOf(link.blocks))![1]!.replaceAll('&amp;', '&');
    expect(url).toMatch(/X-Amz-Expires=900/);
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(gunzipSync(bytes).length).toBeGreaterThan(100);

    since = await bot.now(CHANNEL);
    await bot.action('chloe', 'compile.more', where);
    const refused = await bot.message(CHANNEL, 'You do not have permission', { since });
    expect(refused.ephemeral_to).toBe('U0CHLOE');
    expect(textsOf(refused.blocks)).toContain('Line 3 defects');
  });

  it('[C12, C8] shows details by tabs, with what AWS reports and what it does not', async () => {
    const [message] = await cardsOf(bot, CHANNEL, JOB);
    await bot.action('chloe', 'compile.details', { channel: CHANNEL, message_ts: message!.ts });
    let view = await modal(bot, 'chloe', 'Model artifact');
    await bot.action('chloe', 'compile.tab:2', { view_id: view.id });
    view = await modal(bot, 'chloe', /Neo (?:does not report|reports neither)/);
    await bot.action('chloe', 'compile.tab:1', { view_id: view.id });
    view = await modal(bot, 'chloe', 'Compile logs');
    await bot.action('chloe', 'compile.tab:3', { view_id: view.id });
    await modal(bot, 'chloe', 'not packaged');
  });

  it('sends the compile log as a file', async () => {
    const [message] = await cardsOf(bot, CHANNEL, JOB);
    const since = await bot.now(CHANNEL);
    await bot.action('chloe', 'compile.more', {
      channel: CHANNEL,
      message_ts: message!.ts,
      block_id: `line-3 ${JOB} x86_64-cpu`,
      value: 'log',
    });
    const sent = await bot.message(CHANNEL, 'Compile log of', { since });
    expect(sent.files?.[0]?.name).toMatch(/^compile-logs-/);
    expect((await bot.content(sent.files![0]!)).length).toBeGreaterThan(50);
  });
});

describe('[C7, C9] a failure', () => {
  const JOB = 'yolo-bolts-2';

  it('stands on the card in AWS’s words, with cause and fix, and can be tried again', async () => {
    await ask('ada', '/compile', `${JOB} jetson-xavier`, '1 started');
    // Somebody tried it before the bot came.
    const failed = await refreshed(JOB, /❌ \*jetson-xavier\* failed[^\n]*2 attempts/);
    expect(textsOf(failed.blocks)).toMatch(/\*Cause:\*[\s\S]*\*What to do:\*[\s\S]*```[\s\S]+```/);
    const since = await bot.now(CHANNEL);
    await bot.action('chloe', 'compile.retry', { channel: CHANNEL, message_ts: failed.ts });
    await bot.message(CHANNEL, 'You do not have permission', { since, user: 'chloe' });
    await bot.action('devika', 'compile.retry', { channel: CHANNEL, message_ts: failed.ts });
    await bot.message(CHANNEL, '1 started', { since, user: 'devika' });
    await refreshed(JOB, /❌ \*jetson-xavier\* failed[^\n]*3 attempts/);
    // What would fail again is not led to: its cause is said, and it is left for a person to choose.
    await closeAll(bot, 'ada');
    await bot.command('ada', CHANNEL, JOB, '/compile');
    const form = await modal(bot, 'ada', 'Tried before');
    expect(textsOf(form.blocks)).toMatch(
      /jetson-xavier\* failed[^\n]*3 attempts\n.+ so it is not preselected/,
    );
    const { element } = form.blocks.find(({ block_id }) => block_id === 'targets') as unknown as {
      element: { options: { value: string }[]; initial_options?: { value: string }[] };
    };
    expect(element.options.map(({ value }) => value)).toContain('jetson-xavier');
    expect(element.initial_options?.map(({ value }) => value) ?? []).not.toContain('jetson-xavier');
    await closeAll(bot, 'ada');
    const [message] = await cardsOf(bot, CHANNEL, JOB);
    await bot.action('ada', 'compile.details', { channel: CHANNEL, message_ts: message!.ts });
    const view = await modal(bot, 'ada', 'Refresh');
    await bot.action('ada', 'compile.tab:2', { view_id: view.id });
    await modal(bot, 'ada', 'Compile log');
    await bot.action('ada', 'compile.history', { view_id: view.id });
    const history = await modal(bot, 'ada', /^History\n[\s\S]*3 attempts/);
    expect(textsOf(history.blocks)).toMatch(
      /\*3\.\*[\s\S]*<@U0DEV>, as a retry[\s\S]*\*2\.\*[\s\S]*<@U0ADA>, on request[\s\S]*\*1\.\*[\s\S]*started outside/,
    );
  });
});

describe('[C7] the log of a compilation that failed', () => {
  it('comes with cause, what to do, the reason and Retry, in the message that carries the file', async () => {
    await closeAll(bot, 'ada');
    const [message] = await cardsOf(bot, CHANNEL, 'yolo-bolts-2');
    const thread = await bot.thread(CHANNEL, message!.ts);
    const told = thread.find((one) => JSON.stringify(one.blocks).includes('compile.log'));
    await bot.action('ada', 'compile.log', { channel: CHANNEL, message_ts: told!.ts });
    const sent = await until(async () => {
      const now = await bot.thread(CHANNEL, message!.ts);
      return now.find((one) => (one.files?.length ?? 0) > 0);
    }, 'the file');
    expect(sent.files?.[0]?.name).toMatch(/^compile-logs-/);
    expect(textsOf(sent.blocks)).toMatch(
      /Compile log of[\s\S]*\*Cause:\*[\s\S]*\*What to do:\*[\s\S]*\*Reported:\*[\s\S]*The (?:end of the log|traceback)[\s\S]*Retry/,
    );
  });
});

describe('Stop', () => {
  it('asks, stops, and is a state of its own', async () => {
    bot.sandbox.aws.configure({ compilationMs: 600_000 });
    const JOB = 'yolo-bolts';
    await ask('ada', '/compile', `${JOB} arm64-cpu`, '1 started');
    const running = await card(bot, CHANNEL, JOB, '*arm64-cpu*');
    const since = await bot.now(CHANNEL);
    await bot.action('ada', 'compile.stop', { channel: CHANNEL, message_ts: running.ts });
    await bot.message(CHANNEL, 'Stopping the compilation', { since });
    await refreshed(JOB, '⏹️ *arm64-cpu* stopped');
  });
});

describe('[G1, G2, G3, G4, G5] components', () => {
  const JOB = 'defects-resnet101-ddp';

  it('are made by a button after a look at the recipe', async () => {
    const [message] = await cardsOf(bot, CHANNEL, JOB);
    await bot.action('ben', 'compile.more', {
      channel: CHANNEL,
      message_ts: message!.ts,
      block_id: `line-3 ${JOB} jetson-xavier`,
      value: 'package',
    });
    const preview = await modal(bot, 'ben', 'RecipeFormatVersion');
    expect(textsOf(preview.blocks)).toMatch(/version `1\.0\.12`/);
    const answer = await bot.post<InteractionResult>('/sandbox/slack/view', {
      user: 'ben',
      view_id: preview.id,
    });
    expect(answer.response).toMatchObject({ response_action: 'update' });
    await modal(bot, 'ben', /(?:requested|being created|deployable)/);
    await refreshed(JOB, '📦 component `model-defects-resnet101-ddp-jetson-xavier 1.0.12` deployable');
  });

  it('are refused to a viewer, with who can grant it', async () => {
    const [message] = await cardsOf(bot, CHANNEL, JOB);
    await bot.action('chloe', 'compile.more', {
      channel: CHANNEL,
      message_ts: message!.ts,
      block_id: `line-3 ${JOB} jetson-xavier`,
      value: 'package',
    });
    const { blocks } = await modal(bot, 'chloe', 'You do not have permission');
    expect(textsOf(blocks)).toContain('<@U0DEV>');
    await closeAll(bot, 'chloe');
  });

  it('are listed with their chain, and show the devices that have them', async () => {
    const list = await ask('chloe', '/components', 'resnet101', 'component versions');
    const rows = textsOf(list.blocks);
    expect(rows).toMatch(
      /📦 \*deployable\* `model-defects-resnet101-ddp-jetson-xavier 1\.0\.12` · on 0 of 8 devices, another version on 6\nfrom `defects-resnet101-ddp` for \*jetson-xavier\*/,
    );
    expect(rows).not.toContain('arn:aws');
    // Greengrass lists no states: one that failed must not look like a good one.
    const bolts = await ask('chloe', '/components', 'yolo-bolts-2', 'component version');
    expect(textsOf(bolts.blocks)).toMatch(/❌ \*failed\* `model-yolo-bolts-2-x86_64-cpu/);
    await bot.action('chloe', 'components.details:0', { channel: CHANNEL, message_ts: list.ts });
    const view = await modal(bot, 'chloe', 'have this component now');
    const shown = textsOf(view.blocks);
    expect(shown).toMatch(
      /training `defects-resnet101-ddp` → target \*jetson-xavier\* → compilation `[^`]+` → component/,
    );
    expect(shown).toMatch(/(?:🟢|🔴) \*[^*]+\* (?:healthy|unhealthy) · as of/);
    expect(JSON.stringify(view.blocks)).toContain('https://eu-west-1.console.aws.amazon.com/iot/home');
    // What was made elsewhere has no chain, and its devices and deployments all the same.
    await closeAll(bot, 'chloe');
    const others = await ask('chloe', '/components', 'inspector', 'component version');
    await bot.action('chloe', 'components.details:0', { channel: CHANNEL, message_ts: others.ts });
    const other = await modal(bot, 'chloe', 'have this component now');
    expect(textsOf(other.blocks)).toMatch(/deployment `[^`]+` installs/);
    expect(textsOf(other.blocks)).toContain('added outside Signalbox');
  });
});

describe('[C2] when AWS does not answer', () => {
  it('the card says when it was last checked, and goes on afterwards', async () => {
    bot.sandbox.aws.configure({ compilationMs: 4000 });
    const JOB = 'colour-drift-xgb';
    await ask('ada', '/compile', `${JOB} x86_64-cpu`, '1 started');
    await bot.fault({ on: 'sagemaker:DescribeCompilationJob', kind: 'AccessDeniedException', times: 0 });
    await refreshed(JOB, /Last checked .*got no answer/);
    bot.clearFaults();
    await refreshed(JOB, /\*x86_64-cpu\* (?:compiled|failed)/);
  });
});

describe('[C1] a card', () => {
  it('goes on after a restart and tells nothing twice', async () => {
    bot.sandbox.aws.configure({ compilationMs: 3000 });
    const JOB = 'defects-resnet50';
    await ask('ada', '/compile', `${JOB} x86_64-cuda`, '1 started');
    const before = await card(bot, CHANNEL, JOB, 'x86_64-cuda');
    await bot.restart();
    const after = await refreshed(JOB, '✅ *x86_64-cuda* compiled');
    expect(after.ts).toBe(before.ts);
    await refresh(JOB);
    const thread = (await bot.thread(CHANNEL, before.ts)).filter(({ ts }) => ts !== before.ts);
    expect(thread.filter(({ text }) => text.includes('x86_64-cuda'))).toHaveLength(1);
  });

  it('comes again when somebody deleted it and something happens', async () => {
    const JOB = 'yolo-bolts';
    const [old] = await cardsOf(bot, CHANNEL, JOB);
    await fetch(`${bot.sandbox.slackApiUrl}chat.delete`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bot.sandbox.tokens.bot}`,
        'content-type': 'application/json; charset=utf-8',
      },
      body: JSON.stringify({ channel: CHANNEL, ts: old!.ts }),
    });
    expect(await cardsOf(bot, CHANNEL, JOB)).toEqual([]);
    await ask('ada', '/compile', `${JOB} x86_64-cuda`, '1 started');
    // The first edit finds out; the next change posts.
    await ask('ada', '/compile', `${JOB} x86_64-cpu`, '1 started');
    const again = await card(bot, CHANNEL, JOB, '*x86_64-cpu*');
    expect(again.ts).not.toBe(old!.ts);
    expect(await cardsOf(bot, CHANNEL, JOB)).toHaveLength(1);
  });

  it('is not made for jobs from before, to which nothing happens', async () => {
    expect(await cardsOf(bot, CHANNEL, 'defects-new-bucket')).toEqual([]);
  });

  it('waits while the channel is archived, and stands there once at most when it is back', async () => {
    const JOB = 'glare-segmenter-keras';
    await bot.post('/sandbox/slack/channel', { channel: CHANNEL, is_archived: true });
    // From a direct message, which is there all the same.
    await bot.post('/sandbox/slack/home', { user: 'ada' });
    await ask('ada', '/compile', `${JOB} arm64-cpu`, '1 started', 'D00ADA');
    await bot.post('/sandbox/slack/channel', { channel: CHANNEL, is_archived: false });
    expect((await cardsOf(bot, CHANNEL, JOB)).length).toBeLessThanOrEqual(1);
  });
});

describe('[C11] the Home tab', () => {
  it('is a dashboard: my jobs, what runs, my rights', async () => {
    await bot.post('/sandbox/slack/home', { user: 'ada' });
    const home = await until(async () => {
      const view = await bot.home('ada');
      return view && textsOf(view.blocks).includes('My jobs') ? view : undefined;
    }, 'the Home tab');
    const shown = textsOf(home.blocks);
    expect(shown).toContain('defects-resnet101-ddp');
    expect(shown).toContain('Running now');
    expect(shown).toMatch(
      /You may see jobs, read logs, compile, start training, download artifacts, package components/,
    );
    await bot.action('ada', 'compile.details', { view_id: home.id });
    await modal(bot, 'ada', 'Overview');
  });
});
