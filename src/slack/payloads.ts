/** Parses what Slack sends: only the fields that we use. */
import { z } from 'zod';
import type { Block } from '../blocks/message.ts';
import type { Place } from '../commands/context.ts';
import type { Interaction } from './conversation.ts';
import { typedText } from './typed-text.ts';

const optionalText = z.string().nullish();
const person = z.object({
  id: z.string(),
  name: optionalText,
  username: optionalText,
  team_id: optionalText,
});
const team = z.object({ id: z.string() }).nullish();
const enterprise = z.object({ id: optionalText }).nullish();
const blocks = z.array(z.looseObject({ type: z.string() })).nullish();
const message = z.object({ ts: z.string(), thread_ts: optionalText, text: optionalText, blocks });

const commandSchema = z.object({
  command: z.string(),
  text: z.string().default(''),
  user_id: z.string(),
  user_name: optionalText,
  team_id: z.string(),
  enterprise_id: optionalText,
  channel_id: z.string(),
  response_url: optionalText,
  trigger_id: optionalText,
});

const actionSchema = z.object({
  user: person,
  team,
  enterprise,
  channel: z.object({ id: z.string() }).nullish(),
  container: z
    .object({ thread_ts: optionalText, channel_id: optionalText, is_ephemeral: z.boolean().nullish() })
    .nullish(),
  message: message.nullish(),
  view: z.object({ id: optionalText, type: optionalText, private_metadata: optionalText }).nullish(),
  response_url: optionalText,
  trigger_id: optionalText,
});

const elementSchema = z.object({
  action_id: z.string(),
  block_id: z.string().default(''),
  value: optionalText,
  selected_option: z.object({ value: z.string() }).nullish(),
  selected_user: optionalText,
});

const option = z.object({ value: z.string() });
const fieldSchema = z.object({
  value: optionalText,
  selected_option: option.nullish(),
  selected_options: z.array(option).nullish(),
});

const viewSchema = z.object({
  user: person,
  team,
  enterprise,
  trigger_id: optionalText,
  view: z.object({
    id: optionalText,
    callback_id: z.string(),
    private_metadata: optionalText,
    state: z
      .object({ values: z.record(z.string(), z.record(z.string(), fieldSchema)) })
      .default({ values: {} }),
  }),
});

const suggestionSchema = z.object({
  user: person,
  team,
  enterprise,
  action_id: z.string(),
  value: z.string().default(''),
  view: z.object({ private_metadata: optionalText }).nullish(),
});

const shortcutSchema = z.object({
  callback_id: z.string(),
  user: person,
  team,
  enterprise,
  channel: z.object({ id: z.string() }),
  message,
  response_url: optionalText,
  trigger_id: optionalText,
});

const messageEventSchema = z.object({
  channel: z.string(),
  user: z.string(),
  text: z.string().default(''),
  ts: z.string(),
  thread_ts: optionalText,
  /** The person's own, which in a shared channel may differ from the message's. */
  user_team: optionalText,
  team: optionalText,
});
const eventSchema = z.object({
  team_id: optionalText,
  enterprise_id: optionalText,
  /** Whether people from other organisations are in the channel. */
  is_ext_shared_channel: z.boolean().nullish(),
});

const placeSchema = z.object({
  channel: z.string().optional(),
  thread: z.string().optional(),
  isDirect: z.boolean(),
});

/** Direct messages with one or several people. */
const isDirect = (channel: string): boolean => channel.startsWith('D');

export function readCommand(body: unknown): Interaction & { text: string; command: string } {
  const command = commandSchema.parse(body);
  return {
    actor: { team: command.team_id, user: command.user_id },
    organisation: command.enterprise_id ?? undefined,
    userName: command.user_name || undefined,
    place: { channel: command.channel_id, isDirect: isDirect(command.channel_id) },
    invocation: command.command,
    responseUrl: command.response_url ?? undefined,
    triggerId: command.trigger_id ?? undefined,
    command: command.command,
    text: typedText(command.text),
  };
}

