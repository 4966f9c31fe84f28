/** Everything that comes in from Slack: acknowledged at once, then passed to the right command. */
import type { App } from '@slack/bolt';
import { errorMessage } from '../blocks/errors.ts';
import type { Message } from '../blocks/message.ts';
import type { Command, HomeTab } from '../commands/command.ts';
import type { Context } from '../commands/context.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import { AppError, CancelledError, toAppError } from '../ground/errors.ts';
import { observed } from '../ground/observed.ts';
import { inTime } from '../ground/pause.ts';
import type { OnceStore } from '../ports/once-store.ts';
import { type Awaited, type AwaitedAnswers, awaitAnswer, noting } from './awaited-answers.ts';
import { type ConversationDeps, type Interaction, openContext } from './conversation.ts';
import { slackCall } from './errors.ts';
import { readAction, readCommand, readMessage, readShortcut, readSuggestion, readView } from './payloads.ts';
import { afterMention, typedText } from './typed-text.ts';
import type { Workspace } from './workspaces.ts';

/** Slack waits 3 s for suggestions. */
const SUGGEST_WITHIN = 2500;
/** Recent events, so that a repeated delivery is not answered twice. */
const REMEMBERED_EVENTS = 1000;
/** Milliseconds: it tries three times, the last one five minutes later (https://docs.slack.dev/apis/events-api). */
const COMES_AGAIN_WITHIN = 3_600_000;
const REMEMBERED_NAMES = 5000;

export interface ListenerDeps extends ConversationDeps {
  commands: readonly Command[];
  home: HomeTab;
  /** The answer to a mention or direct message that names no command. */
  overview: (invocation: string, context: Context) => Promise<Message>;
  bot: { user: string; team: string; name: string };
  awaited: AwaitedAnswers;
  store: OnceStore;
  /** Is told of each person, and where they are from, before anything is done for them. */
  meet: (user: string, from: Workspace) => void;
}

export class Listeners {
  readonly #deps: ListenerDeps;
  readonly #running = new Set<Promise<void>>();
  readonly #events = new Set<string>();
  /** Commands and clicks come with a person's name, mentions and messages only with an id. */
  readonly #names = new Map<string, string>();
  /** Slack reveals command names only as people type them: `/ml-logs` shows that all begin with `/ml-`. */
  #slash = '/';

  constructor(deps: ListenerDeps) {
    this.#deps = deps;
  }

