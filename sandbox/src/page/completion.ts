/** What the composer suggests for the text before the caret, and how typed text becomes what Slack stores. Pure. */
import type { WorkspaceState } from '../protocol.ts';

export interface Suggestion {
  key: string;
  /** Replaces the text from `from` to the caret. */
  insert: string;
  title: string;
  hint?: string;
  note?: string;
  user?: string;
}

export interface Completion {
  kind: 'command' | 'mention' | 'channel';
  from: number;
  suggestions: Suggestion[];
}

const MOST = 8;

/** The one command of Slack's own that matters here: it brings the app into a channel. */
const INVITE = {
  command: '/invite',
  usage_hint: '@somebody',
  description: 'Add a person or the app to this channel',
};

function ranked<T>(items: readonly T[], query: string, names: (item: T) => string[]): T[] {
  const wanted = query.toLowerCase();
  const rank = (item: T): number => {
    const all = names(item).map((name) => name.toLowerCase());
    if (all.some((name) => name.startsWith(wanted))) return 0;
    return all.some((name) => name.includes(wanted)) ? 1 : 2;
  };
  return items
    .map((item, index) => ({ item, index, rank: rank(item) }))
    .filter((entry) => entry.rank < 2)
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, MOST)
    .map(({ item }) => item);
}

export function complete(text: string, caret: number, state: WorkspaceState): Completion | undefined {
  const before = text.slice(0, caret);
  const command = /^\/(\S*)$/.exec(before);
  if (command) {
    const commands = [...state.app.commands, INVITE];
    const suggestions = ranked(commands, command[1] ?? '', (item) => [item.command.slice(1)]).map(
      (item): Suggestion => ({
        key: item.command,
        insert: `${item.command} `,
        title: item.command,
        hint: item.usage_hint,
        note: item.description,
        // Slack's own command belongs to nobody.
        ...(item === INVITE ? {} : { user: state.app.bot_user }),
      }),
    );
    return suggestions.length > 0 ? { kind: 'command', from: 0, suggestions } : undefined;
  }
  const mention = /(?:^|[\s(])@([\p{L}\p{N}._-]*)$/u.exec(before);
  if (mention) {
    const query = mention[1] ?? '';
    const suggestions = [
      ...ranked(state.users, query, (user) => [user.name, user.real_name]).map(
        (user): Suggestion => ({
          key: user.id,
          insert: `@${user.name} `,
          title: user.real_name,
          hint: `@${user.name}`,
          note: user.title,
          user: user.id,
        }),
      ),
      ...ranked(state.usergroups, query, (group) => [group.handle]).map(
        (group): Suggestion => ({
          key: group.id,
          insert: `@${group.handle} `,
          title: `@${group.handle}`,
          note: group.name,
        }),
      ),
    ].slice(0, MOST);
    return suggestions.length > 0
      ? { kind: 'mention', from: caret - query.length - 1, suggestions }
      : undefined;
  }
  const channel = /(?:^|[\s(])#([\p{L}\p{N}_-]*)$/u.exec(before);
  if (channel) {
    const query = channel[1] ?? '';
    const suggestions = ranked(
      state.channels.filter(({ is_im }) => !is_im),
      query,
      ({ name }) => [name],
    ).map(
      (item): Suggestion => ({
        key: item.id,
        insert: `#${item.name} `,
        title: `#${item.name}`,
        note: item.topic,
      }),
    );
    return suggestions.length > 0
      ? { kind: 'channel', from: caret - query.length - 1, suggestions }
      : undefined;
  }
  return undefined;
}

/** Slack's client escapes these three; names become tokens on the server. */
export const encodeMessage = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** `/logs a b` as command and text; undefined for what is no command. */
export function splitCommand(text: string): { command: string; text: string } | undefined {
  const match = /^(\/[^\s/]\S*)(?:\s+([\s\S]*))?$/.exec(text.trim());
  return match ? { command: match[1] ?? '', text: (match[2] ?? '').trim() } : undefined;
}
