/** Finds what a script or the page means: by name or id, and by the newest where nothing more is said. */

import type { Json } from '../block-kit/schema.ts';
import type { SandboxChannel, SandboxMessage, SandboxUser } from '../protocol.ts';
import type { Context } from './context.ts';
import { HttpError } from './http.ts';
import { type Found, findElement } from './inputs.ts';
import type { Place } from './payloads.ts';
import type { StoredView } from './views.ts';

/** Every method throws HttpError 4xx that says what there is instead. */
export class Lookup {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  user(args: Json): SandboxUser {
    const given = required(args, 'user');
    const user = this.#context.workspace.findUser(given);
    if (user !== undefined) return user;
    const names = [...this.#context.workspace.users.values()].map((one) => one.name).join(', ');
    throw new HttpError(404, 'user_not_found', `There is no user ${given}; there are ${names}.`);
  }

  /** Somebody who can click and type. */
  person(args: Json): SandboxUser {
    const user = this.user(args);
    if (user.is_bot) throw new HttpError(400, 'user_is_bot', 'The app cannot act as a person.');
    return user;
  }

  /** The app's name with `@`, its user's id or `dm` is the direct message of the acting user and the app. */
  channel(args: Json, user?: string): SandboxChannel {
    const { workspace } = this.#context;
    const given = required(args, 'channel');
    const who = user ?? (args.user === undefined ? undefined : this.user(args).id);
    if (
      who !== undefined &&
      ['dm', workspace.app.user, workspace.app.name, `@${workspace.app.name}`].includes(given)
    )
      return workspace.im(who);
    const channel = workspace.findChannel(given);
    if (channel !== undefined && (who === undefined || workspace.isVisible(channel, who))) return channel;
    const names = [...workspace.channels.values()]
      .filter((one) => !one.is_im && (who === undefined || workspace.isVisible(one, who)))
      .map((one) => `#${one.name}`);
    throw new HttpError(
      404,
      'channel_not_found',
      `There is no channel ${given}; there are ${names.join(', ')}.`,
    );
  }

  joined(args: Json, user: SandboxUser): SandboxChannel {
    const channel = this.channel(args, user.id);
    if (!channel.members.includes(user.id)) {
      throw new HttpError(403, 'not_in_channel', `${user.name} is not in ${channel.name}.`);
    }
    if (channel.is_archived) throw new HttpError(403, 'is_archived', `${channel.name} is archived.`);
    return channel;
  }

  messageIn(channel: SandboxChannel, args: Json): SandboxMessage {
    const ts = required(args, 'message_ts');
    const message = this.#context.workspace.find(channel.id, ts);
    if (message !== undefined) return message;
    throw new HttpError(404, 'message_not_found', `There is no message ${ts} in ${channel.name}.`);
  }

  viewOf(args: Json, user: SandboxUser): StoredView {
    const id = text(args, 'view_id');
    const view = id === undefined ? this.#context.views.stack(user.id).at(-1) : this.#context.views.find(id);
    if (view === undefined)
      throw new HttpError(404, 'view_not_found', `${user.name} has no view ${id ?? 'open'}.`);
    if (view.user !== user.id)
      throw new HttpError(403, 'not_your_view', `${view.id} is open for another user.`);
    return view;
  }

  /** The element meant: in a view, in a message, or in the newest message of the channel that has it. */
  element(args: Json, user: SandboxUser): { place: Place; found: Found } {
    const action = required(args, 'action_id');
    const block = text(args, 'block_id');
    if (text(args, 'channel') === undefined) {
      const open = this.#context.views.stack(user.id).at(-1) ?? this.#context.views.home(user.id);
      const view = text(args, 'view_id') === undefined ? open : this.viewOf(args, user);
      const found = view === undefined ? undefined : findElement(view.blocks, action, block);
      if (view !== undefined && found !== undefined) return { place: { view }, found };
      throw new HttpError(
        404,
        'element_not_found',
        `No view of ${user.name} has an element ${action}; or give a channel.`,
      );
    }
    const channel = this.joined(args, user);
    const candidates =
      text(args, 'message_ts') === undefined
        ? [...this.#context.workspace.messages(channel.id)].reverse()
        : [this.messageIn(channel, args)];
    for (const message of candidates) {
      if (!isFor(message, user.id)) continue;
      const found = findElement(message.blocks ?? [], action, block);
      if (found !== undefined) return { place: { message, channel }, found };
    }
    throw new HttpError(404, 'element_not_found', `No message in ${channel.name} has an element ${action}.`);
  }
}

export const isFor = (message: SandboxMessage, user: string): boolean =>
  message.ephemeral_to === undefined || message.ephemeral_to === user;

export function text(args: Json, field: string): string | undefined {
  const value = args[field];
  return value === undefined || value === null || value === '' ? undefined : String(value);
}

export function required(args: Json, field: string): string {
  const value = text(args, field);
  if (value === undefined) throw new HttpError(400, 'invalid_arguments', `\`${field}\` is missing.`);
  return value;
}
