/** Channels that cannot be posted to: one admin is told once, and the channel is checked now and then until it works. */
import type { Logger } from 'pino';
import type { Message } from '../blocks/message.ts';
import type { Clock } from '../ground/time.ts';
import type { DeadChannel, OutboxRecord, OutboxStore } from '../ports/outbox-store.ts';
import type { WebClient } from './clients.ts';
import { verdictOf } from './outbox-verdict.ts';

interface Options {
  client: WebClient;
  store: OutboxStore;
  clock: Clock;
  log: Logger;
  admins: (channel: string) => readonly string[];
  checks?: readonly number[];
}

interface Sender {
  post(key: string, channel: string, message: Message): Promise<boolean>;
  listen(listener: { failed(record: OutboxRecord): void | Promise<void> }): () => void;
}

/** Milliseconds until the next check; the last repeats. A check reads the channel's details and posts nothing. */
const CHECKS = [15 * 60_000, 3_600_000, 6 * 3_600_000, 24 * 3_600_000];

/** Key of the message that tells an admin: channel, since when, the admin's index. */
const NOTICE = /^dead-channel\/([^/]+)\/(\d+)\/(\d+)$/;

export const isNoticeOfDeadChannel = (key: string): boolean => NOTICE.test(key);

const WHY: Readonly<Record<string, string>> = {
  is_archived: 'it is archived. Unarchive it, or put another channel into signalbox.yaml',
  not_in_channel: 'I am not a member. Send `/invite @signalbox` there',
  channel_not_found: 'I cannot see it: it was deleted, or it is private and I am not a member',
  restricted_action: 'the workspace does not let apps post there',
  restricted_action_read_only_channel: 'it is read-only',
};

export class DeadChannels {
  readonly #options: Options;
  readonly #sender: Sender;
  readonly #onRevived: (channel: string) => Promise<void>;
  readonly #dead = new Map<string, DeadChannel>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: Options, sender: Sender, onRevived: (channel: string) => Promise<void>) {
    this.#options = options;
    this.#sender = sender;
    this.#onRevived = onRevived;
  }

  async start(): Promise<void> {
    for (const dead of await this.#options.store.listDeadChannels()) this.#dead.set(dead.channel, dead);
    // This admin cannot be reached either, so try the next one.
    this.#sender.listen({
      failed: async ({ key, channel }) => {
        const [, of, since, index] = NOTICE.exec(key) ?? [];
        const dead = of === undefined ? undefined : this.#dead.get(of);
        if (dead && String(dead.since) === since) await this.#tell(dead, Number(index) + 1, channel);
      },
    });
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  has(channel: string): boolean {
    return this.#dead.has(channel);
  }

  async bury(channel: string, code: string): Promise<void> {
    const { clock, store, log } = this.#options;
    const now = clock.now();
    const dead = await store.changeDeadChannel(
      channel,
      (known) => known ?? { channel, since: now, code, nextCheckAt: now + this.#pause(0), checks: 0 },
    );
    if (!dead) return;
    this.#dead.set(channel, dead);
    log.warn({ channel, code }, 'a channel cannot be posted to');
    // Stored under a key of its own, so it is told once even after a crash in between.
    await this.#tell(dead, 0);
    this.#schedule();
  }

  async revive(channel: string): Promise<void> {
    if (!this.#dead.delete(channel)) return;
    await this.#options.store.changeDeadChannel(channel, () => undefined);
    this.#options.log.info({ channel }, 'a channel can be posted to again');
    await this.#onRevived(channel);
  }

  async #tell(dead: DeadChannel, index: number, failed?: string): Promise<void> {
    const admin = this.#options.admins(dead.channel).filter((id) => id !== dead.channel)[index];
    if (admin === undefined) {
      this.#options.log.error({ channel: dead.channel, failed }, 'no admin could be told of a dead channel');
      return;
    }
    const why = WHY[dead.code] ?? `Slack says ${dead.code.replace(/[^a-z_]/g, '')}`;
    const name = /^[CG]/.test(dead.channel) ? `<#${dead.channel}>` : `<@${dead.channel}>`;
    await this.#sender.post(`dead-channel/${dead.channel}/${dead.since}/${index}`, admin, {
      text: `:warning: I can no longer post in ${name} (${dead.channel}): ${why}. Until then its notifications wait here, up to a day; I go on by myself as soon as it works again.`,
    });
  }

  #pause(checks: number): number {
    const pauses = this.#options.checks ?? CHECKS;
    return pauses[Math.min(checks, pauses.length - 1)]!;
  }

  /** A check further away than any pause was scheduled before the clock was set back. */
  #isDue({ nextCheckAt, checks }: DeadChannel): boolean {
    const wait = nextCheckAt - this.#options.clock.now();
    return wait <= 0 || wait > this.#pause(checks);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#dead.size === 0) return;
    const next = Math.min(...[...this.#dead.values()].map(({ nextCheckAt }) => nextCheckAt));
    const wait = Math.min(3_600_000, Math.max(0, next - this.#options.clock.now()));
    this.#timer = setTimeout(() => {
      this.#check()
        .catch((error: unknown) =>
          this.#options.log.warn({ err: error }, 'dead channels could not be looked at'),
        )
        .finally(() => this.#schedule());
    }, wait);
    this.#timer.unref();
  }

  async #check(): Promise<void> {
    const { clock, store } = this.#options;
    for (const dead of [...this.#dead.values()]) {
      if (this.#stopped || !this.#isDue(dead)) continue;
      const checks = dead.checks + 1;
      const after = await store.changeDeadChannel(
        dead.channel,
        (known) => known && { ...known, checks, nextCheckAt: clock.now() + this.#pause(checks) },
      );
      if (after) this.#dead.set(dead.channel, after);
      if (await this.#works(dead.channel)) await this.revive(dead.channel);
    }
  }

  async #works(channel: string): Promise<boolean> {
    // There is no such check for a person; one message a day does no harm.
    if (/^[UW]/.test(channel)) return true;
    try {
      const { channel: found } = await this.#options.client.conversations.info({ channel });
      return found !== undefined && !found.is_archived && (found.is_member === true || found.is_im === true);
    } catch (error) {
      this.#options.log.debug({ channel, code: verdictOf(error).code }, 'a dead channel is still dead');
      return false;
    }
  }
}
