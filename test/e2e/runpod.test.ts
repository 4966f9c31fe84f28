/** A use case that trains in RunPod's pods: from a command in Slack to a log, and from the end of a run to a pod that is gone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { InteractionResult, SandboxView } from '#sandbox';
import { POD_TEMPLATE } from '../../src/demo/line-3-pods.ts';
import { textsOf, wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { card, closeAll, modal, until, untilDue } from './jobs.ts';

const LIVE = 'inspection-notes-lora.l3notes0live00';
const BASE = 'inspection-notes-base.l3notes0base00';
const WIDE = 'inspection-notes-wide.l3notes0wide00';

describe('a use case that trains on SageMaker and on RunPod', () => {
  let bot: Bot;
  beforeAll(async () => {
    bot = await startBot({
      config: (yaml) => {
        const config = parse(yaml);
        config.useCases[0].providers = { sagemaker: true, runpod: { apiKeyEnv: 'RUNPOD_API_KEY' } };
        config.useCases[0].train.templates.push(POD_TEMPLATE);
        return stringify(config);
      },
    });
    // Five people's work of an hour, in two minutes.
    bot.sandbox.runpod.configure({ quotas: { minute: 3_000, hour: 3_000, day: 50_000 } });
  });
  afterAll(() => bot?.stop());

  const ask = async (args: string, answer: string) => {
    const since = await bot.now('C0LINE3');
    expect(await bot.command('ada', 'C0LINE3', args)).toMatchObject({ ok: true });
    return await bot.message('C0LINE3', answer, { since });
  };

  it('has the log of a pod that runs, by RunPod’s id too', async () => {
    const answer = await ask('runpod:l3notes0live00 --plain', `Log of \`${LIVE}\`* ·`);
    expect(wordsOf(answer)).toContain('The job is still running');
    const text = (await bot.content(answer.files![0]!)).toString();
    expect(text).toContain('[system] create container');
    expect(text).toContain('***** Running training *****');
  });

  it('has it by the name that people gave it, as long as no other provider has a job of that name', async () => {
    await ask('inspection-notes-lora --tail 5', `Log of \`${LIVE}\`* ·`);
  });

  it('tells of a pod that was taken away as stopped, by nobody knows whom, and has what it had printed', async () => {
    const answer = await ask(WIDE, `Log of \`${WIDE}\`* ·`);
    expect(wordsOf(answer)).not.toMatch(/completed|failed|running|on request/i);
    expect((await bot.content(answer.files![0]!)).toString()).toContain('host is going away');
  });

  it('says of it on its card what is known, once its log has been read to the end: not that somebody asked for it', async () => {
    const shown = textsOf((await card(bot, 'C0LINE3', WIDE, 'Training stopped')).blocks);
    expect(shown).toContain('nothing says by whom');
    expect(shown).not.toContain('on request');
  }, 200_000);

  it('keeps the log of a run that has ended, deletes its pod, and still has both its log and its end', async () => {
    const there = (): string[] => bot.sandbox.runpod.pods().map(({ id }) => id);
    await untilDue(bot, async () => !there().includes('l3notes0base00') || undefined, 'that its pod is gone');
    // What runs goes on, and what Signalbox did not start is not touched.
    expect(there()).toContain('l3notes0live00');
    expect(bot.sandbox.runpod.pods().map(({ name }) => name)).toContain('ada-notebook');
    const answer = await ask(BASE, `Log of \`${BASE}\`* ·`);
    expect(wordsOf(answer)).toContain('completed');
    expect((await bot.content(answer.files![0]!)).toString()).toMatch(/\[signalbox \w+\] exit 0/);
  }, 240_000);

  it('does not show pods that are none of its jobs', async () => {
    await ask('ada-notebook', 'There is no training job `ada-notebook`');
  });

  it('[P3] says where the log is as long as RunPod does not let it in', async () => {
    const forbidden = { kind: '403', times: 10_000 } as const;
    await bot.fault({ on: 'runpod:ListPods', ...forbidden }, { on: 'runpod:GetPodLogs', ...forbidden });
    const answer = wordsOf(await ask(`runpod:${LIVE}`, 'does not let the API key'));
    expect(answer).toContain('https://www.runpod.io/console/pods/l3notes0live00');
    expect(answer).toContain('/workspace/training_output.log');
    bot.clearFaults();
  });

  const podsCalled = (name: string) => bot.sandbox.runpod.pods().filter((pod) => pod.name === name);
  const jobOf = async (name: string) =>
    await until(
      async () => podsCalled(name)[0] && `${name}.${podsCalled(name)[0]!.id}`,
      `a pod called ${name}`,
    ).catch(async (error: unknown) => {
      const seen = (await bot.views('ada')).map(({ blocks }) => textsOf(blocks));
      throw new Error(`${String(error)}; ada sees ${JSON.stringify(seen)}`);
    });
  const submit = (view: SandboxView, values: Record<string, string>): Promise<InteractionResult> =>
    bot.post('/sandbox/slack/view', {
      user: 'ada',
      view_id: view.id,
      values: Object.fromEntries(Object.entries(values).map(([field, value]) => [field, { [field]: value }])),
    });
  const onCard = async (user: string, action: string, job: string) => {
    const { ts } = await card(bot, 'C0LINE3', job);
    expect(await bot.action(user, action, { channel: 'C0LINE3', message_ts: ts })).toMatchObject({
      ok: true,
    });
  };

  it('[P5, W6] starts one pod however often the form is submitted, with its price on its card, is watched, and stops it', async () => {
    await bot.command('ada', 'C0LINE3', 'inspection-notes', '/train');
    const form = await modal(bot, 'ada', 'Name of the run');
    expect(textsOf(form.blocks)).toContain('RunPod');
    const field = (name: string) => `value.inspection-notes.${name}`;
    const wrong = await submit(form, { [field('epochs')]: '21', 'name.inspection-notes': '_' });
    expect(JSON.stringify(wrong)).toContain('Expected a whole number from 1 to 20.');
    expect(podsCalled('_')).toEqual([]);
    const right = { [field('epochs')]: '2', 'name.inspection-notes': 'notes-by-ada' };
    await Promise.all([submit(form, right), submit(form, right)]);
    const job = await jobOf('notes-by-ada');
    const shown = textsOf((await card(bot, 'C0LINE3', job, 'From the template')).blocks);
    expect(shown).toContain('`inspection-notes` by ada');
    expect(shown).toMatch(/\$\d+\.\d\d an hour/);
    expect(podsCalled('notes-by-ada')).toHaveLength(1);
    const { ts } = await card(bot, 'C0LINE3', job);
    const tail = (says: RegExp) =>
      until(async () => {
        const replies = (await bot.thread('C0LINE3', ts)).filter((one) => one.metadata && one.ts !== ts);
        return replies.find(
          (one) => /^(?:Watching|.*\*Training stopped\*:)/.test(one.text) && says.test(wordsOf(one)),
        );
      }, `a message in its thread that says ${says}`);
    await onCard('ben', 'watch.start', job);
    const watched = await tail(/```[\s\S]*CUDA Version 12\.8\.1/);
    expect(wordsOf(watched)).toMatch(/Training \w+\* on RunPod/);
    expect((await tail(/Loading checkpoint shards: 100%/)).ts).toBe(watched.ts);
    const since = await bot.now('C0LINE3');
    await onCard('ada', 'train.stop', job);
    await bot.message('C0LINE3', 'You do not have permission to stop training jobs', { user: 'ada', since });
    await onCard('ben', 'train.stop', job);
    await bot.message('C0LINE3', `Stopping \`${job}\``, { user: 'ben', since });
    const ended = textsOf((await card(bot, 'C0LINE3', job, 'Run again')).blocks);
    expect(ended).toContain('Stopped by ben');
    expect(ended).toContain('The job was stopped on request.');
    const over = await tail(/Training stopped\*: `notes-by-ada[\s\S]*\[signalbox \w+\] stopped/);
    expect(over.ts).toBe(watched.ts);
    expect(JSON.stringify(over.blocks)).not.toMatch(/watch\.(stop|resume)/);
    await untilDue(bot, async () => podsCalled('notes-by-ada').length === 0 || undefined, 'that it is gone');
  }, 400_000);

  it('[P5] runs it again from its template with what was changed, though its pod is gone', async () => {
    const before = await until(
      async () =>
        (await bot.messages('C0LINE3')).find(({ text }) => text.startsWith('Training job `notes-by-ada.')),
      'the card of the run that was stopped',
    );
    await closeAll(bot, 'ada');
    await bot.action('ada', 'train.again', { channel: 'C0LINE3', message_ts: before.ts });
    const form = await modal(bot, 'ada', 'Name of the new run');
    expect(JSON.stringify(form)).toContain('epochs=2');
    expect(JSON.stringify(form)).toMatch(/"initial_value":"notes-by-ada-\d{4}-/);
    const answer = await submit(form, {
      name: 'notes-again',
      hyperparameters: 'epochs=1\nlr=0.0002\nrank=32',
    });
    expect(answer).not.toHaveProperty('errors');

    const job = await jobOf('notes-again');
    await modal(bot, 'ada', 'Started');
    await closeAll(bot, 'ada');
    expect(textsOf((await card(bot, 'C0LINE3', job)).blocks)).toContain('notes-again');
    expect(podsCalled('notes-again')).toHaveLength(1);
  }, 200_000);

  it('tells of a pod that cannot be stopped when its time is up, and deletes it when it can', async () => {
    await bot.fault({ on: 'runpod:PodAction', kind: '403', times: 10_000 });
    const told = async () =>
      (await bot.messages('C0ALERTS')).filter(
        (one) => wordsOf(one).includes('costing money') && wordsOf(one).includes(LIVE),
      );
    // Of its two hours forty minutes are over; the others' are not yet.
    bot.pass(83 * 60_000);
    const alert = await untilDue(bot, async () => (await told())[0], 'an alert of the pod');
    expect(wordsOf(alert)).toContain('has tried to stop it');
    expect(wordsOf(alert)).toContain('does not let the API key');
    bot.clearFaults();
    const isThere = () => bot.sandbox.runpod.pods().some(({ id }) => id === 'l3notes0live00');
    await untilDue(bot, async () => !isThere() || undefined, 'that it is gone');
    expect(await told()).toHaveLength(1);
  }, 400_000);

  it('tells of a pod that cannot be deleted once, with what it costs, and deletes it when it can', async () => {
    await bot.fault({ on: 'runpod:DeletePod', kind: '403', times: 10_000 });
    const job = await jobOf('notes-again');
    await onCard('ben', 'train.stop', job);
    await card(bot, 'C0LINE3', job, 'Run again');
    const told = async () =>
      (await bot.messages('C0ALERTS')).filter(
        (one) => wordsOf(one).includes(`costing money`) && wordsOf(one).includes(job),
      );
    await until(async () => {
      // Rounds are half a minute apart by the bot's clock, and it is patient for five minutes.
      bot.pass(60_000);
      return (await told())[0];
    }, 'an alert of the pod');
    const [alert] = await told();
    expect(wordsOf(alert!)).toContain('does not let the API key');
    expect(JSON.stringify(alert!.blocks)).toContain(
      `https://www.runpod.io/console/pods/${job.split('.')[1]}`,
    );
    bot.clearFaults();
    await expect
      .poll(
        () => {
          bot.pass(60_000);
          return podsCalled('notes-again');
        },
        { timeout: 120_000, interval: 500 },
      )
      .toEqual([]);
    expect(await told()).toHaveLength(1);
  }, 400_000);
});
