/** What each user has read, by channel; kept in the browser, since Slack keeps it per person too. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { SandboxMessage } from '../protocol.ts';
import { byTime, isReply } from './messages.tsx';
import type { Workspace } from './workspace.ts';

const KEY = 'sandbox.read';
type Read = Record<string, string>;

function load(): Read {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return typeof stored === 'object' && stored !== null ? (stored as Read) : {};
  } catch {
    // Somebody else's value under our key: start afresh rather than fail the page.
    return {};
  }
}

const newest = (messages: Readonly<Record<string, SandboxMessage>> | undefined): string | undefined =>
  Object.values(messages ?? {})
    .filter((message) => !isReply(message))
    .sort(byTime)
    .at(-1)?.ts;

export interface Unread {
  counts: Readonly<Record<string, number>>;
  /** Where the "New" mark of the open channel belongs: what was read when it was opened. */
  mark: string | undefined;
}

/** `open` is the channel on screen; whatever is in it counts as read while the page is visible. */
export function useUnread(workspace: Workspace, open: string | undefined): Unread {
  const [read, setRead] = useState<Read>(load);
  const [mark, setMark] = useState<string>();
  const { user } = workspace;
  const key = useCallback((channel: string) => `${user}/${channel}`, [user]);
  const readNow = useRef(read);
  readNow.current = read;
  const openKey = open && workspace.loaded[open] ? key(open) : undefined;

  useEffect(() => {
    if (openKey) setMark(readNow.current[openKey]);
    else setMark(undefined);
  }, [openKey]);

  useEffect(() => {
    const next = { ...readNow.current };
    for (const channel of Object.keys(workspace.loaded)) {
      const last = newest(workspace.messages[channel]) ?? '0';
      // A channel seen for the first time has no unread past.
      if (next[key(channel)] === undefined || channel === open) next[key(channel)] = last;
    }
    const same = Object.keys(next).every((name) => next[name] === readNow.current[name]);
    if (same) return;
    localStorage.setItem(KEY, JSON.stringify(next));
    setRead(next);
  }, [workspace.loaded, workspace.messages, open, key]);

  const counts = useMemo(() => {
    const found: Record<string, number> = {};
    for (const channel of Object.keys(workspace.loaded)) {
      const upTo = read[key(channel)];
      if (channel === open || upTo === undefined) continue;
      found[channel] = Object.values(workspace.messages[channel] ?? {}).filter(
        (message) => !isReply(message) && message.user !== user && byTime({ ts: upTo }, message) < 0,
      ).length;
    }
    return found;
  }, [workspace.loaded, workspace.messages, read, open, user, key]);

  return { counts, mark };
}
