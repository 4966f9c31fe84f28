/** *Watch* from the button to the run's end: the whole app, a runner in a process of its own, and the sandbox's Slack. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { SandboxMessage } from '#sandbox';
import { PROGRAM, RUNNER_TOKEN, RunnerHome } from '../fixtures/runner-process.ts';
import { wordsOf } from '../slack/sandbox-client.ts';
import { type Bot, startBot } from './bot.ts';
import { cardsOf, untilDue } from './jobs.ts';
import { runnerProxy } from './runner-proxy.ts';

const CHANNEL = 'C0LINE3';
const TEMPLATES = `
templates:
  bars:
    command:
      - sh
      - -c
      - 'printf "\\033[32mepoch 1\\033[0m\\n 10%% loss 0.5\\r 90%% loss 0.4"; until test -e "$1-on"; do sleep 0.05; done; printf "\\repoch 1 done, key AKIAIOSFODNN7EXAMPLE <!channel>\\nepoch 2\\n"; until test -e "$1-end"; do sleep 0.05; done; echo "Loss is NaN"; exit 3'
      - sh
      - '{file}'
    parameters: { file: { type: text, pattern: '[a-z0-9]+' } }
`;

describe.skipIf(!existsSync(PROGRAM))('[W6] watching a run in Slack', () => {
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

  const thread = async (ts: string): Promise<SandboxMessage[]> =>
    (await bot.thread(CHANNEL, ts)).filter(({ text }) => /[Ww]atching|Training failed/.test(text));
  /** The one message of a thread that shows a run, once it says this. */
  const tail = (ts: string, says: string | RegExp): Promise<SandboxMessage> => {
    let seen = '';
    return untilDue(
      bot,
      async () => {
        const found = (await thread(ts)).find(
          (one) => one.metadata !== undefined && /last|atching/.test(wordsOf(one)),
        );
        seen = found ? wordsOf(found) : 'nothing';
        return found && (typeof says === 'string' ? seen.includes(says) : says.test(seen))
          ? found
          : undefined;
      },
      `a message that says ${says}`,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it says:\n${seen}`);
    });
  };
  const carded = (job: string): Promise<SandboxMessage> =>
    untilDue(bot, async () => (await cardsOf(bot, CHANNEL, job))[0], `the card of ${job}`);
  const go = (file: string) => writeFile(join(home.folder, file), '');
  const valueIn = (message: SandboxMessage, action: string): Record<string, unknown> => {
    expect(JSON.stringify(message.blocks)).toContain(action);
    return { channel: CHANNEL, message_ts: message.ts };
  };

  it('shows the end of its log as a terminal does, once for two clicks, and goes on after a restart, to the exit code', async () => {
    await home.run('bars', 'bars-1', { file: 'one' });
    const of = await carded('bars-1');
    const where = valueIn(of, 'watch.start');
    const since = await bot.now(CHANNEL);
    await Promise.all([bot.action('ada', 'watch.start', where), bot.action('ben', 'watch.start', where)]);
    const answers = await Promise.all(
      ['ada', 'ben'].map((user) => bot.message(CHANNEL, 'in the thread of its card', { user, since })),
    );
    // One has begun it, and it was going on for the other.
    expect(answers.map((one) => wordsOf(one).includes('already')).sort()).toEqual([false, true]);

    const first = await tail(of.ts, '90% loss 0.4');
    expect(wordsOf(first)).toMatch(/Watching `bars-1`\* · Line 3/);
    expect(wordsOf(first)).toMatch(/Training running\* on the local runner · for \d+/);
    expect(wordsOf(first)).toContain('```\nepoch 1\n 90% loss 0.4\n```');
    expect(wordsOf(first)).toMatch(/for (ada, ben|ben, ada) · stops by itself/);

    await bot.restart();
    await go('one-on');
    const later = await tail(of.ts, 'epoch 2');
    expect(later.ts).toBe(first.ts);
    expect(wordsOf(later)).toContain('epoch 1\nepoch 1 done, key');
    expect(JSON.stringify(later.blocks)).not.toMatch(/AKIAIOSFODNN7EXAMPLE|<!channel>|loss 0/);
    expect(await bot.calledBy(later)).toEqual([]);

    // The server under the desk is down for a while.
    await home.end('SIGKILL');
    await tail(of.ts, /:warning: .*local runner/);
    expect(await home.start(), home.stderr).toBeUndefined();
    await go('one-end');
    const end = await tail(of.ts, 'exit code 3');
    expect(end.ts).toBe(first.ts);
    expect(wordsOf(end)).toMatch(/Training failed\*: `bars-1` · exit code 3 · took/);
    expect(wordsOf(end)).toContain('Loss is NaN');
    for (const action of ['logs.get', 'compile.details'])
      expect(JSON.stringify(end.blocks)).toContain(action);
    expect(JSON.stringify(end.blocks)).not.toMatch(/watch\.(stop|resume)/);
    expect((await thread(of.ts)).filter(({ metadata, ts }) => metadata && ts === first.ts)).toHaveLength(1);
  }, 240_000);

  it('stops by itself after two hours, and goes on in the same message with Resume', async () => {
    await home.run('bars', 'bars-2', { file: 'two' });
    const of = await carded('bars-2');
    await bot.action('ada', 'watch.start', valueIn(of, 'watch.start'));
    const first = await tail(of.ts, '90% loss 0.4');
    bot.pass(2 * 3_600_000 + 60_000);
    const over = await tail(of.ts, 'two hours have passed');
    expect(over.ts).toBe(first.ts);
    await bot.action('ben', 'watch.resume', valueIn(over, 'watch.resume'));
    await go('two-on');
    const on = await tail(of.ts, /Watching[\s\S]*epoch 2[\s\S]*for ben · stops by itself/);
    expect(on.ts).toBe(first.ts);
    await bot.action('ada', 'watch.stop', valueIn(on, 'watch.stop'));
    expect(wordsOf(await tail(of.ts, 'ada has stopped it'))).toContain('epoch 2');
    // In a thread of their own, by words, the same run is another message.
    const { ts } = await bot.post<{ ts: string }>('/sandbox/slack/message', {
      user: 'ada',
      channel: CHANNEL,
      text: 'how is it going?',
    });
    await bot.post('/sandbox/slack/message', {
      user: 'ada',
      channel: CHANNEL,
      thread_ts: ts,
      text: '<@U0SIGNALBOX> watch bars-2',
    });
    const other = await tail(ts, 'epoch 2');
    expect(other.ts).not.toBe(first.ts);
    await go('two-end');
    await tail(ts, 'exit code 3');
  }, 240_000);
});
