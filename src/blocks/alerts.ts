/** The alert's message in the channel, edited in place as the alert changes. */

import { LIMITS } from '#sandbox/block-kit';
import { openRetry } from '../domain/alert-retries.ts';
import type { Alert, AlertCall, AlertRetry, AlertSubject, ResolvedWhy } from '../domain/alerts.ts';
import { isBackgroundActor } from '../domain/background-actor.ts';
import { compilationJobUrl, componentUrl, inConsole, trainingPage } from '../domain/console-links.ts';
import { onProvider, PROVIDERS } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { COMPILE } from './compile-ids.ts';
import { whyBlocks, writeRef } from './job-facts.ts';
import { openLiveButton } from './live.ts';
import { excerptWords } from './log-excerpt.ts';
import { getLogsButton } from './logs.ts';
import type { Block, Button, Message } from './message.ts';
import {
  actions,
  button,
  code,
  confirmed,
  context,
  group,
  link,
  linkButton,
  mention,
  moment,
  option,
  plain,
  section,
} from './text.ts';
import { TRAIN } from './train-ids.ts';

export const ALERT = {
  acknowledge: 'alert.acknowledge',
  snooze: 'alert.snooze',
  pass: 'alert.pass',
  close: 'alert.close',
  mute: 'alert.mute',
  muteForm: 'alert.mute_form',
  unmute: 'alert.unmute',
  list: 'alert.list',
} as const;

export type Named = Pick<UseCase, 'id' | 'name'>;
export type Placed = Pick<UseCase, 'id' | 'name' | 'aws'>;

/** Names in an alert's message; a longer list stands in its thread. */
export const SUBJECTS_SHOWN = 8;
const CAUSES_SHOWN = 4;

/** What a person is named as in edits: an edit pings nobody. */
export const who = (actor: Actor): string => (isBackgroundActor(actor) ? 'Signalbox' : mention(actor.user));

export const mentions = (ids: readonly string[]): string => ids.slice(0, 20).map(mention).join(' ');

export function writeAlertRef(alert: Pick<Alert, 'id' | 'useCase'>): string {
  return `${alert.useCase} ${alert.id}`;
}

/** @returns undefined for what was not written by `writeAlertRef` */
export function readAlertRef(text: string): { useCase: string; id: string } | undefined {
  const [useCase, id] = text.split(' ');
  return useCase && id ? { useCase, id } : undefined;
}

/** What is to be done stands first and the log last: it comes later, and must not move the buttons away. */
export function alertMessage(alert: Alert, useCase: Placed): Message {
  const title = titleWords(alert, useCase);
  const resolved = alert.state === 'resolved';
  const opening = resolved ? undefined : alert.calls?.[0];
  const called = opening ? mentions(opening.to) : '';
  return {
    text: `${title}${called === '' ? '' : ` ${called}`}`,
    blocks: [
      section(
        [title, ...(called === '' ? [] : [called]), ...(opening ? emptyLines(opening) : [])].join('\n'),
      ),
      ...(alert.unconfirmed === undefined || resolved ? [] : [context(unconfirmedWords(alert.unconfirmed))]),
      ...whyBlocks({ guidance: alert.advice, reason: alert.cause }),
      ...subjectBlocks(alert),
      ...buttons(alert),
      context(...stateWords(alert, useCase)),
      ...(alert.excerpt && !resolved ? [section(excerptWords(alert.excerpt))] : []),
    ],
  };
}

/** @param why SageMaker could not be asked */
export function unconfirmedWords(why: string): string {
  return `:grey_question: *Not confirmed*: an event says so, and SageMaker could not be asked: ${plain(why, 300)}`;
}

/** `🚨 *Training failed*: resnet-3 and 4 more · Line 3`: how far it is, what happened to what, and where. */
export function titleWords(alert: Alert, useCase: Named): string {
  const { distinct, more: others } = subjectsOf(alert);
  const more =
    others > 0
      ? ` and ${group(others)} more`
      : alert.count > 1 && distinct.length === 1
        ? ` (${timesWords(alert, alert.count)})`
        : '';
  const retried = alert.state !== 'resolved' && openRetry(alert) !== undefined;
  const sign = retried
    ? ':repeat:'
    : alert.snoozedUntil !== undefined
      ? ':zzz:'
      : { open: ':rotating_light:', acknowledged: ':eyes:', resolved: ':white_check_mark:' }[alert.state];
  const what = `${alert.state === 'resolved' ? 'Resolved · ' : ''}${plain(alert.title, 200)}`;
  return `${sign} *${what}*: ${alertNameOf(alert.subjects[0]!)}${more} · ${plain(useCase.name, 100)}`;
}

