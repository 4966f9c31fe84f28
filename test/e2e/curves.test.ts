/** Curves on request: of runs on SageMaker, whose logs the sandbox has, through Slack. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxMessage } from '#sandbox';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { closeAll, modal, until } from './jobs.ts';

const CHANNEL = 'C0LINE3';
const KERAS = 'glare-segmenter-keras';
const XGB = 'colour-drift-xgb';
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

let bot: Bot;
beforeAll(async () => {
  bot = await startBot();
  for (const job of [KERAS, XGB, 'defects-resnet101-ddp', 'defects-resnet50'])
    await until(async () => {
      const since = await bot.now(CHANNEL);
      await bot.command('ada', CHANNEL, job, '/jobs');
      const table = await bot.message(CHANNEL, `\`${job}\``, { since });
      return table.text.startsWith('No training jobs') ? undefined : table;
    }, `${job} is known`);
});
afterAll(() => bot.stop());
afterEach(async () => {
  bot.clearFaults();
  await closeAll(bot, 'ada');
});

/**
 * Clicks Curves in a job's details.
 * @param faults from the click on: what comes before it edits cards, which must not meet them
 */
async function askFor(job: string, user = 'ada', ...faults: Parameters<Bot['fault']>): Promise<string> {
  const since = await bot.now(CHANNEL);
  await bot.command(user, CHANNEL, job, '/jobs');
  const table = await bot.message(CHANNEL, `\`${job}\``, { since });
  await bot.action(user, 'compile.details:0', { channel: CHANNEL, message_ts: table.ts });
  const view = await modal(bot, user, 'Hyperparameters');
  const at = await bot.now(CHANNEL);
  if (faults.length > 0) await bot.fault(...faults);
  expect(await bot.action(user, 'curves.show', { view_id: view.id })).toMatchObject({ ok: true });
  return at;
}

const chartsOf = ({ blocks = [] }: SandboxMessage): Record<string, unknown>[] =>
  (blocks as Record<string, unknown>[]).filter(({ type }) => type === 'data_visualization');

const click = (message: SandboxMessage, action: string, user = 'ada') =>
  bot.action(user, action, { channel: message.channel, message_ts: message.ts });

async function fileAfter(
  since: string,
  ending: string,
): Promise<{ message: SandboxMessage; content: Buffer }> {
  const message = await until(
    async () =>
      (await bot.messages(CHANNEL)).find(
        (one) => one.ts > since && one.files?.some(({ name }) => name.endsWith(ending)),
      ),
    `a file *${ending}`,
  );
  return { message, content: await bot.content(message.files![0]!) };
}

describe('[W8] the curves of a run', () => {
  it('are Slack’s charts, with last and best value of each metric in words', async () => {
    const since = await askFor(KERAS);
    const message = await bot.message(CHANNEL, `Curves of \`${KERAS}\``, { since });
    expect(chartsOf(message).length).toBeGreaterThan(0);
    expect(wordsOf(message)).toMatch(
      /`val_loss` \*[\d.]+\* at epoch \d+ · (?:its best|best \*[\d.]+\* at epoch \d+) {2}[▁▂▃▄▅▆▇█]+/,
    );
    expect(wordsOf(message)).toContain('Line 3 defects');
  });

  it('are chosen by the run’s name below /jobs', async () => {
    const since = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, XGB, '/jobs');
    const table = await bot.message(CHANNEL, `\`${XGB}\``, { since });
    const chosen = { channel: CHANNEL, message_ts: table.ts, value: `line-3 ${XGB}` };
    expect(await bot.action('ada', 'curves.of', chosen)).toMatchObject({ ok: true });
    const message = await bot.message(CHANNEL, `Curves of \`${XGB}\``, { since });
    expect(wordsOf(message)).toContain('`validation-rmse`');
  });

  it('come as a table of values, and as a picture with a logarithmic axis', async () => {
    const since = await askFor(XGB);
    const message = await bot.message(CHANNEL, `Curves of \`${XGB}\``, { since });
    await click(message, 'curves.csv');
    const csv = await fileAfter(since, '.csv');
    const [header, first] = csv.content.toString('utf8').split('\r\n');
    expect(header).toBe('run,metric,axis,at,value,time');
    expect(first).toMatch(new RegExp(`^${XGB},[^,]+,(step|epoch),\\d+,[\\d.]+,`));
    await click(message, 'curves.log');
    const picture = await fileAfter(since, `${XGB}-log.png`);
    expect(picture.content.subarray(0, 4)).toEqual(PNG);
    expect(wordsOf(picture.message)).toContain('best');
  });

  it('are words and a picture where Slack takes no charts', async () => {
    const since = await askFor(KERAS, 'ada', { on: 'chat.update', kind: 'invalid_blocks', times: 1 });
    const message = await bot.message(CHANNEL, `Curves of \`${KERAS}\``, { since });
    expect(chartsOf(message)).toEqual([]);
    expect(wordsOf(message)).toContain('`val_loss`');
    expect((await fileAfter(since, `${KERAS}.png`)).content.subarray(0, 4)).toEqual(PNG);
  });

  it('are words alone where Slack takes no files either', async () => {
    const since = await askFor(
      KERAS,
      'ada',
      { on: 'chat.update', kind: 'invalid_blocks', times: 1 },
      { on: 'files.getUploadURLExternal', kind: 'file_uploads_disabled', times: 0 },
    );
    const message = await bot.message(CHANNEL, `Curves of \`${KERAS}\``, { since });
    expect(wordsOf(message)).toContain('`val_loss`');
    await click(message, 'curves.csv');
    expect(wordsOf(await bot.message(CHANNEL, 'File uploads are', { since }))).toMatch(/uploads/i);
  });

  it('are none where nothing was printed yet, which says what to expect', async () => {
    const since = await askFor('defects-resnet50-night');
    const message = await bot.message(CHANNEL, 'No curves of', { since });
    expect(wordsOf(message)).toContain('the first lines come once its machines are up');
  });
});

describe('[W8] runs compared', () => {
  const open = async (): Promise<string> => {
    const since = await bot.now(CHANNEL);
    await bot.command('ada', CHANNEL, '', '/jobs');
    const table = await bot.message(CHANNEL, 'newest first', { since });
    await click(table, 'curves.compare');
    return (await modal(bot, 'ada', 'Compare')).id;
  };
  const submit = async (view_id: string, ...jobs: string[]) => {
    await bot.post('/sandbox/slack/options', { user: 'ada', view_id, action_id: 'curves.job', value: '' });
    const values = { 'curves.job': jobs.map((job) => `line-3 ${job}`) };
    return bot.post('/sandbox/slack/view', { user: 'ada', view_id, values });
  };

  it('are a chart for each metric that they share, and a table of last and best values', async () => {
    const view = await open();
    const since = await bot.now(CHANNEL);
    await submit(view, 'defects-resnet101-ddp', 'defects-resnet50');
    // They had different numbers of steps, so it is a picture that shows them.
    const { message, content } = await fileAfter(since, 'defects-resnet50.png');
    expect(content.subarray(0, 4)).toEqual(PNG);
    expect(wordsOf(message)).toMatch(
      /2 runs compared[\s\S]*`loss`\*\n• `defects-resnet50` best \*[\d.]+\* at step [\d,]+ · last/,
    );
  });

  it('are two or more', async () => {
    const view = await open();
    expect(JSON.stringify(await submit(view, KERAS))).toContain('Choose two to 6 runs');
  });
});
