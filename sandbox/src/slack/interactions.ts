/** What people do in the workspace: each action becomes a payload to the app, and the app's ack takes effect. */
import { isObject, type Json } from '../block-kit/schema.ts';
import type { InteractionResult, SandboxChannel, SandboxMessage } from '../protocol.ts';
import { bodyOf, failed, optionProblems, refused } from './acks.ts';
import type { Answer, Delivery } from './app-link.ts';
import type { Context } from './context.ts';
import { SlackError } from './errors.ts';
import { HttpError } from './http.ts';
import { choose, entered, type Found, findElement, isHeld, optionsOf } from './inputs.ts';
import { encoded, wireMessage } from './messages.ts';
import { commonPart, nameOf, type Place, placePart, userName, viewResponseUrls } from './payloads.ts';
import { respond } from './response-urls.ts';
import { linked } from './typed-text.ts';
import { type StoredView, wireView } from './views.ts';

export class Interactions {
  readonly #context: Context;
  /** Options that the app sent for a typeahead, by user and action id. */
  readonly #offered = new Map<string, readonly Json[]>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** What the app last offered for a typeahead. */
  offered(user: string, action: string): readonly Json[] {
    return this.#offered.get(`${user} ${action}`) ?? [];
  }

  // --- Slash commands ---

  async command(
    user: string,
    channel: SandboxChannel,
    name: string,
    text: string,
  ): Promise<InteractionResult> {
    const context = this.#context;
    const command = `/${name.replace(/^\/+/, '')}`;
    const known = context.manifest.commands.find((one) => one.command === command);
    if (known === undefined) {
      if (command === '/invite' || command === '/remove' || command === '/kick') {
        return this.#membership(user, channel, command, text);
      }
      return refused('unknown_command', `${command} is not a valid command.`);
    }
    const responseUrl = context.responseUrls.issue({ channel: channel.id, user });
    const answer = await this.#send('slash_commands', true, {
      token: context.secrets.verificationToken,
      team_id: context.workspace.team.id,
      team_domain: 'sandbox',
      channel_id: channel.id,
      channel_name: nameOf(channel),
      user_id: user,
      user_name: userName(context, user),
      command,
      text: encoded(known.should_escape ? linked(context.workspace, text, { withNames: true }) : text),
      api_app_id: context.workspace.app.id,
      is_enterprise_install: 'false',
      response_url: responseUrl,
      trigger_id: context.triggers.issue(user),
    });
    const failure = failed(answer, (code) => `${command} failed with the error "${code}"`);
    if (failure !== undefined) return failure;
    const body = bodyOf(answer);
    if (body === undefined || Object.keys(body).length === 0) return { ok: true };
    try {
      respond(context.workspace, { channel: channel.id, user }, body);
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      // An empty text is a bare ack; anything else that cannot be shown is the app's error.
      if (error.code === 'no_text') return { ok: true, response: body };
      return { ...refused(error.code, `${command} failed with the error "${error.code}"`), response: body };
    }
    return { ok: true, response: body };
  }

  /** `/invite @somebody` and `/remove @somebody` belong to Slack itself. */
  #membership(user: string, channel: SandboxChannel, command: string, text: string): InteractionResult {
    const { workspace, events } = this.#context;
    const who = workspace.findUser(text.trim().replace(/\|[^>]*>$/, '>'));
    if (who === undefined)
      return refused('user_not_found', `${command} needs somebody, as in ${command} @${workspace.app.name}`);
    if (channel.is_im) return refused('cant_invite', 'Nobody can be added to a direct message.');
    if (command === '/invite') {
      if (!workspace.join(channel, who.id)) {
        return refused('already_in_channel', `@${who.name} is already in this channel.`);
      }
      events.memberJoined(who.id, channel, user);
      return { ok: true };
    }
    if (!workspace.leave(channel, who.id))
      return refused('not_in_channel', `@${who.name} is not in this channel.`);
    events.memberLeft(who.id, channel);
    return { ok: true };
  }

  // --- Messages ---

  /** What a person types: `@name`, `#channel` and addresses become what Slack's client makes of them. */
  message(user: string, channel: SandboxChannel, text: string, thread?: string): SandboxMessage {
    const { workspace, events } = this.#context;
    const posted = workspace.post({
      channel: channel.id,
      user,
      text: encoded(linked(workspace, text)),
      thread_ts: thread,
    });
    events.message(posted, channel);
    return posted;
  }

  // --- Elements ---

  /**
   * A click on a button, a choice in a select, a date picked.
   * @param value see `choose`
   */
  async action(user: string, place: Place, found: Found, value: unknown): Promise<InteractionResult> {
    const context = this.#context;
    const { block, element } = found;
    const blockId = String(block.block_id);
    const actionId = String(element.action_id);
    const choice = choose(element, value, () => this.offered(user, actionId));
    if (choice === undefined) {
      const offers = optionsOf(element).map((option) => option.value);
      throw new HttpError(
        400,
        'invalid_option',
        `${actionId} has no option ${JSON.stringify(value)}; it has ${JSON.stringify(offers)}.`,
      );
    }
    const state = place.view?.state.values ?? context.workspace.state(place.message as SandboxMessage, user);
    if (place.view !== undefined && isHeld(choice))
      context.views.enter(place.view, blockId, actionId, choice);
    else if (isHeld(choice)) state[blockId] = { ...state[blockId], [actionId]: entered(choice) };
    // An input tells the app only when it is asked to.
    if (block.type === 'input' && block.dispatch_action !== true) return { ok: true };
    const action = {
      ...choice,
      action_id: actionId,
      block_id: blockId,
      ...kept(element, ['text', 'style', 'placeholder', 'confirm', 'url', 'icon']),
      action_ts: context.workspace.nextTs(),
    };
    const answer = await this.#send('interactive', false, {
      type: 'block_actions',
      ...commonPart(context, user),
      ...placePart(context, user, place),
      trigger_id: context.triggers.issue(user, place.view?.id),
      actions: [action],
    });
    return (
      failed(answer, () => 'Operation timed out. Apps need to respond within 3 seconds.') ?? { ok: true }
    );
  }

  /** Other inputs' values as the client holds them at a click, as `state.values`; what is not there is left out. */
  keep(user: string, place: Place, values: Json): void {
    const { views, workspace } = this.#context;
    const blocks = place.view?.blocks ?? place.message?.blocks ?? [];
    for (const [block, actions] of Object.entries(values)) {
      for (const [action, value] of Object.entries(isObject(actions) ? actions : {})) {
        const found = findElement(blocks, action, block);
        if (found === undefined || !isObject(value) || value.type !== found.element.type || !isHeld(value))
          continue;
        if (place.view !== undefined) views.enter(place.view, block, action, value);
        else {
          const state = workspace.state(place.message, user);
          state[block] = { ...state[block], [action]: entered(value) };
        }
      }
    }
  }

  /** What a typeahead asks the app for. */
  async options(
    user: string,
    place: Place,
    { block, element }: Found,
    value: string,
  ): Promise<InteractionResult & { options?: unknown[]; option_groups?: unknown[] }> {
    const context = this.#context;
    const least = typeof element.min_query_length === 'number' ? element.min_query_length : MIN_QUERY;
    if (value.length < least) {
      return { ok: true, options: [], detail: `Slack asks the app from ${least} characters on.` };
    }
    const { state: _state, message, channel, view, container } = placePart(context, user, place);
    const answer = await this.#send('interactive', true, {
      type: 'block_suggestion',
      ...commonPart(context, user),
      container,
      ...(view === undefined ? { message, channel } : { view }),
      action_id: element.action_id,
      block_id: block.block_id,
      value,
    });
    const failure = failed(answer, () => 'Sorry! Something went wrong, please try again.');
    if (failure !== undefined) return failure;
    const body = bodyOf(answer) ?? {};
    const problems = optionProblems(body);
    if (problems.length > 0) {
      const words = problems.map(({ message, pointer }) => `${message} [json-pointer:${pointer}]`).join('; ');
      return { ok: false, error: 'invalid_options', detail: words, response: body };
    }
    this.#offered.set(`${user} ${String(element.action_id)}`, optionsOf(body));
    return Array.isArray(body.option_groups)
      ? { ok: true, option_groups: body.option_groups }
      : { ok: true, options: body.options as unknown[] };
  }

  /** A shortcut on a message, or a global one. */
  async shortcut(
    user: string,
    callbackId: string,
    on?: { message: SandboxMessage; channel: SandboxChannel },
  ): Promise<InteractionResult> {
    const context = this.#context;
    const type = on === undefined ? 'global' : 'message';
    if (!context.manifest.shortcuts.some((one) => one.callback_id === callbackId && one.type === type)) {
      return refused('unknown_shortcut', `The manifest has no ${type} shortcut ${callbackId}.`);
    }
    const common = {
      ...commonPart(context, user),
      callback_id: callbackId,
      trigger_id: context.triggers.issue(user),
      action_ts: context.workspace.nextTs(),
    };
    const payload: Json =
      on === undefined
        ? { type: 'shortcut', ...common }
        : {
            type: 'message_action',
            ...common,
            message_ts: on.message.ts,
            message: wireMessage(on.message, this.#context.workspace),
            channel: { id: on.channel.id, name: nameOf(on.channel) },
            response_url: context.responseUrls.issue({ channel: on.channel.id, user, message: on.message }),
          };
    const answer = await this.#send('interactive', false, payload);
    return (
      failed(answer, () => 'Operation timed out. Apps need to respond within 3 seconds.') ?? { ok: true }
    );
  }

  // --- Views ---

  /** @returns the view, the app's own response, and field errors if it sent any */
  async submit(view: StoredView): Promise<InteractionResult> {
    const context = this.#context;
    const answer = await this.#send('interactive', true, {
      type: 'view_submission',
      ...commonPart(context, view.user),
      trigger_id: context.triggers.issue(view.user, view.id),
      view: wireView(view, this.#context.workspace),
      response_urls: viewResponseUrls(context, view),
    });
    const failure = failed(answer, () => 'We had some trouble connecting. Try again?');
    if (failure !== undefined) return failure;
    const body = bodyOf(answer);
    try {
      return this.#viewResponse(view, body);
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      // The user sees only that it did not work; the reason is for who builds the app.
      const places = isObject(error.extra.response_metadata) ? error.extra.response_metadata.messages : [];
      const words = Array.isArray(places) ? places.join('; ') : '';
      return {
        ...refused(error.code, `We had some trouble connecting. Try again? ${words}`.trim()),
        response: body,
      };
    }
  }

  #viewResponse(view: StoredView, body: Json | undefined): InteractionResult {
    const { views } = this.#context;
    const response = body === undefined || Object.keys(body).length === 0 ? {} : { response: body };
    switch (body?.response_action) {
      case undefined:
        views.pop(view.user);
        return { ok: true, ...response };
      case 'clear':
        views.clear(view.user);
        return { ok: true, ...response };
      case 'update':
        views.update(view, body.view);
        return { ok: true, ...response };
      case 'push':
        views.push(view.user, body.view);
        return { ok: true, ...response };
      case 'errors': {
        if (!isObject(body.errors)) throw new SlackError('invalid_response_action');
        const inputs = view.blocks.filter((block) => block.type === 'input').map((block) => block.block_id);
        const unknown = Object.keys(body.errors).find((block) => !inputs.includes(block));
        // Slack shows nothing useful then: the block id of an error must be that of an input.
        if (unknown !== undefined) throw new SlackError(`no_input_block:${unknown}`);
        return { ok: true, ...response, errors: body.errors as Record<string, string> };
      }
      default:
        throw new SlackError('invalid_response_action');
    }
  }

  async close(view: StoredView, all: boolean): Promise<InteractionResult> {
    const context = this.#context;
    const isCleared = all || view.clear_on_close;
    if (isCleared) context.views.clear(view.user);
    else context.views.pop(view.user);
    if (!view.notify_on_close) return { ok: true };
    const answer = await this.#send('interactive', false, {
      type: 'view_closed',
      ...commonPart(context, view.user),
      view: wireView(view, this.#context.workspace),
      is_cleared: isCleared,
    });
    return failed(answer, () => 'The app was not told that the view was closed.') ?? { ok: true };
  }

  // --- Home ---

  homeOpened(user: string, tab: 'home' | 'messages' = 'home'): void {
    const context = this.#context;
    const view = context.views.home(user);
    context.events.emit('app_home_opened', {
      type: 'app_home_opened',
      user,
      channel: context.workspace.im(user).id,
      tab,
      ...(view === undefined ? {} : { view: wireView(view, this.#context.workspace) }),
      event_ts: context.workspace.nextTs(),
    });
  }

  // --- Shared ---

  #send(type: Delivery['type'], acceptsAnswer: boolean, payload: Json): Promise<Answer> {
    const { link, timing, manifest } = this.#context;
    if (type === 'interactive' && !manifest.interactivity) return Promise.resolve({ kind: 'unconnected' });
    return link.deliver({ type, acceptsAnswer, payload }, timing.ackMs);
  }
}

/** An external select asks from the third character on, unless it says otherwise. */
const MIN_QUERY = 3;

const kept = (from: Json, keys: readonly string[]): Json =>
  Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]));
