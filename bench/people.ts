/** People at a sandbox's Slack who give commands, wait for what comes, and ask again where Slack or the bot tells them to. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { InteractionResult, SandboxMessage } from '#sandbox';
import { type SlackClient, slackClient, textsOf, wordsOf } from '../test/slack/sandbox-client.ts';

export interface Errand {
  kind: 'list' | 'log' | 'form';
  channel: string;
  /** Of `log` and `form`. */
  job: string;
}

export interface Outcome {
  errand: Errand;
  /** Undefined: nothing came in time. */
  ms: number | undefined;
  /** Slack said that the app did not answer, so the person gave the command again. */
  asked: number;
  /** The bot said that it was interrupted, and to ask again. */
  interrupted: number;
  /** What was seen last, where nothing came. */
  seen?: string;
}

/** Milliseconds that somebody waits for an answer before they call it lost, and between two looks at the screen. */
const PATIENCE = 180_000;
const LOOK_EVERY = 250;

/**
 * @param who each does one errand after the other
 * @param pause milliseconds between two errands of one person
 */
export async function sendPeople(options: {
  url: string;
  who: readonly string[];
  errands: readonly Errand[];
  pause: number;
  onDone?: (outcome: Outcome) => void;
}): Promise<Outcome[]> {
  const client = slackClient(options.url);
  const waiting = [...options.errands];
  const outcomes: Outcome[] = [];
  await Promise.all(
    options.who.map(async (user, index) => {
      await sleep((options.pause * index) / options.who.length);
      for (let errand = waiting.shift(); errand; errand = waiting.shift()) {
        const outcome = await run(client, user, errand);
        outcomes.push(outcome);
        options.onDone?.(outcome);
        await sleep(options.pause);
      }
    }),
  );
  return outcomes;
}

const COMMANDS = { list: '/jobs', log: '/logs', form: '/compile' } as const;

async function run(client: SlackClient, user: string, errand: Errand): Promise<Outcome> {
  const began = performance.now();
  const outcome: Outcome = { errand, ms: undefined, asked: 0, interrupted: 0 };
  const give = async (): Promise<void> => {
    for (;;) {
      outcome.asked += 1;
      const result: InteractionResult = await client.command(
        user,
        errand.channel,
        errand.kind === 'list' ? '' : errand.job,
        COMMANDS[errand.kind],
      );
      if (result.ok || performance.now() - began > PATIENCE) return;
      await sleep(1_000);
    }
  };
  let since = await newest(client, errand.channel, user);
  await give();
  while (performance.now() - began < PATIENCE) {
    const fresh = (await client.messages(errand.channel, user)).filter(({ ts }) => ts > since);
    const answer = await seen(client, user, errand, fresh);
    outcome.seen = answer.words;
    if (answer.is === 'there') {
      delete outcome.seen;
      return { ...outcome, ms: performance.now() - began };
    }
    if (answer.is === 'interrupted') {
      outcome.interrupted += 1;
      since = await newest(client, errand.channel, user);
      await give();
    }
    await sleep(LOOK_EVERY);
  }
  return outcome;
}

const newest = async (client: SlackClient, channel: string, user: string): Promise<string> =>
  (await client.messages(channel, user))
    .map(({ ts }) => ts)
    .sort()
    .at(-1) ?? '0';

interface Seen {
  is: 'there' | 'interrupted' | 'nothing';
  words: string;
}

/** What the person sees of the answer. */
async function seen(
  client: SlackClient,
  user: string,
  { kind, channel, job }: Errand,
  fresh: readonly SandboxMessage[],
): Promise<Seen> {
  const isOwn = (one: SandboxMessage): boolean =>
    one.ephemeral_to === user || (kind === 'log' && wordsOf(one).includes(job));
  const own = fresh.filter(isOwn).map(wordsOf);
  const words = own.join('\n---\n').slice(0, 2_000);
  if (kind === 'log' && (await client.files(channel)).some(({ name }) => name.includes(job)))
    return { is: 'there', words };
  if (own.some((text) => /interrupted|no longer running/i.test(text))) return { is: 'interrupted', words };
  if (kind !== 'form') return { is: kind === 'list' && own.length > 0 ? 'there' : 'nothing', words };
  const view = (await client.views(user)).at(-1);
  if (!view) return { is: 'nothing', words: `no window; ${words}` };
  const shown = `${view.title?.text}\n${textsOf(view.blocks)}`;
  const isLost = /interrupted/i.test(shown);
  if (!isLost && !shown.includes(job)) return { is: 'nothing', words: shown };
  await client.post('/sandbox/slack/view', { user, view_id: view.id, close: true });
  return { is: isLost ? 'interrupted' : 'there', words: shown };
}
