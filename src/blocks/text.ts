/**
 * Text that comes from outside (job names, AWS, logs, people, errors) made harmless for mrkdwn, without secrets, and
 * shortened so that it shows. Everything outside text passes through here before it is put into a block.
 */

import type { types } from '@slack/bolt';
import { LIMITS } from '#sandbox/block-kit';
import { maskSecrets } from '../domain/mask-secrets.ts';
import { grouped } from '../ground/numbers.ts';
import type { Block, Button, Message, Option } from './message.ts';

const ZERO_WIDTH_SPACE = '\u200b';

/** Control characters and those that turn the direction of writing: none of them is ever meant. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be removed
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Escapes what Slack reads as mentions, links and entities: `&`, `<`, `>`. */
export function escapeMrkdwn(text: string): string {
  return text.replace(UNSEEN, '').replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Masked before anything is cut, and after what would hide a part of a secret is gone. */
const shown = (text: string): string => maskSecrets(text.replace(UNSEEN, ''));

/**
 * Outside text for mrkdwn, at most `limit` characters after escaping. Formatting and `@channel`, which some
 * clients still parse from bare text, are broken by a zero-width space; marks inside a word mean nothing to
 * Slack and are left, so that names can be copied.
 */
export function plain(text: string, limit: number = LIMITS.section.text): string {
  return shorten(shown(text), limit, (part) =>
    escapeMrkdwn(part)
      .replace(/@(?=channel|here|everyone)/gi, `@${ZERO_WIDTH_SPACE}`)
      .replace(/(?<![\p{L}\p{N}])[*_~`](?=\S)|(?<=\S)[*_~`](?![\p{L}\p{N}])/gu, `${ZERO_WIDTH_SPACE}$&`),
  );
}

/** Outside text of several lines on one, as `plain`. The lines may tell what is secret, so it is masked before they go. */
export function onOneLine(text: string, limit: number): string {
  return plain(maskSecrets(text).trim().replace(/\s+/g, ' '), limit);
}

/** Outside text as inline code. Nothing in it can end the code. */
export function code(text: string, limit = 300): string {
  const inner = shorten(shown(text).replace(/\s+/g, ' ').trim() || ' ', limit - 2, (part) =>
    // A look-alike: a backtick would end the code, and a zero-width space beside it does not help there.
    escapeMrkdwn(part).replace(/`/g, '\u02cb'),
  );
  return `\`${inner}\``;
}

/**
 * Outside text of several sentences, such as an error's hint: what it has between backticks becomes code, the
 * rest is as `plain`.
 */
export function prose(text: string, limit: number = LIMITS.section.text): string {
  const rendered = shown(text)
    .split(/`([^`\n]+)`/)
    .map((part, index) => (index % 2 === 1 ? code(part, limit) : plain(part, limit)))
    .join('');
  return rendered.length <= limit ? rendered : plain(text, limit);
}

/** Outside text as a code block. */
export function codeBlock(text: string, limit: number = LIMITS.section.text): string {
  const inner = shorten(shown(text), limit - 8, (part) =>
    escapeMrkdwn(part).replace(/`/g, `${ZERO_WIDTH_SPACE}\`${ZERO_WIDTH_SPACE}`),
  );
  return `\`\`\`\n${inner}\n\`\`\``;
}

/** Outside text for a plain_text object: nothing is parsed there, only the length counts. */
export function label(text: string, limit: number): string {
  const clean = shown(text).trim();
  return clean === '' ? '–' : shorten(clean, limit, (part) => part);
}

/** Cuts so that the result of `render` has at most `limit` characters, and says that and where it was cut. */
function shorten(text: string, limit: number, render: (part: string) => string): string {
  const whole = render(text);
  if (whole.length <= limit) return whole;
  const note = (kept: number): string =>
    limit < 80 ? '…' : ` … (cut at ${group(kept)} of ${group(text.length)} characters)`;
  const room = limit - note(text.length).length;
  let kept = 0;
  let over = Math.min(text.length, room + 1);
  while (kept + 1 < over) {
    const middle = (kept + over) >> 1;
    if (render(text.slice(0, middle)).length <= room) kept = middle;
    else over = middle;
  }
  // Not between the two halves of one character.
  const last = text.charCodeAt(kept - 1);
  if (last >= 0xd800 && last <= 0xdbff) kept -= 1;
  return render(text.slice(0, kept)) + note(kept);
}

export const group = grouped;

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** `512 bytes`, `3.4 MB`, `12 GB`: decimal units, as Slack shows file sizes. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A moment in the reader's own time zone; UTC where Slack cannot render it. */
export function moment(at: number): string {
  return date(at, MOMENT, 16);
}

const MOMENT = '{date_short_pretty} at {time}';

/** The same as a node of rich text: a table's cells have no mrkdwn. */
export function momentNode(at: number): types.RichTextDate {
  return { type: 'date', timestamp: Math.floor(at / 1000), format: MOMENT, fallback: utc(at, 16) };
}

