/** The page's only way to the server: the calls of `protocol.ts`. */
import type {
  Fault,
  InteractionResult,
  SandboxMessage,
  SandboxView,
  WorkspaceEvent,
  WorkspaceState,
} from '../protocol.ts';
import type { StateValues } from './blocks/state.ts';
import type { Option, OptionGroup } from './blocks/types.ts';

/** A refused or failed call. `code` is Slack-style; `message` is fit to be shown. */
export class SandboxError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const UNREACHABLE = 'The sandbox does not answer. Is it still running?';

async function request(path: string, init: RequestInit): Promise<Record<string, unknown>> {
  let response: Response;
  try {
    response = await fetch(`/sandbox${path}`, init);
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new SandboxError('unreachable', UNREACHABLE);
  }
  try {
    return (await response.json()) as Record<string, unknown>;
  } catch {
    if (init.signal?.aborted) throw new DOMException('Aborted', 'AbortError');
    throw new SandboxError(
      'bad_response',
      `Expected JSON from /sandbox${path}, got status ${response.status} with another body.`,
    );
  }
}

async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  const body = await request(path, init);
  if (body.ok === false)
    throw new SandboxError(String(body.error ?? 'unknown'), String(body.detail ?? body.error));
  return body as T;
}

const json = (method: string, body: unknown): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** Interactions answer with `ok: false` instead of throwing: every failure has a place where it is shown. */
async function interact(path: string, body: unknown): Promise<InteractionResult> {
  try {
    const answer = await request(path, json('POST', body));
    return answer as unknown as InteractionResult;
  } catch (error) {
    if (error instanceof SandboxError) return { ok: false, error: error.code, detail: error.message };
    throw error;
  }
}

const query = (parameters: Record<string, string | undefined>): string => {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value !== undefined) search.set(key, value);
  return search.toString();
};

/** Where an element sits: in a message or in a view. */
export type Place = { channel: string; message_ts: string } | { view_id: string };

export const api = {
  state: (user: string | undefined, signal?: AbortSignal) =>
    call<WorkspaceState>(`/state?${query({ user })}`, { signal: signal ?? null }),

  messages: async (channel: string, user: string, thread_ts?: string, signal?: AbortSignal) =>
    (
      await call<{ messages: SandboxMessage[] }>(`/slack/messages?${query({ channel, user, thread_ts })}`, {
        signal: signal ?? null,
      })
    ).messages,

  views: async (user: string) =>
    (await call<{ views: SandboxView[] }>(`/slack/views?${query({ user })}`)).views,

  /** Tells the app that its Home was opened, and gives what is published there by now. */
  openHome: async (user: string) =>
    (await call<{ view: SandboxView | null }>('/slack/home', json('POST', { user }))).view,

  send: (message: { user: string; channel: string; text: string; thread_ts?: string }) =>
    call<{ ts: string }>('/slack/message', json('POST', message)),

  join: (channel: string, user: string) =>
    call<unknown>('/slack/channel', json('POST', { channel, join: user })),

  command: (body: { user: string; channel: string; command: string; text: string }) =>
    interact('/slack/command', body),

  action: (
    body: Place & {
      user: string;
      action_id: string;
      block_id?: string;
      value?: string | string[] | null;
      values?: StateValues;
    },
  ) => interact('/slack/action', body),

  shortcut: (body: { user: string; callback_id: string; channel?: string; message_ts?: string }) =>
    interact('/slack/shortcut', body),

  submitView: (body: { user: string; view_id: string; values: StateValues }) => interact('/slack/view', body),

  closeView: (body: { user: string; view_id: string }) => interact('/slack/view', { ...body, close: true }),

  options: (
    body: Place & { user: string; action_id: string; block_id: string; value: string },
    signal: AbortSignal,
  ) =>
    call<{ options?: Option[]; option_groups?: OptionGroup[] }>('/slack/options', {
      ...json('POST', body),
      signal,
    }),

  faults: async () => (await call<{ faults: Fault[] }>('/faults')).faults,
  addFault: async (fault: Fault) => (await call<{ faults: Fault[] }>('/faults', json('POST', fault))).faults,
  clearFaults: () => call<unknown>('/faults', { method: 'DELETE' }),

  fileContent: (id: string) => `/sandbox/slack/files/${encodeURIComponent(id)}/content`,

  /** Follows the workspace. `onLink` says whether the line is up; the browser reconnects by itself. */
  stream(user: string, onEvent: (event: WorkspaceEvent) => void, onLink: (up: boolean) => void): () => void {
    const source = new EventSource(`/sandbox/stream?${query({ user })}`);
    let retry: ReturnType<typeof setTimeout> | undefined;
    let stopInner: (() => void) | undefined;
    source.onopen = () => onLink(true);
    source.onmessage = (message) => onEvent(JSON.parse(message.data as string) as WorkspaceEvent);
    source.onerror = () => {
      onLink(false);
      // After an answer other than 200 the browser gives up for good; a restarting server answers so for a moment.
      if (source.readyState === EventSource.CLOSED) {
        retry = setTimeout(() => {
          stopInner = api.stream(user, onEvent, onLink);
        }, 2000);
      }
    };
    return () => {
      source.close();
      clearTimeout(retry);
      stopInner?.();
    };
  },
};
