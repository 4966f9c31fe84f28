/** Slack's Web API as the bot uses it: its identity, its directory of people, and its uploads. */
import type { Logger } from 'pino';
import { AppError, toAppError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { Budgets } from '../ports/budgets.ts';
import { CallBudgets } from './call-budgets.ts';
import { createClients, type SlackClients, type WebClient } from './clients.ts';
import { SlackDirectory } from './directory.ts';
import { slackCall, whatCame } from './errors.ts';
import { type FileUploadOptions, SlackFiles } from './files.ts';
import { MethodBudgets } from './method-budgets.ts';
import { PostBudget, type PostPaceOptions } from './post-budget.ts';

export interface SlackApiOptions extends PostPaceOptions {
  botToken: string;
  apiUrl?: string | undefined;
  logger: Logger;
  clock: Clock;
  /** Of all instances. */
  budgets: Budgets;
  /** Milliseconds for which memberships are cached; default 10,000. */
  rememberMembers?: number | undefined;
  uploads?: FileUploadOptions | undefined;
  /** Nobody waits for what it asks: people go first. */
  inBackground?: boolean | undefined;
}

export class SlackApi {
  readonly clients: SlackClients;
  readonly calls: CallBudgets;
  readonly posts: PostBudget;
  readonly directory: SlackDirectory;
  readonly files: SlackFiles;
  readonly #options: SlackApiOptions;

  constructor(options: SlackApiOptions) {
    this.#options = options;
    const { budgets, clock, callInterval } = options;
    this.posts = new PostBudget(budgets, options);
    this.clients = createClients({
      token: options.botToken,
      apiUrl: options.apiUrl,
      logger: options.logger,
      budgets: new MethodBudgets(options),
    });
    this.directory = new SlackDirectory(this.clients.interactive, options.rememberMembers);
    this.calls = new CallBudgets({ budgets, clock, interval: callInterval });
    this.files = new SlackFiles(this.clients, this.calls, options.logger, options.uploads);
  }

  /** The client that asks who the bot is. */
  get asked(): string {
    return new URL('auth.test', this.#options.apiUrl ?? 'https://slack.com/api/').href;
  }

  /** @throws AppError unavailable when the token is not accepted or Slack cannot be reached */
  async whoAmI(): Promise<Awaited<ReturnType<WebClient['auth']['test']>>> {
    const { apiUrl, logger } = this.#options;
    logger.info({ asked: this.asked }, 'asking Slack who the bot is');
    try {
      return await slackCall('looking up the bot itself', () => this.clients.start.auth.test());
    } catch (thrown) {
      const error = toAppError(thrown);
      const came = `${this.asked} → ${whatCame(error.cause)}`;
      const hint =
        apiUrl === undefined ? error.hint : 'Check SLACK_API_URL; leave it out to use Slack itself.';
      throw new AppError(error.code, `${error.message.replace(/\.$/, '')}: ${came}.`, {
        ...(hint === undefined ? {} : { hint }),
        cause: error,
      });
    }
  }
}
