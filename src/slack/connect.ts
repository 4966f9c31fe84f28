/** All of Slack: who the bot is, what comes in, what goes out. */
import { App } from '@slack/bolt';
import type { Message } from '../blocks/message.ts';
import type { Command, HomeTab } from '../commands/command.ts';
import type { Context } from '../commands/context.ts';
import type { ChannelMessages } from '../ports/channel-messages.ts';
import type { LostAnswers } from '../ports/lost-answers.ts';
import type { OnceStore } from '../ports/once-store.ts';
import { slackFetch } from './answers.ts';
import { SlackApi, type SlackApiOptions } from './api.ts';
import { type AwaitedAnswers, lostAnswers } from './awaited-answers.ts';
import { boltLogger } from './clients.ts';
import { openContext } from './conversation.ts';
import type { SlackDirectory } from './directory.ts';
import type { EditBudget } from './edit-budget.ts';
import type { SlackFiles } from './files.ts';
import { Listeners } from './listeners.ts';
import { LiveMessages } from './live-messages.ts';
import { OnceOnly } from './once.ts';
import type { Intake } from './receivers.ts';
import { isOf, type Workspace } from './workspaces.ts';

export interface SlackOptions extends SlackApiOptions {
  intake: Intake;
  /** For all edits, including the outbox's. */
  edits: EditBudget;
  awaited: AwaitedAnswers;
  /** What is to be done once, by whichever instance it comes to. */
  store: OnceStore;
}

export interface SlackPorts {
  directory: SlackDirectory;
  files: SlackFiles;
  messages: ChannelMessages;
  lost: LostAnswers;
}

export interface SlackSurface {
  commands: readonly Command[];
  home: HomeTab;
  overview: (invocation: string, context: Context) => Promise<Message>;
}

export class Slack {
  /** What commands need of Slack. */
  readonly ports: SlackPorts;
  readonly #api: SlackApi;
  readonly #options: SlackOptions;
  readonly #once: OnceOnly;
  readonly #live: LiveMessages;
  #listeners: Listeners | undefined;
  #problem: string | undefined = 'not asked yet';

  constructor(options: SlackOptions) {
    this.#options = options;
    this.#api = new SlackApi(options);
    const { calls, clients, directory, files, posts } = this.#api;
    this.#once = new OnceOnly(clients, options.logger, posts);
    this.#live = new LiveMessages({
      ...{ client: clients.edits, once: this.#once, edits: options.edits, calls, log: options.logger },
    });
    const lost = lostAnswers((interaction) =>
      openContext({ clients, live: this.#live, once: this.#once, log: options.logger }, interaction, '/'),
    );
    this.ports = { messages: this.#live, directory, files, lost };
  }

  /** What keeps it from working with Slack now; before the start, that it has not begun. */
  problem(): string | undefined {
    return this.#problem ?? this.#options.intake.problem();
  }

  /**
   * @throws AppError unavailable when the tokens are not accepted or Slack cannot be reached; the signal's reason
   */
  async start(surface: SlackSurface, signal?: AbortSignal): Promise<{ team: string; botUser: string }> {
    const { intake, logger } = this.#options;
    this.#problem = `asking ${this.#api.asked} who the bot is`;
    const self = await this.#api.whoAmI();
    signal?.throwIfAborted();
    const bot = { user: self.user_id!, team: self.team_id!, name: self.user ?? 'signalbox' };
    const home: Workspace = { team: bot.team, organisation: self.enterprise_id || undefined };
    const app = new App({
      receiver: intake,
      logger: boltLogger(logger),
      // Bolt determines which installation it is for, in a shared channel too; ours belongs to one workspace or
      // organisation. Anything else signed with our secret, or coming through our socket, is acknowledged and ignored.
      authorize: async ({ teamId, enterpriseId }) => {
        if (!isOf(home, { team: teamId, organisation: enterpriseId }))
          throw new Error(
            `it is for the workspace ${teamId ?? enterpriseId ?? '(none named)'}, not for ${bot.team}`,
          );
        return {
          botToken: this.#options.botToken,
          botUserId: bot.user,
          teamId: bot.team,
          ...(self.bot_id ? { botId: self.bot_id } : {}),
        };
      },
      clientOptions: {
        fetch: slackFetch,
        ...(this.#options.apiUrl === undefined ? {} : { slackApiUrl: this.#options.apiUrl }),
      },
    });
    app.error(async (error) => {
      // Handlers report their own failures; this one could not even be read.
      logger.error({ err: error }, 'something from Slack could not be handled');
    });
    this.#listeners = new Listeners({
      ...surface,
      clients: this.#api.clients,
      apiUrl: this.#options.apiUrl,
      live: this.#live,
      once: this.#once,
      log: logger,
      bot,
      awaited: this.#options.awaited,
      store: this.#options.store,
      // A person without a workspace is from the app's own.
      meet: (user, from) => this.ports.directory.meet(user, !from.team || isOf(home, from)),
    });
    this.#listeners.attach(app);
    logger.info('opening the way in from Slack');
    this.#problem = undefined;
    await intake.start();
    return { team: bot.team, botUser: bot.user };
  }

  /** Nothing more comes in; running handlers continue. */
  async stopIntake(): Promise<void> {
    await this.#options.intake.stop();
  }

  async idle(): Promise<void> {
    await this.#listeners?.idle();
  }
}