export function readAction(
  body: unknown,
  element: unknown,
): Interaction & { action: { id: string; value: string; block: string }; inHome: boolean } {
  const clicked = actionSchema.parse(body);
  const { action_id, block_id, value, selected_option, selected_user } = elementSchema.parse(element);
  const channel = clicked.channel?.id ?? clicked.container?.channel_id ?? undefined;
  const thread = clicked.message?.thread_ts ?? clicked.container?.thread_ts ?? undefined;
  return {
    ...someone(clicked),
    place:
      channel === undefined
        ? readPlace(clicked.view?.private_metadata)
        : {
            channel,
            isDirect: isDirect(channel),
            // A message with a thread below it is not itself in the thread.
            ...(thread !== undefined && thread !== clicked.message?.ts ? { thread } : {}),
          },
    responseUrl: clicked.response_url ?? undefined,
    triggerId: clicked.trigger_id ?? undefined,
    clicked:
      clicked.message || clicked.container?.is_ephemeral
        ? {
            ts: clicked.message?.ts ?? '',
            ephemeral: clicked.container?.is_ephemeral ?? false,
            text: clicked.message?.text ?? '',
            blocks: (clicked.message?.blocks ?? []) as unknown as Block[],
          }
        : undefined,
    // The Home tab is a view too, but answers do not belong there.
    viewId: clicked.view?.type === 'modal' ? (clicked.view.id ?? undefined) : undefined,
    clickedInView: clicked.view?.type === 'modal',
    inHome: clicked.view?.type === 'home',
    action: {
      id: action_id.replace(/:\d+$/, ''),
      value: value ?? selected_option?.value ?? selected_user ?? '',
      block: block_id,
    },
  };
}

export function readView(
  body: unknown,
): Interaction & { callbackId: string; metadata: string; values: Record<string, string[]> } {
  const submitted = viewSchema.parse(body);
  const { view } = submitted;
  const values = Object.fromEntries(
    Object.entries(view.state.values).map(([block, elements]) => [
      block,
      Object.values(elements).flatMap((field) => [
        ...(field.value ? [field.value] : []),
        ...(field.selected_option ? [field.selected_option.value] : []),
        ...(field.selected_options ?? []).map(({ value }) => value),
      ]),
    ]),
  );
  return {
    ...someone(submitted),
    place: readPlace(view.private_metadata),
    triggerId: submitted.trigger_id ?? undefined,
    viewId: view.id ?? undefined,
    callbackId: view.callback_id,
    metadata: view.private_metadata ?? '',
    values,
  };
}

export function readSuggestion(body: unknown): Interaction & { actionId: string; typed: string } {
  const asked = suggestionSchema.parse(body);
  return {
    ...someone(asked),
    place: readPlace(asked.view?.private_metadata),
    actionId: asked.action_id,
    typed: asked.value,
  };
}

export function readShortcut(
  body: unknown,
): Interaction & { callbackId: string; message: { ts: string; text: string; blocks: Block[] } } {
  const shortcut = shortcutSchema.parse(body);
  const { channel, message: about } = shortcut;
  return {
    ...someone(shortcut),
    // Answers go below the message that they are about.
    place: { channel: channel.id, thread: about.thread_ts ?? about.ts, isDirect: isDirect(channel.id) },
    responseUrl: shortcut.response_url ?? undefined,
    triggerId: shortcut.trigger_id ?? undefined,
    callbackId: shortcut.callback_id,
    message: {
      ts: about.ts,
      text: typedText(about.text ?? ''),
      blocks: (about.blocks ?? []) as unknown as Block[],
    },
  };
}

/** A message to the bot: a mention, or a direct message. */
export function readMessage(event: unknown, body: unknown): Interaction & { text: string } {
  const said = messageEventSchema.parse(event);
  const { team_id, enterprise_id, is_ext_shared_channel } = eventSchema.parse(body);
  const team = said.user_team ?? said.team ?? team_id ?? '';
  // The organisation is the event's recipient's. It is also the person's if their workspace is the same, or if nobody
  // from another organisation can be there.
  const isTheirs = team === team_id || is_ext_shared_channel === false;
  return {
    actor: { team, user: said.user },
    organisation: isTheirs ? (enterprise_id ?? undefined) : undefined,
    userName: undefined,
    place: {
      channel: said.channel,
      isDirect: isDirect(said.channel),
      ...(said.thread_ts ? { thread: said.thread_ts } : {}),
    },
    invocation: '',
    text: said.text,
  };
}

function someone(body: {
  user: z.output<typeof person>;
  team?: z.output<typeof team>;
  enterprise?: z.output<typeof enterprise>;
}): Pick<Interaction, 'actor' | 'organisation' | 'userName' | 'invocation'> {
  const { user } = body;
  const team = user.team_id ?? body.team?.id ?? '';
  return {
    actor: { team, user: user.id },
    // It belongs to the workspace beside it, which in a shared channel need not be the person's.
    organisation: team === body.team?.id || !body.team ? (body.enterprise?.id ?? undefined) : undefined,
    userName: user.username || user.name || undefined,
    invocation: '',
  };
}

/** Where a modal was opened from, as the command wrote it into the view's metadata. */
function readPlace(metadata: string | null | undefined): Place {
  if (!metadata) return { isDirect: true };
  let parsed: unknown;
  try {
    parsed = JSON.parse(metadata);
  } catch {
    return { isDirect: true }; // Some other metadata, which names no place.
  }
  const place = placeSchema.safeParse(parsed);
  return place.success ? { ...place.data, claimed: true } : { isDirect: true };
}
