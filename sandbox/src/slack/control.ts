/** The sandbox's own endpoints under `/sandbox/`, for its page and for scripts. See `../protocol.ts`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isObject, type Json } from '../block-kit/schema.ts';
import { SandboxError } from '../errors.ts';
import type { SandboxMessage, WorkspaceEvent, WorkspaceState } from '../protocol.ts';
import type { Context } from './context.ts';
import { sendFile } from './file-content.ts';
import { publicFile } from './files.ts';
import { HttpError, parseJson, readBody, sendJson } from './http.ts';
import type { Interactions } from './interactions.ts';
import { isFor, Lookup, required, text } from './lookup.ts';
import type { SocketMode } from './socket-mode.ts';
import { enterValues, fieldErrors } from './view-form.ts';
import { publicView } from './views.ts';

/** The longest a script may wait for a message in one request. */
const MAX_WAIT_MS = 60_000;
const HEARTBEAT_MS = 15_000;

export interface ControlOptions {
  context: Context;
  interactions: Interactions;
  socketMode: SocketMode;
  /** @returns undefined when the URL answered the challenge */
  setRequestUrl: (url: string | undefined) => Promise<string | undefined>;
  /** Endpoints of other parts of the sandbox: `POST /sandbox/…` → what answers it. */
  controls?: Controls | undefined;
}

export type Controls = Readonly<Record<string, (args: Json) => unknown>>;

type Handler = (args: Json, request: IncomingMessage, response: ServerResponse) => unknown;

