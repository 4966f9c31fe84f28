/** Who is in which channel and user group, as Slack knows it, remembered for a few seconds. */
import { AppError } from '../ground/errors.ts';
import type { Directory } from '../ports/directory.ts';
import type { WebClient } from './clients.ts';
import { slackCall, slackErrorCode } from './errors.ts';

/** Milliseconds. Short, since somebody who lost a right must not keep it; long enough for one command's checks. */
const REMEMBER = 10_000;
/** The latest; each is met again before their next question. */
const STRANGERS = 10_000;

export class SlackDirectory implements Directory {
  readonly #client: WebClient;
  readonly #remember: number;
  readonly #known = new Map<string, { at: number; members: Promise<ReadonlySet<string>> }>();
  /** People of other organisations, whom a shared channel has as members too. */
  readonly #strangers = new Set<string>();

  constructor(client: WebClient, remember = REMEMBER) {
    this.#client = client;
    this.#remember = remember;
  }

  /** Before anything is asked about somebody: whether they are of our own workspace, as what they sent says. */
  meet(user: string, isOwn: boolean): void {
    this.#strangers.delete(user);
    if (isOwn) return;
    this.#strangers.add(user);
    const oldest = this.#strangers.values().next().value;
    if (this.#strangers.size > STRANGERS && oldest !== undefined) this.#strangers.delete(oldest);
  }

  /** @throws AppError unavailable when Slack does not answer: then nobody gets in */
  async isInGroup(user: string, group: string): Promise<boolean> {
    if (this.#strangers.has(user)) return false;
    const members = await this.#members(`group ${group}`, () => this.#groupMembers(group));
    return members.has(user);
  }

  /** @throws AppError unavailable when Slack does not answer */
  async membersOf(group: string): Promise<readonly string[]> {
    return [...(await this.#members(`group ${group}`, () => this.#groupMembers(group)))];
  }

  /** @throws AppError unavailable when Slack does not answer: then nobody gets in */
  async isInChannel(user: string, channel: string): Promise<boolean> {
    // Being in a channel says that somebody is of the team; who came by sharing it is a guest.
    if (this.#strangers.has(user)) return false;
    const members = await this.#members(`channel ${channel}`, () => this.#channelMembers(channel));
    return members.has(user);
  }

  #members(key: string, load: () => Promise<ReadonlySet<string>>): Promise<ReadonlySet<string>> {
    // Not by the time of day: a clock that is set back must not make old rights last.
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
      // A private channel without the bot cannot be looked into: nobody gets in by being there.
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

/** Whose rights depend on it is kept out meanwhile, and told which question got no answer. */
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
