/** The page's copy of the workspace as one user sees it, kept current by the event stream. */
import { useCallback, useEffect, useReducer } from 'react';
import type { SandboxMessage, SandboxView, WorkspaceEvent, WorkspaceState } from '../protocol.ts';
import { api, SandboxError } from './api.ts';

export type Link = 'connecting' | 'live' | 'lost';

export interface Workspace {
  user: string | undefined;
  state: WorkspaceState | undefined;
  link: Link;
  failure: string | undefined;
  /** By channel, then by ts; threads' replies included. */
  messages: Readonly<Record<string, Readonly<Record<string, SandboxMessage>>>>;
  /** Channels whose history is here. */
  loaded: Readonly<Record<string, true>>;
  views: readonly SandboxView[];
  /** `undefined` until asked for, `null` when the app has published none. */
  home: SandboxView | null | undefined;
}

type Change =
  | { type: 'enter'; user: string | undefined }
  | { type: 'state'; state: WorkspaceState }
  | { type: 'link'; link: Link }
  | { type: 'failure'; failure: string | undefined }
  | { type: 'history'; channel: string; messages: SandboxMessage[] }
  | { type: 'views'; views: SandboxView[] }
  | { type: 'home'; view: SandboxView | null }
  | { type: 'event'; event: WorkspaceEvent };

const EMPTY: Workspace = {
  user: undefined,
  state: undefined,
  link: 'connecting',
  failure: undefined,
  messages: {},
  loaded: {},
  views: [],
  home: undefined,
};

function withMessages(workspace: Workspace, channel: string, messages: SandboxMessage[]): Workspace {
  const merged = { ...workspace.messages[channel] };
  for (const message of messages) merged[message.ts] = message;
  return { ...workspace, messages: { ...workspace.messages, [channel]: merged } };
}

function applyEvent(workspace: Workspace, event: WorkspaceEvent): Workspace {
  switch (event.type) {
    case 'message':
    case 'message_changed': {
      const { message } = event;
      if (message.ephemeral_to && message.ephemeral_to !== workspace.user) return workspace;
      return withMessages(workspace, message.channel, [message]);
    }
    case 'message_deleted': {
      const { [event.ts]: _gone, ...rest } = workspace.messages[event.channel] ?? {};
      return { ...workspace, messages: { ...workspace.messages, [event.channel]: rest } };
    }
    case 'views':
      return event.user === workspace.user ? { ...workspace, views: event.views } : workspace;
    case 'home':
      return event.user === workspace.user ? { ...workspace, home: event.view } : workspace;
    case 'state':
      return workspace;
  }
}

function reduce(workspace: Workspace, change: Change): Workspace {
  switch (change.type) {
    case 'enter':
      return { ...EMPTY, user: change.user };
    case 'state':
      return { ...workspace, state: change.state, failure: undefined };
    case 'link':
      return { ...workspace, link: change.link };
    case 'failure':
      return { ...workspace, failure: change.failure };
    case 'history':
      return {
        ...withMessages(workspace, change.channel, change.messages),
        loaded: { ...workspace.loaded, [change.channel]: true },
      };
    case 'views':
      return { ...workspace, views: change.views };
    case 'home':
      return { ...workspace, home: change.view };
    case 'event':
      return applyEvent(workspace, change.event);
  }
}

export interface WorkspaceControls {
  loadThread(channel: string, thread_ts: string): void;
  openHome(): void;
}

export function useWorkspace(user: string | undefined): [Workspace, WorkspaceControls] {
  const [workspace, change] = useReducer(reduce, EMPTY);

  useEffect(() => {
    const gone = new AbortController();
    const { signal } = gone;
    const guarded = (work: Promise<unknown>) => {
      work.catch((error: unknown) => {
        if (signal.aborted) return;
        change({
          type: 'failure',
          failure: error instanceof SandboxError ? error.message : `Unexpected failure: ${String(error)}`,
        });
      });
    };
    const refreshState = async () => {
      const state = await api.state(user, signal);
      if (!signal.aborted) change({ type: 'state', state });
      return state;
    };
    /** The workspace is small: every channel's history is loaded, so that unread marks are right. */
    const loadAll = async () => {
      if (!user) {
        await refreshState();
        return;
      }
      const state = await refreshState();
      const views = await api.views(user);
      if (!signal.aborted) change({ type: 'views', views });
      await Promise.all(
        state.channels.map(async ({ id }) => {
          const messages = await api.messages(id, user, undefined, signal);
          if (!signal.aborted) change({ type: 'history', channel: id, messages });
        }),
      );
    };

    change({ type: 'enter', user });
    if (!user) {
      guarded(loadAll());
      return () => gone.abort();
    }
    const stop = api.stream(
      user,
      (event) => {
        if (event.type === 'state') guarded(loadAll());
        else change({ type: 'event', event });
      },
      (up) => {
        if (signal.aborted) return;
        change({ type: 'link', link: up ? 'live' : 'lost' });
        // Also after every reconnect: what happened meanwhile was not streamed.
        if (up) guarded(loadAll());
      },
    );
    guarded(refreshState());
    return () => {
      gone.abort();
      stop();
    };
  }, [user]);

  const loadThread = useCallback(
    (channel: string, thread_ts: string) => {
      if (!user) return;
      api.messages(channel, user, thread_ts).then(
        (messages) => change({ type: 'history', channel, messages }),
        (error: unknown) =>
          change({ type: 'failure', failure: String(error instanceof Error ? error.message : error) }),
      );
    },
    [user],
  );

  const openHome = useCallback(() => {
    if (!user) return;
    api.openHome(user).then(
      (view) => change({ type: 'home', view }),
      (error: unknown) =>
        change({ type: 'failure', failure: String(error instanceof Error ? error.message : error) }),
    );
  }, [user]);

  return [workspace, { loadThread, openHome }];
}
