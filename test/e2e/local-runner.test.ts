/** A use case that trains on a runner: from a run that starts to its card, its log, its details and its alert. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { PROGRAM, RUNNER_TOKEN, RunnerHome } from '../fixtures/runner-process.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { untilDue } from './jobs.ts';
import { runnerProxy } from './runner-proxy.ts';

const TEMPLATES = `
templates:
  press:
    command: [sh, -c, 'printf "epoch 1\\nloss 0.5\\rloss 0.4\\n"; until test -e "$1"; do sleep 0.05; done; echo done', sh, '{file}']
    parameters: { file: { type: text, pattern: '[a-z0-9]+', default: go } }
  crash:
    command: [node, -e, 'console.log("epoch 1"); throw new Error("Loss is NaN in epoch 2, stopping training")']
`;

describe.skipIf(!existsSync(PROGRAM))('a use case that trains on SageMaker and on a runner', () => {
  let home: RunnerHome;
  let bot: Bot;
  let proxy: Awaited<ReturnType<typeof runnerProxy>>;
  beforeAll(async () => {
    home = await RunnerHome.make(TEMPLATES);
    expect(await home.start(), home.stderr).toBeUndefined();
    proxy = await runnerProxy(() => home.url);
    bot = await startBot({
      config: (yaml) => {
        const config = parse(yaml);
        config.useCases[0].providers = {
          sagemaker: true,
          local: { baseUrl: proxy.url, headers: { authorization: `Bearer ${RUNNER_TOKEN}` } },
        };
        return stringify(config);
      },
    });
    // What begins after the first look is news.
    await proxy.listed;
  });
  afterAll(async () => {
    await bot?.stop();
    proxy?.close();
    await home?.dispose();
  });

  it('has a log for a run that goes on, and all of it when it has ended', async () => {
    await home.run('press', 'press-1');
    await home.until('press-1', ({ size }) => size > 25);
    const ask = async (args: string) => {
      const since = await bot.now('C0LINE3');
      expect(await bot.command('ada', 'C0LINE3', args)).toMatchObject({ ok: true });
      return await bot.message('C0LINE3', 'Log of `press-1`* ·', { since });
    };
    const going = await ask('local:press-1 --plain');
    expect(wordsOf(going)).toContain('The job is still running');
    expect((await bot.content(going.files![0]!)).toString()).toMatch(/epoch 1\n.*loss 0\.4\n/);
    await writeFile(join(home.folder, 'go'), '');
    await home.ended('press-1');
    const whole = await ask('press-1 --raw');
    expect(wordsOf(whole)).toContain('completed');
    expect((await bot.content(whole.files![0]!)).toString()).toMatch(/loss 0\.5\rloss 0\.4\n.*done/);
  });

  it('has a card, and an alert with the cause for one that fails', async () => {
    await home.run('crash', 'crash-1');
    await home.ended('crash-1');
    const told = async (channel: string, words: string) =>
      (await bot.messages(channel)).find((one) => wordsOf(one).includes(words));
    const alert = await untilDue(bot, () => told('C0ALERTS', 'crash-1'), 'its alert');
    expect(wordsOf(alert)).toMatch(/Training failed.*crash-1.*on the local runner/s);
    // The log is read for it meanwhile.
    await expect
      .poll(async () => (await bot.messages('C0ALERTS')).map(wordsOf).join())
      .toContain('The training diverged');
    const card = await bot.message('C0LINE3', 'Training job `crash-1`');
    expect(wordsOf(card)).toMatch(/Training failed\* on the local runner/);
    const details = card.blocks!.flatMap((block) =>
      'elements' in block ? (block.elements as { action_id?: string }[]) : [],
    );
    expect(details.map(({ action_id }) => action_id)).toContain('compile.details');
    await bot.action('ada', 'compile.details', { channel: 'C0LINE3', ts: card.ts });
    await expect
      .poll(async () => JSON.stringify((await bot.views('ada')).at(-1) ?? ''))
      .toContain('It exited with code 1: Error: Loss is NaN in epoch 2, stopping training');
  });

  it('says that the runner is down, and keeps SageMaker’s jobs', async () => {
    await home.end('SIGTERM');
    const since = await bot.now('C0LINE3');
    await bot.command('ada', 'C0LINE3', 'local:press-1');
    expect(wordsOf(await bot.message('C0LINE3', 'The local runner does not answer', { since }))).toMatch(
      /Try again/,
    );
    await bot.command('ada', 'C0LINE3', 'defects-resnet50');
    await bot.message('C0LINE3', 'Log of `defects-resnet50`', { since });
    await home.start();
  });
});
