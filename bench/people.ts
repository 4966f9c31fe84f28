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
  /** The bot said that it was interrupted, or that something failed, so the person asked again. */
  interrupted: number;
  failed: number;
  /** How often of these by the button that was there for it, and not by the command. */
  clicked: number;
  /** What was seen last, where nothing came. */
  seen?: string;
}

/** Milliseconds that somebody waits for an answer before they call it lost, and between two looks at the screen. */
const PATIENCE = 180_000;
const LOOK_EVERY = 250;
/** Milliseconds until whoever reads that something failed gives the command again. */
const READS_FOR = 5_000;

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
  const outcome: Outcome = { errand, ms: undefined, asked: 0, interrupted: 0, failed: 0, clicked: 0 };
  const { channel, kind, job } = errand;
  /** Again while Slack says that the app did not answer. */
  const give = async (ask: () => Promise<InteractionResult>): Promise<void> => {
    for (;;) {
      outcome.asked += 1;
      const result = await ask();
      if (result.ok || performance.now() - began > PATIENCE) return;
      await sleep(1_000);
    }
  };
  const type = () => client.command(user, channel, kind === 'list' ? '' : job, COMMANDS[kind]);
  let since = await newest(client, errand.channel, user);
  await give(type);
  while (performance.now() - began < PATIENCE) {
    const fresh = (await client.messages(errand.channel, user)).filter(({ ts }) => ts > since);
    const answer = await seen(client, user, errand, fresh);
    outcome.seen = answer.words;
    if (answer.is === 'there') {
      delete outcome.seen;
      return { ...outcome, ms: performance.now() - began };
    }
    if (answer.is === 'interrupted' || answer.is === 'failed') {
      outcome[answer.is] += 1;
      since = await newest(client, errand.channel, user);
      const { button } = answer;
      if (button) outcome.clicked += 1;
      else if (answer.is === 'failed') await sleep(READS_FOR);
      await give(button ? () => client.action(user, button.id, { channel, ts: button.ts }) : type);
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
  is: 'there' | 'interrupted' | 'failed' | 'nothing';
  words: string;
  /** What asks again, where the message has a button for it. */
  button?: { id: string; ts: string } | undefined;
}

/** What the bot says when it was stopped, and of everything that fails. */
const INTERRUPTED = /interrupted|no longer running/i;
const FAILED = /Reference/;
const ASKS_AGAIN = /"action_id":"(logs\.retry)"/;

/** What tells the person to ask again. */
function toAskAgain(own: readonly SandboxMessage[]): Pick<Seen, 'is' | 'button'> | undefined {
  for (const one of own) {
    const words = wordsOf(one);
    if (!INTERRUPTED.test(words) && !FAILED.test(words)) continue;
    const id = ASKS_AGAIN.exec(JSON.stringify(one.blocks ?? []))?.[1];
    return {
      is: INTERRUPTED.test(words) ? 'interrupted' : 'failed',
      button: id === undefined ? undefined : { id, ts: one.ts },
    };
  }
  return undefined;
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
  const own = fresh.filter(isOwn);
  const words = own.map(wordsOf).join('\n---\n').slice(0, 2_000);
  if (kind === 'log' && (await client.files(channel)).some(({ name }) => name.includes(job)))
    return { is: 'there', words };
  const again = toAskAgain(own);
  if (again) return { ...again, words };
  if (kind !== 'form') return { is: kind === 'list' && own.length > 0 ? 'there' : 'nothing', words };
  const view = (await client.views(user)).at(-1);
  if (!view) return { is: 'nothing', words: `no window; ${words}` };
  const shown = `${view.title?.text}\n${textsOf(view.blocks)}`;
  const isLost = INTERRUPTED.test(shown);
  if (!isLost && !shown.includes(job)) return { is: 'nothing', words: shown };
  await client.post('/sandbox/slack/view', { user, view_id: view.id, close: true });
  return { is: isLost ? 'interrupted' : 'there', words: shown };
}
