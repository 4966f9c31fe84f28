/** Who is in which channel and user group, according to Slack, cached for a few seconds. */
import { AppError } from '../ground/errors.ts';
import type { Directory } from '../ports/directory.ts';
import type { WebClient } from './clients.ts';
import { slackCall, slackErrorCode } from './errors.ts';

/** Milliseconds. Short, because a lost right must not last; long enough for one command's checks. */
const REMEMBER = 10_000;
/** The most recent ones; each is met again before their next request. */
const STRANGERS = 10_000;

export class SlackDirectory implements Directory {
  readonly #client: WebClient;
  readonly #remember: number;
  readonly #known = new Map<string, { at: number; members: Promise<ReadonlySet<string>> }>();
  /** People from other organisations, who are members of shared channels too. */
  readonly #strangers = new Set<string>();

  constructor(client: WebClient, remember = REMEMBER) {
    this.#client = client;
    this.#remember = remember;
  }

  /** Call it before asking about somebody: notes whether they are from our own workspace, by what they sent. */
  meet(user: string, isOwn: boolean): void {
    this.#strangers.delete(user);
    if (isOwn) return;
    this.#strangers.add(user);
    const oldest = this.#strangers.values().next().value;
    if (this.#strangers.size > STRANGERS && oldest !== undefined) this.#strangers.delete(oldest);
  }

  /** @throws AppError unavailable when Slack does not answer, so that nobody gets in */
  async isInGroup(user: string, group: string): Promise<boolean> {
    if (this.#strangers.has(user)) return false;
    const members = await this.#members(`group ${group}`, () => this.#groupMembers(group));
    return members.has(user);
  }

  /** @throws AppError unavailable when Slack does not answer */
  async membersOf(group: string): Promise<readonly string[]> {
    return [...(await this.#members(`group ${group}`, () => this.#groupMembers(group)))];
  }

  /** @throws AppError unavailable when Slack does not answer, so that nobody gets in */
  async isInChannel(user: string, channel: string): Promise<boolean> {
    // Channel members belong to the team, except those who came through sharing the channel.
    if (this.#strangers.has(user)) return false;
    const members = await this.#members(`channel ${channel}`, () => this.#channelMembers(channel));
    return members.has(user);
  }

  #members(key: string, load: () => Promise<ReadonlySet<string>>): Promise<ReadonlySet<string>> {
    // Not the time of day: a clock that is set back must not make old rights last.
    const now = performance.now();
    const known = this.#known.get(key);
    if (known && now - known.at < this.#remember) return known.members;
    const members = load();
    this.#known.set(key, { at: now, members });
    members.catch(() => this.#known.delete(key));
    return members;
  }

  async #groupMembers(group: string): Promise<ReadonlySet<string>> {
    try {
      const { users } = await this.#client.usergroups.users.list({ usergroup: group });
      return new Set(users);
    } catch (error) {
      // A group that was deleted has no members; that is an answer, not a failure.
      if (['no_such_subteam', 'subteam_not_found'].includes(slackErrorCode(error) ?? '')) return new Set();
      throw await undecided(error, {
        call: 'usergroups.users.list',
        whom: 'a user group',
        which: `the user group ${group}`,
        scope: 'usergroups:read',
      });
    }
  }

  async #channelMembers(channel: string): Promise<ReadonlySet<string>> {
    const members = new Set<string>();
    let cursor: string | undefined;
    try {
      do {
        const page = await this.#client.conversations.members({
          channel,
          limit: 1000,
          ...(cursor ? { cursor } : {}),
        });
        for (const member of page.members ?? []) members.add(member);
        cursor = page.response_metadata?.next_cursor || undefined;
      } while (cursor);
    } catch (error) {
      // Without the bot in it, a private channel's members are unknown, so nobody gets in through it.
      if (slackErrorCode(error) === 'channel_not_found') return new Set();
      throw await undecided(error, {
        call: 'conversations.members',
        whom: 'a channel',
        which: `the channel ${channel}`,
        scope: 'channels:read',
      });
    }
    return members;
  }
}

/** Keeps out whoever depends on the missing answer, and tells them which Slack method failed. */
async function undecided(
  thrown: unknown,
  { call, whom, which, scope }: { call: string; whom: string; which: string; scope: string },
): Promise<AppError> {
  const cause = await slackCall(call, () => Promise.reject(thrown)).catch((error: AppError) => error);
  const code = slackErrorCode(thrown);
  const why = code === undefined ? 'the call did not get through' : `the answer to the call was ${code}`;
  return new AppError(
    'unavailable',
    `Slack did not say who is in ${whom}, and your permission depends on it.`,
    {
      hint: `Try again in a minute. If it stays like this, whoever runs Signalbox has to look at the Slack method ${call}: ${why}.`,
      adminHint: `${call} of ${which}: ${code ?? cause.message}\nIt needs the scope ${scope}. People who are listed by their own ids in signalbox.yaml do not depend on it.`,
      ...(cause.retryAfterMs === undefined ? {} : { retryAfterMs: cause.retryAfterMs }),
      cause: thrown,
    },
  );
}