function buttons(alert: Alert): Block[] {
  const ref = writeAlertRef(alert);
  const first = alert.subjects[0]!;
  const inAws =
    first.console === undefined
      ? undefined
      : linkButton(`Open in ${first.site ?? 'AWS'}`, COMPILE.link, first.console);
  if (alert.state === 'resolved')
    return actions(logsButton(alert, first), liveButton(alert, first, true), inAws);
  const open = alert.state === 'open';
  return [
    ...actions(
      open
        ? button('Acknowledge', ALERT.acknowledge, ref, openRetry(alert) ? undefined : 'primary')
        : undefined,
      logsButton(alert, first),
      liveButton(alert, first, alert.kind === 'training'),
      retryDetails(alert) ?? retryButton(alert),
      inAws,
      button('Mute…', ALERT.mute, ref),
      confirmed(button('Close', ALERT.close, ref), {
        title: 'Close this alert?',
        text: 'Nobody else will be called about it. If a later run fails in the same way, a new alert opens.',
        confirm: 'Close it',
        deny: 'Leave it open',
      }),
    ).map((row) => ({ ...row, block_id: `${ref} acts`.slice(0, LIMITS.id) })),
    {
      type: 'actions',
      // What the choices are about.
      block_id: ref.slice(0, LIMITS.id),
      elements: [
        {
          type: 'static_select',
          action_id: ALERT.snooze,
          placeholder: { type: 'plain_text', text: 'Snooze…' },
          options: [
            option('for 30 minutes', '30'),
            option('for 1 hour', '60'),
            option('for 4 hours', '240'),
            option('for 1 day', '1440'),
          ],
        },
        {
          type: 'users_select',
          action_id: ALERT.pass,
          placeholder: { type: 'plain_text', text: 'Pass to…' },
        },
      ],
    },
  ];
}

/** Of a compilation its own log, which says why. */
function logsButton({ kind, job, useCase }: Alert, { target }: AlertSubject): Button | undefined {
  if (job === undefined) return undefined;
  return kind === 'compilation' && target !== undefined
    ? button('Get logs', COMPILE.log, writeRef({ useCase, job, target }))
    : getLogsButton(useCase, job);
}

function liveButton({ job, useCase }: Alert, { canOpen }: AlertSubject, ended = false): Button | undefined {
  return job !== undefined && canOpen ? openLiveButton(useCase, job, { ended }) : undefined;
}

/** While one goes on, the way to it instead of another one. */
function retryDetails(alert: Alert): Button | undefined {
  const retry = openRetry(alert);
  if (!retry) return undefined;
  const job = alert.kind === 'training' ? retry.as : retry.job;
  return button('See the retry', `${COMPILE.details}:1`, writeRef({ useCase: alert.useCase, job }));
}

/** Of a training the form to run it again, with something changed: from the last run that failed as well. */
function retryButton(alert: Alert): Button | undefined {
  if (alert.job === undefined) return undefined;
  const { pipeline, target } = alert.subjects[0]!;
  const last = alert.subjects.findLast((one) => one.pipeline === pipeline && one.job);
  const job = last?.job ?? alert.job;
  if (alert.kind === 'training') {
    if (!PROVIDERS[last?.provider ?? 'sagemaker'].startsAgain) return undefined;
    return button('Retry…', TRAIN.again, writeRef({ useCase: alert.useCase, job }));
  }
  if (target === undefined) return undefined;
  const ref = writeRef({ useCase: alert.useCase, job: alert.job, target });
  if (alert.kind === 'compilation') return button('Retry', COMPILE.retry, ref);
  return alert.kind === 'component' ? button('Package again…', COMPILE.package, ref) : undefined;
}

/** What failed, and where: two providers may each have a job of the same name. */
export function alertNameOf({ name, provider }: Pick<AlertSubject, 'name' | 'provider'>): string {
  return `${code(name, 160)}${onProvider(provider)}`;
}

export function emptyLines({ empty, to }: AlertCall): string[] {
  if (empty.length === 0) return [];
  const groups = empty
    .slice(0, 10)
    .map((one) => code(one))
    .join(', ');
  const next = to.length > 0 ? 'so the next level was called at once' : 'and no other level is set';
  return [`:warning: Nobody is in the user group ${groups}, ${next}.`];
}

interface SubjectTimes extends Pick<AlertSubject, 'name' | 'provider'> {
  times: number;
  good: boolean;
}