  attach(app: App): void {
    const { commands } = this.#deps;
    app.command(/.*/, async ({ ack, body }) => {
      const interaction = readCommand(body);
      const awaited = await this.#await(interaction, `${interaction.command} ${interaction.text}`.trim());
      await this.#acknowledge(ack);
      const command = findCommand(commands, interaction.command.replace(/^\//, ''));
      if (command) this.#slash = interaction.command.slice(0, -command.name.length);
      const told = { name: command?.name, by: 'command', awaited } as const;
      await this.#handle(interaction, told, async (context) => {
        if (!command) throw unknown(`the command ${interaction.command}`);
        await command.run(context, interaction.text);
      });
    });

    app.action(/.*/, async ({ ack, body, action }) => {
      const interaction = readAction(body, action);
      const awaited = await this.#await(interaction);
      await this.#acknowledge(ack);
      const { name, handler } = pick(commands, 'actions', interaction.action.id);
      await this.#handle(interaction, { name, by: 'action', awaited }, async (context) => {
        if (!handler) throw unknown('this button');
        await handler(context, interaction.action);
      });
      // Slack does not refresh the tab itself, so an alert that was just acknowledged would still look open.
      if (interaction.inHome) await this.#track(() => this.#showHome(interaction));
    });

    app.view({ type: 'view_submission', callback_id: /.*/ }, async ({ ack, body }) => {
      const interaction = readView(body);
      const { name, handler } = pick(commands, 'views', interaction.callbackId);
      let after: (() => Promise<void>) | undefined;
      let awaited: Awaited | undefined;
      await this.#handle(interaction, { name, by: 'view' }, async (context) => {
        try {
          if (!handler) throw unknown('this window');
          const answer = await handler(context, interaction);
          if ('errors' in answer) return await ack({ response_action: 'errors', errors: answer.errors });
          after = answer.after;
          awaited = await this.#await(interaction);
          if ('update' in answer) return await ack({ response_action: 'update', view: answer.update });
        } catch (error) {
          await this.#acknowledge(ack);
          throw error;
        }
        await this.#acknowledge(ack);
      });
      if (after) await this.#handle(interaction, { name, by: 'after_view', awaited }, after);
    });

    app.options(/.*/, async ({ ack, body }) => {
      const interaction = readSuggestion(body);
      const { name = 'unknown', handler } = pick(commands, 'options', interaction.actionId);
      const context = this.#open(interaction);
      const found = handler
        ? await inTime(
            SUGGEST_WITHIN,
            observed({ kind: 'command', name, labels: { by: 'options' } }, () =>
              handler(context, interaction.typed),
            ),
          ).catch((error: unknown) => {
            context.log.warn({ err: error }, 'no suggestions');
            return undefined;
          })
        : [];
      await ack({ options: found ?? [] });
    });

    app.shortcut({ type: 'message_action', callback_id: /.*/ }, async ({ ack, body }) => {
      const interaction = readShortcut(body);
      const awaited = await this.#await(interaction);
      await this.#acknowledge(ack);
      const { name, handler } = pick(commands, 'shortcuts', interaction.callbackId);
      await this.#handle(interaction, { name, by: 'shortcut', awaited }, async (context) => {
        if (!handler) throw unknown('this shortcut');
        await handler(context, { channel: interaction.place.channel!, ...interaction.message });
      });
    });

    app.event('app_mention', async ({ event, body }) => {
      if (!event.user || event.bot_id || (await this.#isRepeated(body.event_id))) return;
      const interaction = readMessage(event, body);
      const words = afterMention(interaction.text, this.#deps.bot.user) ?? '';
      await this.#converse(interaction, words, `@${this.#deps.bot.name} `);
    });

    app.event('message', async ({ event, body }) => {
      // Edits, deletions, files and bots' posts are messages too; only a person's own words are answered.
      if (event.channel_type !== 'im' || event.subtype !== undefined || 'bot_id' in event) return;
      if (await this.#isRepeated(body.event_id)) return;
      const interaction = readMessage(event, body);
      await this.#converse(
        interaction,
        afterMention(interaction.text, this.#deps.bot.user) ?? interaction.text,
        '',
      );
    });

    app.event('app_home_opened', async ({ event }) => {
      if (event.tab !== 'home') return;
      const interaction: Interaction = {
        // Only our own people have the tab.
        actor: { team: this.#deps.bot.team, user: event.user },
        userName: undefined,
        place: { isDirect: true },
        invocation: '',
      };
      await this.#track(() => this.#showHome(interaction));
    });
  }

  /** Resolves when all running handlers have ended. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #converse(interaction: Interaction, words: string, prefix: string): Promise<void> {
    const text = typedText(words).trim();
    const [, name = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(text) ?? [];
    const wanted = name.replace(/^\//, '').toLowerCase();
    const { commands } = this.#deps;
    const named = commands.find((known) => known.name === wanted);
    const command = named ?? commands.find(({ words = [] }) => words.includes(wanted));
    const asked = { ...interaction, invocation: `${prefix}${command?.name ?? ''}`.trim() };
    await this.#handle(
      asked,
      { name: command?.name, by: 'mention', awaited: await this.#await(asked, `${prefix}${text}`) },
      async (context) => {
        if (command) return command.run(context, named ? rest : text.replace(/^\//, ''));
        if (name === '' || /^(help|hi|hello|hey|\?)$/i.test(name))
          return context.reply.privately(await this.#deps.overview(prefix, context));
        const [nearest] = nearestNames(
          name,
          this.#deps.commands.map((known) => known.name),
          1,
        );
        throw new AppError('invalid_input', `There is no command “${name.slice(0, 60)}”.`, {
          hint: nearest
            ? `Did you mean “${prefix}${nearest}”?`
            : `The commands are: ${this.#deps.commands.map((known) => known.name).join(', ')}.`,
        });
      },
    );
  }

  async #showHome(interaction: Interaction): Promise<void> {
    const context = this.#open(interaction);
    const user_id = interaction.actor.user;
    try {
      const view = await this.#deps.home(context);
      await slackCall('the Home tab', () => this.#deps.clients.interactive.views.publish({ user_id, view }));
    } catch (error) {
      // There is nobody to tell; the tab keeps its last content.
      context.log.warn({ err: error }, 'the Home tab could not be shown');
    }
  }

  #open(interaction: Interaction, awaited?: Awaited): Context {
    const { actor, organisation } = interaction;
    this.#deps.meet(actor.user, { team: actor.team, organisation });
    const { user } = interaction.actor;
    const userName = interaction.userName ?? this.#names.get(user);
    if (userName !== undefined) {
      this.#names.set(user, userName);
      const oldest = this.#names.keys().next().value;
      if (this.#names.size > REMEMBERED_NAMES && oldest !== undefined) this.#names.delete(oldest);
    }
    const context = openContext(this.#deps, { ...interaction, userName }, this.#slash);
    return awaited ? noting(context, awaited) : context;
  }

  /** @param typed the command; left out: they clicked */
  #await(interaction: Interaction, typed?: string): Promise<Awaited> {
    return awaitAnswer(this.#deps.awaited, interaction, typed, this.#deps.log);
  }

  /** The one place where a handler's error becomes words: what failed, why, what to do, reference. */
  async #handle(
    interaction: Interaction,
    { name = 'unknown', by, awaited }: { name: string | undefined; by: Way; awaited?: Awaited | undefined },
    work: (context: Context) => Promise<void>,
  ): Promise<void> {
    await this.#track(async () => {
      const context = this.#open(interaction, awaited);
      try {
        await observed({ kind: 'command', name, labels: { by } }, () => work(context));
      } catch (thrown) {
        if (thrown instanceof CancelledError) {
          context.log.info('cancelled');
          return;
        }
        const error = toAppError(thrown);
        context.log[error.code === 'internal' ? 'error' : 'info']({ ref: error.ref, err: error }, 'failed');
        try {
          await context.reply.privately(errorMessage(error));
        } catch (unanswered) {
          context.log.error({ ref: error.ref, err: unanswered }, 'the failure could not be told');
        }
      } finally {
        awaited?.answered();
      }
    });
  }

  async #track(work: () => Promise<void>): Promise<void> {
    const running = work();
    this.#running.add(running);
    try {
      await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** A socket that has closed meanwhile is no reason not to do what was asked. */
  async #acknowledge(ack: () => Promise<void>): Promise<void> {
    try {
      await ack();
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'Slack could not be told that something was received');
    }
  }

  /** Slack sends an event again that it thinks was not taken, perhaps to another instance. */
  async #isRepeated(eventId: string): Promise<boolean> {
    if (this.#events.has(eventId)) return true;
    this.#events.add(eventId);
    const oldest = this.#events.values().next().value;
    if (this.#events.size > REMEMBERED_EVENTS && oldest !== undefined) this.#events.delete(oldest);
    const { store, log } = this.#deps;
    try {
      return !(await store.takeOnce(`slack-event/${eventId}`, Date.now() + COMES_AGAIN_WITHIN));
    } catch (error) {
      log.warn({ err: error }, 'whether another instance has had an event is not known: it is answered');
      return false;
    }
  }
}

/** By name, ignoring a workspace's prefix: `/ml-logs` is `logs`. */
function findCommand(commands: readonly Command[], name: string): Command | undefined {
  const wanted = name.toLowerCase();
  return commands
    .filter((command) => wanted.endsWith(command.name))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

/** What somebody did. */
type Way = 'command' | 'mention' | 'action' | 'view' | 'after_view' | 'shortcut';
type Surface = 'actions' | 'views' | 'options' | 'shortcuts';

function pick<S extends Surface>(
  commands: readonly Command[],
  surface: S,
  id: string,
): { name?: string; handler?: NonNullable<Command[S]>[string] } {
  for (const command of commands) {
    const handlers = command[surface] as NonNullable<Command[S]> | undefined;
    if (handlers && Object.hasOwn(handlers, id))
      return { name: command.name, handler: handlers[id] as NonNullable<Command[S]>[string] };
  }
  return {};
}

const unknown = (what: string): AppError =>
  new AppError('not_found', `This version of Signalbox does not know ${what}.`, {
    hint: 'It is from an older or newer version. Ask again with a command: the Home tab lists them.',
  });
