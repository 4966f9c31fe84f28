/** The list of open alerts with what is muted, and who is on call. */

import { LIMITS } from '#sandbox/block-kit';
import type { Alert } from '../domain/alerts.ts';
import type { Mute } from '../domain/mutes.ts';
import {
  ALERT,
  mentions,
  type Named,
  type Placed,
  stateWords,
  titleWords,
  who,
  writeAlertRef,
} from './alerts.ts';
import type { Block, Message } from './message.ts';
import { button, code, context, group, mention, moment, plain, section } from './text.ts';

const MINUTE = 60_000;

/** Of each row of a list: which use cases the list is of, so that a click in it can draw it anew. */
function writeListRef(row: number, useCases: readonly string[]): string | undefined {
  const ref = [`alerts:${row}`, ...useCases].join(' ');
  return ref.length <= LIMITS.id ? ref : undefined;
}

/** @returns ids of use cases; undefined for what was not written by `writeListRef` */
export function readListRef(block: string): string[] | undefined {
  const [first, ...useCases] = block.split(' ');
  return /^alerts:\d+$/.test(first!) ? useCases : undefined;
}

const ALERTS_SHOWN = 20;
const MUTES_SHOWN = 10;

export interface AlertRow {
  alert: Alert;
  useCase: Placed;
}

export function alertBlock({ alert, useCase }: AlertRow): Block {
  return section(
    [titleWords(alert, useCase), stateWords(alert, useCase).join(' · ')].join('\n'),
    alert.state === 'open' ? button('Acknowledge', ALERT.acknowledge, writeAlertRef(alert)) : undefined,
  );
}

/** Longer ids of mutes fit into no button: such a pattern is shown without. */
function muteBlock({ id, pattern, by, until }: Mute): Block {
  const end = until === undefined ? 'until somebody unmutes it' : `until ${moment(until)}`;
  return section(
    `:no_bell: ${code(pattern, 160)} is muted by ${who(by)} ${end}`,
    id.length <= LIMITS.button.value ? button('Unmute', ALERT.unmute, id) : undefined,
  );
}

/** @param useCases ids of those whose alerts these are */
export function alertsMessage(
  rows: readonly AlertRow[],
  mutes: readonly Mute[],
  useCases: readonly string[],
): Message {
  const total = rows.length;
  const title = total === 0 ? 'No open alerts' : `${group(total)} open ${total === 1 ? 'alert' : 'alerts'}`;
  const shown = rows.slice(0, ALERTS_SHOWN);
  const muted = mutes.slice(0, MUTES_SHOWN);
  const listed = [...shown.map(alertBlock), ...muted.map(muteBlock)].map((block, row) => ({
    ...block,
    block_id: writeListRef(row, useCases),
  }));
  return {
    text: title,
    blocks: [
      section(`*${title}*`),
      ...listed.slice(0, shown.length),
      ...(total > shown.length ? [context(`… ${group(total - shown.length)} more`)] : []),
      ...listed.slice(shown.length),
      ...(mutes.length > muted.length ? [context(`… ${group(mutes.length - muted.length)} more mutes`)] : []),
    ],
  };
}

export interface OnCallFacts {
  useCase: Named;
  escalateAfterMs: number;
  levels: readonly {
    now: readonly OnCallNow[];
    /** Of a rotation: who takes over, and when. */
    next: readonly { at: number; to: readonly string[] }[];
  }[];
}

/** A person, or a user group with who is in it now. */
export interface OnCallNow {
  id: string;
  /** Of a group; left out: Slack does not say. */
  members?: readonly string[] | undefined;
}

export function onCallMessage(facts: readonly OnCallFacts[]): Message {
  return {
    text: `On call in ${facts.map(({ useCase }) => plain(useCase.name, 80)).join(', ')}`,
    blocks: facts.slice(0, 20).flatMap(({ useCase, levels, escalateAfterMs }) => [
      section(`*On call: ${plain(useCase.name, 100)}*`),
      levels.length === 0
        ? section(
            'Nobody is set: alerts are posted and call nobody. An admin sets `onCall` in the configuration.',
          )
        : section(
            levels
              .slice(0, 20)
              .map(({ now, next }, index) => {
                const then = next
                  .slice(0, 1)
                  .map(({ at, to }) => `, then ${mentions(to)} from ${moment(at)}`)
                  .join('');
                const after =
                  index === 0
                    ? 'at once'
                    : `after ${Math.round((index * escalateAfterMs) / MINUTE)} min without an answer`;
                return `${index + 1}. ${now.slice(0, 20).map(onCallWords).join(', ') || 'nobody'} (${after})${then}`;
              })
              .join('\n'),
          ),
    ]),
  };
}

const MEMBERS_SHOWN = 10;

/** People are named, not only the group that they are in. */
function onCallWords({ id, members }: OnCallNow): string {
  if (!id.startsWith('S')) return mention(id);
  if (members === undefined) return `${mention(id)} (Slack does not say who is in it)`;
  if (members.length === 0) return `nobody: ${mention(id)} is empty`;
  const left = members.length - MEMBERS_SHOWN;
  const more = left > 0 ? ` and ${group(left)} more` : '';
  return `${mentions(members.slice(0, MEMBERS_SHOWN))}${more} of ${mention(id)}`;
}
