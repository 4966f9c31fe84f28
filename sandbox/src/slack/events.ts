/** The Events API: what the manifest subscribes to is told to the app, with up to three further tries. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../block-kit/schema.ts';
import type { SandboxChannel, SandboxMessage } from '../protocol.ts';
import type { Clock } from '../time.ts';
import type { Answer, Delivery } from './app-link.ts';
import { wireMessage } from './messages.ts';
import type { Installation, MessageEdit } from './workspace.ts';

const id = (prefix: string): string => prefix + randomBytes(5).toString('hex').toUpperCase();

export interface EventsOptions {
  installed: Installation;
  clock: Clock;
  /** What the manifest subscribes to. */
  subscribed: ReadonlySet<string>;
  verificationToken: string;
  nextTs: () => string;
  deliver: (delivery: Delivery, timeoutMs: number) => Promise<Answer>;
  ackMs: number;
  /** Before each further try. */
  retriesMs: readonly number[];
  ended: AbortSignal;
}

export class Events {
  readonly #options: EventsOptions;
  readonly #open = new Set<Promise<void>>();

  constructor(options: EventsOptions) {
    this.#options = options;
  }

  /** @param subscription as in the manifest: `message.im` for an event whose type is `message` */
  emit(subscription: string, event: Json): void {
    const options = this.#options;
    if (!options.subscribed.has(subscription)) return;
    const work = deliverWithRetries(options, envelope(options, event)).finally(() => this.#open.delete(work));
    this.#open.add(work);
  }

  /** A person's or the app's message, as every event that it causes. */
  message(message: SandboxMessage, channel: SandboxChannel): void {
    if (!channel.members.includes(this.#options.installed.app.user) || message.ephemeral_to !== undefined)
      return;
    const [kind, channelType] = kindOf(channel);
    const event = {
      ...wireMessage(message, this.#options.installed),
      channel: channel.id,
      channel_type: channelType,
      event_ts: message.ts,
      ...(message.bot_id === undefined ? { client_msg_id: id('') } : {}),
    };
    this.emit(kind, event);
    if (
      message.bot_id === undefined &&
      message.text.includes(`<@${this.#options.installed.app.user}>`) &&
      !channel.is_im
    ) {
      const { channel_type: _type, ...mention } = event;
      this.emit('app_mention', { ...mention, type: 'app_mention' });
    }
  }

  /** A message was edited or deleted, by whomever: the app's own edits come back to it too. */
  edited({ before, after }: MessageEdit, channel: SandboxChannel): void {
    if (!channel.members.includes(this.#options.installed.app.user)) return;
    const [kind, channelType] = kindOf(channel);
    const ts = this.#options.nextTs();
    this.emit(kind, {
      type: 'message',
      subtype: after === undefined ? 'message_deleted' : 'message_changed',
      hidden: true,
      channel: channel.id,
      channel_type: channelType,
      ts,
      event_ts: ts,
      ...(after === undefined
        ? { deleted_ts: before.ts }
        : { message: wireMessage(after, this.#options.installed) }),
      previous_message: wireMessage(before, this.#options.installed),
    });
  }

  memberJoined(user: string, channel: SandboxChannel, inviter?: string): void {
    this.emit('member_joined_channel', {
      type: 'member_joined_channel',
      user,
      channel: channel.id,
      channel_type: channel.is_private ? 'G' : 'C',
      team: this.#options.installed.team.id,
      ...(inviter === undefined ? {} : { inviter }),
      event_ts: this.#options.nextTs(),
    });
  }

  memberLeft(user: string, channel: SandboxChannel): void {
    this.emit('member_left_channel', {
      type: 'member_left_channel',
      user,
      channel: channel.id,
      channel_type: channel.is_private ? 'G' : 'C',
      team: this.#options.installed.team.id,
      event_ts: this.#options.nextTs(),
    });
  }

  /** Ends when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }
}

/** The manifest's name of a channel's message events, and what they call the channel. */
const kindOf = (channel: SandboxChannel): [subscription: string, channelType: string] =>
  channel.is_im
    ? ['message.im', 'im']
    : channel.is_private
      ? ['message.groups', 'group']
      : ['message.channels', 'channel'];

function envelope(options: EventsOptions, event: Json): Json {
  const { team, app } = options.installed;
  return {
    token: options.verificationToken,
    team_id: team.id,
    context_team_id: team.id,
    context_enterprise_id: null,
    api_app_id: app.id,
    event,
    type: 'event_callback',
    event_id: id('Ev'),
    event_time: Math.floor(options.clock.now() / 1000),
    authorizations: [
      {
        enterprise_id: null,
        team_id: team.id,
        user_id: app.user,
        is_bot: true,
        is_enterprise_install: false,
      },
    ],
    is_ext_shared_channel: false,
    event_context: id('EC'),
  };
}

const REASONS: Readonly<Record<Answer['kind'], string>> = {
  acked: '',
  timeout: 'timeout',
  unconnected: 'connection_failed',
  refused: 'http_error',
};

async function deliverWithRetries(options: EventsOptions, payload: Json): Promise<void> {
  const base = { type: 'events_api', payload, acceptsAnswer: false } as const;
  let answer = await options.deliver(base, options.ackMs);
  for (const [index, waitMs] of options.retriesMs.entries()) {
    if (answer.kind === 'acked') return;
    try {
      await delay(waitMs, undefined, { signal: options.ended, ref: false });
    } catch (error) {
      if (options.ended.aborted) return;
      throw error;
    }
    const retry = { num: index + 1, reason: REASONS[answer.kind] };
    answer = await options.deliver({ ...base, retry }, options.ackMs);
  }
}
