/** Where somebody did something in Slack, and every way of answering them there. */
import type { Logger } from 'pino';
import type { Block, Message, Modal } from '../blocks/message.ts';
import { context as contextBlock, section } from '../blocks/text.ts';
import type { Context, OpenView, Place } from '../commands/context.ts';
import type { Actor } from '../ground/actor.ts';
import type { LiveMessage } from '../ports/channel-messages.ts';
import type { SlackClients } from './clients.ts';
import { slackCall, slackErrorCode, withFallback } from './errors.ts';
import type { LiveMessages } from './live-messages.ts';
import type { OnceOnly } from './once.ts';
import { respond, slacksOwn } from './response-url.ts';

/** The facts about an interaction that answering needs. */
export interface Interaction {
  /** With the person's workspace, which in a shared channel may not be ours. */
  actor: Actor;
  /** The workspace's organisation. */
  organisation?: string | undefined;
  /** Missing if Slack sent only an id. */
  userName: string | undefined;
  place: Place;
  invocation: string;
  /** For answering without being in the channel: 5 times within 30 minutes. */
  responseUrl?: string | undefined;
  /** Opens a modal, once, within 3 s. */
  triggerId?: string | undefined;
  /** The modal in which it happened. */
  viewId?: string | undefined;
  /** Something in the modal was clicked, and it stays open: private answers go on top of it. */
  clickedInView?: boolean | undefined;
  /** The message whose element was clicked. */
  clicked?: { ts: string; ephemeral: boolean; text: string; blocks: readonly Block[] } | undefined;
}

export interface ConversationDeps {
  clients: SlackClients;
  live: LiveMessages;
  once: OnceOnly;
  log: Logger;
  /** Where another Slack is reached; undefined: Slack itself. */
  apiUrl?: string | undefined;
}

/** @param slash what this workspace's commands begin with */
export function openContext(deps: ConversationDeps, interaction: Interaction, slash: string): Context {
  const { clients, live, once } = deps;
  const { actor, place, clicked } = interaction;
  const responseUrl = slacksOwn(interaction.responseUrl, deps.apiUrl);
  const log = deps.log.child({ user: actor.user, channel: place.channel });

  const directly = async (message: Message): Promise<LiveMessage> => {
    const thread = place.isDirect ? place.thread : undefined;
    return live.post('a direct message', { channel: actor.user, thread }, message);
  };

  const privately = async (message: Message): Promise<void> => {
    if (interaction.clickedInView) {
      try {
        // Behind the modal nobody would see it.
        await once.openWindow('push', interaction.triggerId ?? '', answerView(message, place));
        return;
      } catch (error) {
        log.debug({ err: error }, 'no answer possible in the modal; sending it another way');
      }
    }
    if (responseUrl) {
      try {
        return await withFallback(message, (content) =>
          respond(responseUrl, {
            response_type: 'ephemeral',
            replace_original: false,
            ...(place.thread ? { thread_ts: place.thread } : {}),
            ...content,
          }),
        );
      } catch (error) {
        log.debug({ err: error }, 'the response URL did not take an answer; sending it another way');
      }
    }
    if (place.channel && !place.isDirect) {
      try {
        await withFallback(message, (content) =>
          clients.interactive.chat.postEphemeral({
            channel: place.channel!,
            user: actor.user,
            ...(place.thread ? { thread_ts: place.thread } : {}),
            ...content,
          }),
        );
        return;
      } catch (error) {
        log.debug({ err: error }, 'no ephemeral message possible there; sending a direct message');
      }
    }
    await directly(message);
  };

  return {
    actor,
    userName: interaction.userName,
    place,
    invocation: interaction.invocation,
    slash,
    log,
    reply: {
      privately,
      directly,
      publicly: async (message) => {
        if (!place.channel || place.isDirect) return directly(message);
        return live.post('a message', { channel: place.channel, thread: place.thread }, message);
      },
      retire: async (line) => {
        if (!clicked) return;
        try {
          await retire(clicked, line);
        } catch (error) {
          // The buttons stay; clicks on them are checked like the first.
          log.debug({ err: error }, 'the clicked message could not be changed');
        }
      },
      replace: async (message) => {
        if (!clicked) return privately(message);
        try {
          await replace(clicked, message);
        } catch (error) {
          log.debug({ err: error }, 'the clicked message could not be replaced; answering below it');
          await privately(message);
        }
      },
    },
    openModal: async (view) => {
      const trigger_id = interaction.triggerId ?? '';
      // From within a modal, a second one goes on top; closing it leads back.
      const way = interaction.viewId === undefined ? 'open' : 'push';
      return openView(await slackCall('opening a window', () => once.openWindow(way, trigger_id, view)));
    },
    view: interaction.viewId === undefined ? undefined : openView(interaction.viewId),
  };

  function openView(view_id: string): OpenView {
    return {
      id: view_id,
      update: async (view: Modal) => {
        try {
          await clients.interactive.views.update({ view_id, view });
          return true;
        } catch (error) {
          if (slackErrorCode(error) === 'not_found') return false;
          return slackCall('changing a window', () => Promise.reject(error));
        }
      },
    };
  }

  async function replace(old: NonNullable<Interaction['clicked']>, message: Message): Promise<void> {
    if (old.ephemeral || !place.channel) {
      if (!responseUrl) throw new Error('nothing leads back to the message');
      return withFallback(message, (content) => respond(responseUrl, { replace_original: true, ...content }));
    }
    await live.follow(place.channel, old.ts).finish(message);
  }

  async function retire(message: NonNullable<Interaction['clicked']>, line: string): Promise<void> {
    const blocks = [...message.blocks.filter((block) => block.type !== 'actions'), contextBlock(line)];
    if (message.ephemeral) {
      if (responseUrl) await respond(responseUrl, { delete_original: true });
      return;
    }
    if (!place.channel) return;
    await live.follow(place.channel, message.ts).finish({ text: message.text, blocks });
  }
}

function answerView(message: Message, place: Place): Modal {
  const blocks = message.fallback ?? message.blocks;
  return {
    type: 'modal',
    callback_id: 'answer',
    title: { type: 'plain_text', text: 'Signalbox' },
    close: { type: 'plain_text', text: 'Back' },
    private_metadata: JSON.stringify(place),
    blocks: blocks ?? [section(message.text)],
  };
}