/** The same to the second: for what is seconds old, and for times to be found again in a log. */
export function instant(at: number): string {
  return date(at, '{date_short_pretty} at {time_secs}', 19);
}

function date(at: number, format: string, isoLength: number): string {
  return `<!date^${Math.floor(at / 1000)}^${format}|${utc(at, isoLength)}>`;
}

function utc(at: number, isoLength: number): string {
  return `${new Date(at).toISOString().slice(0, isoLength).replace('T', ' ')} UTC`;
}

/** `45 s`, `12 min 4 s`, `1 h 3 min`, `2 d 3 h`: two units, never rounded up. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return minutes < 30 && seconds % 60 > 0 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 > 0 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 > 0 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** A link in mrkdwn. @param url one of ours, without anything from outside that is not encoded */
export function link(url: string, text: string): string {
  return `<${url}|${plain(text, 200).replace(/\|/g, '¦') || url}>`;
}

/** A user, group or everybody, as a mention. Only for messages that one person sees: there it pings nobody. */
export function mention(grantee: string): string {
  if (/^[UW][A-Z0-9]+$/.test(grantee)) return `<@${grantee}>`;
  if (/^S[A-Z0-9]+$/.test(grantee)) return `<!subteam^${grantee}>`;
  return grantee === 'channel-members' ? 'everybody in its channels' : code(grantee);
}

// --- The smallest blocks -----------------------------------------------------------------------------

/** A section of mrkdwn that is already safe; `verbatim` keeps Slack from making links of bare text. */
export function section(mrkdwn: string, accessory?: Button): Block {
  return {
    type: 'section',
    text: { type: 'mrkdwn', text: cut(mrkdwn, LIMITS.section.text), verbatim: true },
    ...(accessory ? { accessory } : {}),
  };
}

/** A message of one section. */
export function said(mrkdwn: string): Message {
  return { text: mrkdwn, blocks: [section(mrkdwn)] };
}

export function context(...mrkdwn: string[]): Block {
  return {
    type: 'context',
    elements: mrkdwn
      .slice(0, LIMITS.context.elements)
      .map((text) => ({ type: 'mrkdwn', text: cut(text, LIMITS.textObject), verbatim: true })),
  };
}

export function header(text: string): Block {
  return { type: 'header', text: { type: 'plain_text', text: label(text, LIMITS.header.text) } };
}

export function divider(): Block {
  return { type: 'divider' };
}

/** A row of buttons; `undefined` for none, since Slack refuses an empty row. */
export function actions(...buttons: (Button | undefined)[]): Block[] {
  const elements = buttons.filter((button) => button !== undefined).slice(0, LIMITS.actions.elements);
  return elements.length === 0 ? [] : [{ type: 'actions', elements }];
}

/**
 * @param id the action; `name:n` where one row has several of a kind, because ids in a row must differ
 * @param value at most 2,000 characters; a longer one cannot work and gives no button
 */
export function button(
  text: string,
  id: string,
  value?: string,
  style?: 'primary' | 'danger',
): Button | undefined {
  if (value !== undefined && (value === '' || value.length > LIMITS.button.value)) return undefined;
  return {
    type: 'button',
    text: { type: 'plain_text', text: label(text, LIMITS.button.text) },
    action_id: id,
    ...(value === undefined ? {} : { value }),
    ...(style === undefined ? {} : { style }),
  };
}

/**
 * A button that leads to a page. Slack tells the app of the click all the same: `id` needs a listener.
 * @returns nothing without a URL, or with one that is too long
 */
export function linkButton(text: string, id: string, url: string | undefined): Button | undefined {
  if (url === undefined || url.length > LIMITS.button.url) return undefined;
  return {
    type: 'button',
    text: { type: 'plain_text', text: label(text, LIMITS.button.text) },
    action_id: id,
    url,
  };
}

/** A button that asks once more before it acts. */
export function confirmed(
  given: Button | undefined,
  question: { title: string; text: string; confirm: string; deny?: string; danger?: boolean },
): Button | undefined {
  return (
    given && {
      ...given,
      confirm: {
        title: { type: 'plain_text', text: label(question.title, LIMITS.confirm.title) },
        text: { type: 'plain_text', text: label(question.text, LIMITS.confirm.text) },
        confirm: { type: 'plain_text', text: label(question.confirm, LIMITS.confirm.confirm) },
        deny: { type: 'plain_text', text: label(question.deny ?? 'Keep it', LIMITS.confirm.deny) },
        ...(question.danger ? { style: 'danger' as const } : {}),
      },
    }
  );
}

export function option(text: string, value: string, description?: string): Option {
  return {
    text: { type: 'plain_text', text: label(text, LIMITS.option.text) },
    value: value.slice(0, LIMITS.option.value),
    ...(description
      ? { description: { type: 'plain_text', text: label(description, LIMITS.option.description) } }
      : {}),
  };
}

/** For our own text, which is built within the limits; the cut is the last guard and shows itself. */
function cut(mrkdwn: string, limit: number): string {
  return mrkdwn.length <= limit ? mrkdwn || ' ' : `${mrkdwn.slice(0, limit - 2)} …`;
}
