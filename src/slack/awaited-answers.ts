/**
 * Who waits for an answer is on record before Slack is told that their command or click was received: from then on Slack
 * shows them nothing more, so if the process is killed, another one must tell them. A response URL takes 5 messages
 * within 30 minutes: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { answerLost, windowLost } from '../blocks/answer-lost.ts';
import type { Context, OpenView } from '../commands/context.ts';
import { inTurn } from '../ground/in-turn.ts';
import { inTime } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import type { LostAnswers } from '../ports/lost-answers.ts';
import type { AwaitedAnswer, UnfinishedMessage, UnfinishedStore } from '../ports/unfinished-store.ts';
import type { Interaction } from './conversation.ts';

/** Milliseconds: Slack waits 3 s to hear that it was received, and a store in trouble must not be in the way. */
const RECORDED_WITHIN = 500;
/** Characters of a command that are enough to know it again. */
const LONGEST_TYPED = 200;

export interface AwaitedAnswers {
  store: Pick<UnfinishedStore, 'putUnfinished' | 'removeUnfinished'>;
  clock: Clock;
  /** The instance that answers. */
  by: string;
}

/** One answer that somebody waits for. */
export interface Awaited {
  /** A window says that it is on its way. */
  opened(view: string): void;
  /** They see it, or that it is being worked on, in a message that has a record of its own. Safe to call twice. */
  answered(): void;
}

/**
 * @param typed the command; undefined: they clicked
 * @returns once it is on record. That it could not be recorded shows only after a kill, so it is no error
 */
export async function awaitAnswer(
  { store, clock, by }: AwaitedAnswers,
  interaction: Interaction,
  typed: string | undefined,
  log: Logger,
): Promise<Awaited> {
  const { actor, place, responseUrl } = interaction;
  const id = `answer/${randomUUID()}`;
  const record: UnfinishedMessage = { id, channel: place.channel ?? actor.user, since: clock.now(), by };
  const answer: AwaitedAnswer = {
    user: actor.user,
    ...(typed ? { typed: typed.slice(0, LONGEST_TYPED) } : {}),
    ...(place.thread ? { thread: place.thread } : {}),
    ...(responseUrl ? { responseUrl } : {}),
  };
  let isOver = false;
  const write = inTurn((error) => log.warn({ err: error }, 'who waits for an answer could not be recorded'));
  await inTime(
    RECORDED_WITHIN,
    write(() => store.putUnfinished({ ...record, answer })),
  );
  return {
    opened: (view) => {
      if (!isOver) void write(() => store.putUnfinished({ ...record, answer: { ...answer, view } }));
    },
    answered: () => {
      if (isOver) return;
      isOver = true;
      void write(() => store.removeUnfinished(id));
    },
  };
}

/** The same conversation; what the person sees of an answer is noted. */
export function noting(context: Context, awaited: Awaited): Context {
  const { reply } = context;
  const seen =
    <A extends unknown[], R>(show: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      const shown = await show(...given);
      awaited.answered();
      return shown;
    };
  const window = ({ id, update }: OpenView): OpenView => ({ id, update: seen(update) });
  return {
    ...context,
    reply: {
      ...reply,
      privately: seen(reply.privately),
      publicly: seen(reply.publicly),
      directly: seen(reply.directly),
      replace: seen(reply.replace),
    },
    openModal: async (view) => {
      const opened = await context.openModal(view);
      awaited.opened(opened.id);
      return window(opened);
    },
    view: context.view && window(context.view),
  };
}

/** @param open the conversation in which it was asked */
export const lostAnswers = (open: (interaction: Interaction) => Context): LostAnswers => ({
  async tell(channel, { user, typed, thread, responseUrl, view }) {
    const { reply, view: window } = open({
      actor: { team: '', user },
      userName: undefined,
      place: { channel, thread, isDirect: !/^[CG]/.test(channel) },
      invocation: typed ?? '',
      ...{ responseUrl, viewId: view },
    });
    if (window) await window.update(windowLost(typed));
    else await reply.privately(answerLost(typed));
  },
});
