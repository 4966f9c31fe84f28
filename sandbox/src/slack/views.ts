/** Modals, as stacks of at most three, and Home tabs, one for each person; and what is entered in them. */
import { randomBytes } from 'node:crypto';
import { LIMITS } from '../block-kit/limits.ts';
import { isObject, type Json } from '../block-kit/schema.ts';
import { validateView } from '../block-kit/validate.ts';
import type { Block, SandboxView } from '../protocol.ts';
import { SlackError } from './errors.ts';
import { entered, initialState, withIds } from './inputs.ts';
import type { Installation, StateValues, Workspace } from './workspace.ts';

export interface StoredView extends SandboxView {
  user: string;
  root_view_id: string;
  previous_view_id: string | null;
  clear_on_close: boolean;
  notify_on_close: boolean;
  external_id: string;
  state: { values: StateValues };
}

export class Views {
  readonly #workspace: Workspace;
  readonly #stacks = new Map<string, StoredView[]>();
  readonly #homes = new Map<string, StoredView>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** Bottom first. */
  stack(user: string): readonly StoredView[] {
    return this.#stacks.get(user) ?? [];
  }

  home(user: string): StoredView | undefined {
    return this.#homes.get(user);
  }

  find(idOrExternal: string): StoredView | undefined {
    return this.#all().find((view) => view.id === idOrExternal || view.external_id === idOrExternal);
  }

  /** A new modal; any open one of that user gives way. */
  open(user: string, given: unknown): StoredView {
    const view = this.#create(user, given, 'modal');
    view.root_view_id = view.id;
    this.#stacks.set(user, [view]);
    this.#changed(user);
    return view;
  }

  push(user: string, given: unknown): StoredView {
    const stack = this.#stacks.get(user) ?? [];
    if (stack.length >= LIMITS.view.stack) throw new SlackError('push_limit_reached');
    const view = this.#create(user, given, 'modal');
    view.root_view_id = stack[0]?.id ?? view.id;
    view.previous_view_id = stack.at(-1)?.id ?? null;
    this.#stacks.set(user, [...stack, view]);
    this.#changed(user);
    return view;
  }

  update(view: StoredView, given: unknown, hash?: string): StoredView {
    if (hash !== undefined && hash !== view.hash) throw new SlackError('hash_conflict');
    const next = this.#create(view.user, given, view.type, view);
    // What a user entered stays where block and action keep their ids.
    const values = next.state.values;
    for (const [block, actions] of Object.entries(view.state.values)) {
      for (const [action, value] of Object.entries(actions)) {
        if (values[block]?.[action]?.type === value.type)
          values[block] = { ...values[block], [action]: value };
      }
    }
    // What the new picture does not say is gone.
    for (const text of ['title', 'submit', 'close'] as const) delete view[text];
    Object.assign(view, next, {
      id: view.id,
      root_view_id: view.root_view_id,
      previous_view_id: view.previous_view_id,
    });
    this.#changedView(view);
    return view;
  }

  publish(user: string, given: unknown, hash?: string): StoredView {
    const known = this.#homes.get(user);
    if (known !== undefined) return this.update(known, given, hash);
    const view = this.#create(user, given, 'home');
    view.root_view_id = view.id;
    this.#homes.set(user, view);
    this.#changedView(view);
    return view;
  }

  /** The top view only. */
  pop(user: string): void {
    this.#stacks.set(user, this.stack(user).slice(0, -1));
    this.#changed(user);
  }

  clear(user: string): void {
    this.#stacks.delete(user);
    this.#changed(user);
  }

  /** Stores one entered value. */
  enter(view: StoredView, block: string, action: string, value: Json): void {
    view.state.values[block] = { ...view.state.values[block], [action]: entered(value) };
    this.#changedView(view);
  }

  #all(): StoredView[] {
    return [...[...this.#stacks.values()].flat(), ...this.#homes.values()];
  }

  #changed(user: string): void {
    this.#workspace.announce({ type: 'views', user, views: this.stack(user).map(publicView) });
  }

  #changedView(view: StoredView): void {
    if (view.type === 'modal') this.#changed(view.user);
    else this.#workspace.announce({ type: 'home', user: view.user, view: publicView(view) });
  }

  /** @throws SlackError as `views.*` refuses a view */
  #create(user: string, given: unknown, type: 'modal' | 'home', replaces?: StoredView): StoredView {
    checkView(given, type);
    const view = given as Json;
    const external = typeof view.external_id === 'string' ? view.external_id : '';
    if (
      external !== '' &&
      this.#all().some((other) => other.external_id === external && other !== replaces)
    ) {
      throw new SlackError('duplicate_external_id');
    }
    const blocks = withIds(view.blocks as Block[]);
    return {
      id: `V${randomBytes(5).toString('hex').toUpperCase()}`,
      type,
      user,
      blocks,
      hash: `${Math.floor(Date.now() / 1000)}.${randomBytes(4).toString('hex')}`,
      callback_id: String(view.callback_id ?? ''),
      private_metadata: String(view.private_metadata ?? ''),
      external_id: external,
      ...(isText(view.title) ? { title: view.title } : {}),
      ...(isText(view.submit) ? { submit: view.submit } : {}),
      ...(isText(view.close) ? { close: view.close } : {}),
      clear_on_close: view.clear_on_close === true,
      notify_on_close: view.notify_on_close === true,
      root_view_id: '',
      previous_view_id: null,
      state: { values: initialState(blocks) },
    };
  }
}

const isText = (value: unknown): value is { text: string } =>
  isObject(value) && typeof value.text === 'string';

/** @throws SlackError invalid_arguments with the places, or view_too_large */
export function checkView(given: unknown, type: 'modal' | 'home'): void {
  const problems = validateView(given);
  if (isObject(given) && (given.type === 'modal' || given.type === 'home') && given.type !== type) {
    problems.push({
      message: `must match the \`type\` of the view's surface (${type})`,
      pointer: '/view/type',
    });
  }
  if (problems.length > 0) throw SlackError.withProblems('invalid_arguments', problems);
  if (Buffer.byteLength(JSON.stringify(given)) > LIMITS.view.bytes) throw new SlackError('view_too_large');
}

/** For the sandbox's page. */
export function publicView(view: StoredView): SandboxView {
  const { id, type, callback_id, title, submit, close, blocks, private_metadata, hash, state, external_id } =
    view;
  const texts = {
    ...(title === undefined ? {} : { title }),
    ...(submit === undefined ? {} : { submit }),
    ...(close === undefined ? {} : { close }),
  };
  return {
    id,
    type,
    ...(callback_id === undefined ? {} : { callback_id }),
    ...texts,
    blocks,
    ...(private_metadata === undefined ? {} : { private_metadata }),
    hash,
    state,
    ...(external_id === '' ? {} : { external_id }),
  };
}

/** As it stands in Slack's answers and payloads. */
export function wireView(view: StoredView, { team, app }: Installation): Json {
  const { user: _user, title, submit, close, ...rest } = view;
  return {
    ...rest,
    team_id: team.id,
    app_id: app.id,
    app_installed_team_id: team.id,
    bot_id: app.bot,
    title: title ?? null,
    submit: submit ?? null,
    close: close ?? null,
  };
}