/** Each thing that failed once, with how often; and how many there are besides the first one. */
function subjectsOf({ subjects, count }: Alert): {
  distinct: readonly SubjectTimes[];
  more: number;
} {
  const byName = new Map<string, SubjectTimes>();
  for (const { name, provider, succeededAt } of subjects) {
    const shown = alertNameOf({ name, provider });
    const known = byName.get(shown);
    byName.set(shown, {
      name,
      provider,
      times: (known?.times ?? 0) + 1,
      good: (known?.good ?? true) && succeededAt !== undefined,
    });
  }
  const distinct = [...byName.values()];
  return { distinct, more: distinct.length - 1 + count - subjects.length };
}

const timesWords = ({ kind }: Alert, times: number): string =>
  `${group(times)} ${kind === 'compilation' ? 'attempts' : 'times'}`;

function subjectBlocks(alert: Alert): Block[] {
  const { distinct, more } = subjectsOf(alert);
  // The title says all of it.
  if (more === 0) return [];
  const bad = distinct.filter(({ good }) => !good);
  const shown = bad
    .slice(0, SUBJECTS_SHOWN)
    .map((one) => `${alertNameOf(one)}${one.times > 1 ? ` (${timesWords(alert, one.times)})` : ''}`);
  const good = distinct.length - bad.length;
  const left = more + 1 - good - shown.length;
  const causes = alert.spread === 'kind' ? 'with different causes' : 'with the same cause';
  const lines = [
    `*${group(alert.count)} failures ${causes}*: ${shown.join(', ')}${left > 0 ? ` … and ${group(left)} more` : ''}`,
    ...(good > 0 ? [`A later success has made ${group(good)} of them good.`] : []),
    ...(alert.spread === 'kind' ? causeLines(alert.subjects) : []),
    ...(alert.listed ? [`All ${group(alert.listed.count)} are listed in the thread.`] : []),
  ];
  return [section(lines.join('\n'))];
}

/** The most frequent first. */
function causeLines(subjects: readonly AlertSubject[]): string[] {
  const counts = new Map<string, number>();
  for (const { cause = '', succeededAt } of subjects)
    if (cause !== '' && succeededAt === undefined) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const lines = sorted
    .slice(0, CAUSES_SHOWN)
    .map(([cause, count]) => `• ${group(count)} × ${code(cause, 120)}`);
  return sorted.length > lines.length
    ? [...lines, `• … and ${group(sorted.length - lines.length)} other causes`]
    : lines;
}

export const RESOLVED_WORDS: Readonly<Record<ResolvedWhy, string>> = {
  succeeded: 'Resolved: a later run succeeded',
  closed: 'Closed',
  muted: 'Muted',
  unfounded: 'Not so: SageMaker says otherwise',
};

export function stateWords(alert: Alert, useCase: Placed): string[] {
  const { acknowledged, resolved, snoozedUntil, dueAt, assignee } = alert;
  const words = [`Since ${moment(alert.openedAt)}`];
  const retry = resolved ? undefined : openRetry(alert);
  const last = resolved ? undefined : alert.retries?.at(-1);
  if (retry)
    words.push(
      `*Being retried by ${who(retry.by)}* as ${retryLink(alert, retry, useCase)}, ${moment(retry.at)}`,
    );
  else if (last?.ended)
    words.push(
      `Retry by ${who(last.by)} ${last.ended.how}: ${retryLink(alert, last, useCase)}, ${moment(last.ended.at)}`,
    );
  if (assignee !== undefined) words.push(`Passed to ${mention(assignee)}`);
  if (alert.state === 'acknowledged' && acknowledged)
    words.push(`*Acknowledged by ${who(acknowledged.by)}*, ${moment(acknowledged.at)}`);
  if (resolved) {
    const by = resolved.by ? ` by ${who(resolved.by)}` : '';
    words.push(`*${RESOLVED_WORDS[resolved.why]}${by}*, ${moment(resolved.at)}`);
  } else if (snoozedUntil !== undefined) words.push(`*Snoozed until* ${moment(snoozedUntil)}`);
  else if (alert.state === 'open' && !retry)
    words.push(dueAt === undefined ? 'Not acknowledged' : `Not acknowledged, next level ${moment(dueAt)}`);
  return words;
}

export function retryLink({ kind }: Alert, { as }: AlertRetry, useCase: Placed): string {
  const url =
    kind === 'compilation'
      ? inConsole(useCase, compilationJobUrl, as)
      : kind === 'component'
        ? inConsole(useCase, componentUrl, as.split(' ')[0]!)
        : trainingPage(useCase, as);
  return url === undefined ? code(as) : link(url, as);
}