export class Control {
  readonly #context: Context;
  readonly #find: Lookup;
  readonly #interactions: Interactions;
  readonly #options: ControlOptions;
  readonly #routes: Readonly<Record<string, Handler>>;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#find = new Lookup(options.context);
    this.#interactions = options.interactions;
    this.#routes = {
      ...options.controls,
      'GET /sandbox/state': (args) => this.#state(args),
      'GET /sandbox/stream': (args, request, response) => this.#stream(args, request, response),
      'GET /sandbox/faults': () => ({ faults: this.#context.faults.list() }),
      'POST /sandbox/faults': (args) => ({ faults: this.#context.faults.add(args.list ?? args) }),
      'DELETE /sandbox/faults': () => {
        this.#context.faults.clear();
        return { faults: [] };
      },
      'GET /sandbox/slack/messages': (args, request) => this.#messages(args, request),
      'POST /sandbox/slack/message': (args) => this.#message(args),
      'POST /sandbox/slack/command': (args) => this.#command(args),
      'POST /sandbox/slack/action': (args) => this.#action(args),
      'POST /sandbox/slack/options': (args) => this.#typeahead(args),
      'POST /sandbox/slack/shortcut': (args) => this.#shortcut(args),
      'GET /sandbox/slack/views': (args) => ({
        views: this.#context.views.stack(this.#find.user(args).id).map(publicView),
      }),
      'POST /sandbox/slack/view': (args) => this.#view(args),
      'GET /sandbox/slack/home': (args) => this.#home(args),
      'POST /sandbox/slack/home': (args, request) => this.#openHome(args, request),
      'GET /sandbox/slack/files': (args) => this.#files(args),
      'GET /sandbox/slack/pings': (args) => this.#pings(args),
      'POST /sandbox/slack/channel': (args) => this.#channelChange(args),
      'POST /sandbox/slack/socket': (args) => this.#socket(args),
      'POST /sandbox/slack/request-url': (args) => this.#requestUrl(args),
    };
  }

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const content = /^\/sandbox\/slack\/files\/(\w+)\/content$/.exec(url.pathname)?.[1];
    try {
      if (content !== undefined && request.method === 'GET') {
        await sendFile(this.#context, content, request, response, url.searchParams.has('download'));
        return;
      }
      const handler = this.#routes[`${request.method} ${url.pathname}`];
      if (handler === undefined) throw this.#unknownRoute(request, url);
      const answer = await handler(await controlArguments(request, url), request, response);
      if (isObject(answer)) sendJson(response, { ok: true, ...answer });
    } catch (error) {
      const { status, code, message } = asHttpError(error);
      sendJson(response, { ok: false, error: code, detail: message }, status);
    }
  }

  #unknownRoute(request: IncomingMessage, url: URL): HttpError {
    const methods = Object.keys(this.#routes)
      .map((route) => route.split(' '))
      .filter(([, path]) => path === url.pathname)
      .map(([method]) => method);
    if (methods.length === 0) return new HttpError(404, 'not_found', `There is no ${url.pathname}.`);
    return new HttpError(
      405,
      'method_not_allowed',
      `${url.pathname} takes ${methods.join(', ')}, not ${request.method}.`,
    );
  }

  // --- Reading ---

  #state(args: Json): WorkspaceState {
    const { workspace, manifest, link } = this.#context;
    const user = args.user === undefined ? undefined : this.#find.user(args);
    if (user !== undefined && !user.is_bot) workspace.im(user.id);
    const shortcuts = (type: 'message' | 'global') =>
      manifest.shortcuts
        .filter((one) => one.type === type)
        .map(({ name, callback_id, description }) => ({ name, callback_id, description }));
    return {
      ok: true,
      team: { id: workspace.team.id, name: workspace.team.name },
      users: [...workspace.users.values()],
      channels: [...workspace.channels.values()].filter(
        (channel) => user === undefined || workspace.isVisible(channel, user.id),
      ),
      usergroups: [...workspace.userGroups],
      app: {
        id: workspace.app.id,
        name: manifest.name,
        bot_user: workspace.app.user,
        connected: link.connected,
        commands: manifest.commands.map(({ command, description, usage_hint }) => ({
          command,
          description,
          usage_hint,
        })),
        message_shortcuts: shortcuts('message'),
        global_shortcuts: shortcuts('global'),
        home_tab: manifest.homeTab,
      },
    };
  }

  #stream(args: Json, request: IncomingMessage, response: ServerResponse): undefined {
    const user = args.user === undefined ? undefined : this.#find.user(args).id;
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write(': connected\n\n');
    const end = this.#context.workspace.listen((event) => {
      if (user === undefined || this.#concerns(event, user))
        response.write(`data: ${JSON.stringify(event)}\n\n`);
    });
    const heartbeat = setInterval(() => response.write(': \n\n'), HEARTBEAT_MS);
    heartbeat.unref();
    request.on('close', () => {
      clearInterval(heartbeat);
      end();
    });
    return undefined;
  }

  #concerns(event: WorkspaceEvent, user: string): boolean {
    if (event.type === 'state') return true;
    if (event.type === 'views' || event.type === 'home') return event.user === user;
    const { workspace } = this.#context;
    const channel = workspace.channels.get(
      event.type === 'message_deleted' ? event.channel : event.message.channel,
    );
    if (channel === undefined || !workspace.isVisible(channel, user)) return false;
    return event.type === 'message_deleted' || isFor(event.message, user);
  }

  /**
   * `since`: after that ts. `contains`: whose text or blocks have it. `wait`: so many seconds until there is one.
   */
  async #messages(args: Json, request: IncomingMessage): Promise<Json> {
    const { workspace, ended } = this.#context;
    const user = args.user === undefined ? undefined : this.#find.user(args).id;
    const channel = this.#find.channel(args, user);
    const thread = text(args, 'thread_ts');
    const since = text(args, 'since');
    const contains = text(args, 'contains');
    const find = (): SandboxMessage[] =>
      workspace
        .messages(channel.id)
        .filter(
          (message) =>
            (user === undefined || isFor(message, user)) &&
            (thread === undefined || message.ts === thread || message.thread_ts === thread) &&
            (since === undefined || message.ts > since) &&
            (contains === undefined ||
              JSON.stringify([message.text, message.blocks]).includes(quoted(contains))),
        );
    const waitMs = Math.min(MAX_WAIT_MS, Number(text(args, 'wait') ?? 0) * 1000);
    let found = find();
    if (found.length === 0 && waitMs > 0) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          stop();
          ended.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, waitMs);
        const stop = workspace.listen(() => {
          if (find().length > 0) done();
        });
        request.on('close', done);
        ended.addEventListener('abort', done);
      });
      found = find();
    }
    return { messages: found };
  }

  #home(args: Json): Json {
    const view = this.#context.views.home(this.#find.user(args).id);
    return { view: view === undefined ? null : publicView(view) };
  }

  /** Fires `app_home_opened` and waits a moment for what the app publishes. */
  async #openHome(args: Json, request: IncomingMessage): Promise<Json> {
    const { views, workspace, timing, manifest } = this.#context;
    const user = this.#find.user(args).id;
    if (!manifest.homeTab) throw new HttpError(400, 'not_enabled', 'The manifest has no home tab.');
    const hash = views.home(user)?.hash;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(done, manifest.botEvents.has('app_home_opened') ? timing.ackMs : 0);
      const stop = workspace.listen((event) => {
        if (event.type === 'home' && event.user === user && event.view.hash !== hash) done();
      });
      request.on('close', done);
      this.#interactions.homeOpened(user);
    });
    return this.#home(args);
  }

  #files(args: Json): Json {
    const channel = text(args, 'channel') === undefined ? undefined : this.#find.channel(args).id;
    return {
      files: this.#context.files
        .list()
        .filter((file) => channel === undefined || file.channels.includes(channel))
        .map(publicFile),
    };
  }

  #pings(args: Json): Json {
    const channel = text(args, 'channel') === undefined ? undefined : this.#find.channel(args).id;
    const user = args.user === undefined ? undefined : this.#find.user(args).id;
    const groups = this.#context.workspace.userGroups.filter(
      (group) => user !== undefined && group.users.includes(user),
    );
    return {
      pings: this.#context.workspace.pings.filter(
        (ping) =>
          (channel === undefined || ping.channel === channel) &&
          (user === undefined ||
            ping.id === user ||
            groups.some((group) => group.id === ping.id) ||
            (ping.id === undefined &&
              this.#context.workspace.channels.get(ping.channel)?.members.includes(user))),
      ),
    };
  }

  // --- Acting ---

  #message(args: Json): Json {
    const user = this.#find.person(args);
    const channel = this.#find.joined(args, user);
    const words = required(args, 'text');
    const thread = text(args, 'thread_ts');
    if (thread !== undefined && this.#context.workspace.find(channel.id, thread) === undefined) {
      throw new HttpError(404, 'thread_not_found', `There is no message ${thread} in ${channel.name}.`);
    }
    return { ts: this.#interactions.message(user.id, channel, words, thread).ts };
  }

  #command(args: Json): Promise<unknown> {
    const user = this.#find.person(args);
    const [first = '', ...rest] = required(args, 'command').trim().split(/\s+/);
    // `command: "/logs train-1"` works as well as command and text apart.
    const words = [...rest, text(args, 'text') ?? ''].join(' ').trim();
    return this.#interactions.command(user.id, this.#find.joined(args, user), first, words);
  }

  #action(args: Json): Promise<unknown> {
    const user = this.#find.person(args);
    const { place, found } = this.#find.element(args, user);
    // What was entered in the other fields goes with the click, as in Slack.
    if (isObject(args.values)) this.#interactions.keep(user.id, place, args.values);
    return this.#interactions.action(user.id, place, found, args.value);
  }

  #typeahead(args: Json): Promise<unknown> {
    const user = this.#find.person(args);
    const { place, found } = this.#find.element(args, user);
    return this.#interactions.options(user.id, place, found, text(args, 'value') ?? '');
  }

  #shortcut(args: Json): Promise<unknown> {
    const user = this.#find.person(args);
    const callback = required(args, 'callback_id');
    if (text(args, 'message_ts') === undefined) return this.#interactions.shortcut(user.id, callback);
    const channel = this.#find.joined(args, user);
    return this.#interactions.shortcut(user.id, callback, {
      channel,
      message: this.#find.messageIn(channel, args),
    });
  }

  async #view(args: Json): Promise<unknown> {
    const user = this.#find.person(args);
    const view = this.#find.viewOf(args, user);
    if (args.close === true) return this.#interactions.close(view, args.all === true);
    if (view.submit === undefined) throw new HttpError(400, 'no_submit', 'This view has no submit button.');
    if (args.values !== undefined) {
      enterValues(this.#context.views, view, args.values, (action) =>
        this.#interactions.offered(view.user, action),
      );
    }
    const errors = fieldErrors(view);
    // As in Slack's own client, the app is not asked while a field is wrong.
    if (Object.keys(errors).length > 0) return { ok: false, error: 'invalid_values', errors };
    return this.#interactions.submit(view);
  }

  #channelChange(args: Json): Json {
    const { workspace, events } = this.#context;
    const channel = this.#find.channel(args);
    if (typeof args.is_archived === 'boolean') channel.is_archived = args.is_archived;
    const join = text(args, 'join');
    const leave = text(args, 'leave');
    if (join !== undefined) {
      const user = this.#find.user({ user: join });
      if (workspace.join(channel, user.id)) events.memberJoined(user.id, channel);
    }
    if (leave !== undefined) {
      const user = this.#find.user({ user: leave });
      if (workspace.leave(channel, user.id)) events.memberLeft(user.id, channel);
    }
    workspace.announce({ type: 'state' });
    return { channel };
  }

  #socket(args: Json): Json {
    const what = required(args, 'do');
    if (what !== 'drop' && what !== 'warning' && what !== 'refresh_requested') {
      throw new HttpError(400, 'invalid_arguments', '`do` is one of drop, warning, refresh_requested.');
    }
    const met = this.#options.socketMode.disturb(what);
    return { connections: met };
  }

  async #requestUrl(args: Json): Promise<Json> {
    const to = args.url === null ? undefined : required(args, 'url');
    const problem = await this.#options.setRequestUrl(to);
    if (problem !== undefined) throw new HttpError(400, 'url_not_verified', problem);
    return {};
  }
}

/** As it stands within JSON. */
const quoted = (words: string): string => JSON.stringify(words).slice(1, -1);

/** Query and body. A body is JSON whatever its type says, as `curl -d` sends it; faults may be a list. */
async function controlArguments(request: IncomingMessage, url: URL): Promise<Json> {
  const query: Json = Object.fromEntries(url.searchParams);
  if (request.method !== 'POST') return query;
  const parsed = parseJson((await readBody(request)) || '{}');
  if (url.pathname === '/sandbox/faults' && parsed !== undefined) return { list: parsed };
  if (url.pathname.startsWith('/sandbox/aws/') && Array.isArray(parsed)) return { ...query, list: parsed };
  if (!isObject(parsed)) throw new HttpError(400, 'invalid_json', 'The body must be one JSON object.');
  return { ...query, ...parsed };
}

function asHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof SandboxError && (error.code === 'invalid_input' || error.code === 'not_found')) {
    const [status, code] = error.code === 'not_found' ? [404, 'not_found'] : [400, 'invalid_arguments'];
    return new HttpError(Number(status), String(code), [error.message, error.hint].filter(Boolean).join(' '));
  }
  throw error;
}
