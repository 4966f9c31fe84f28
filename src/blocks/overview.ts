/** What Signalbox is and can do: the help, and the Home tab. */

import { LIMITS } from '#sandbox/block-kit';
import type { Permission } from '../domain/access.ts';
import { jobKey } from '../domain/job-keys.ts';
import { haveKinds, onProvider, type SageMakerName, thingsOf } from '../domain/providers.ts';
import type { Subscription } from '../domain/subscriptions.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AuditRecord } from '../ports/audit-trail.ts';
import { type AlertRow, alertBlock } from './alert-lists.ts';
import { COMPILE } from './compile-ids.ts';
import { overallWords, standingInList, writeRef } from './job-facts.ts';
import type { JobRow } from './jobs-table.ts';
import { getLogsButton, LOGS } from './logs.ts';
import type { Block, Home, Message } from './message.ts';
import { subscriptionWords } from './subscriptions.ts';
import { actions, button, code, context, group, header, moment, plain, section, size } from './text.ts';

export interface KnownCommand {
  name: string;
  description: string;
  usage: string;
}

/**
 * @param prefix what stands before a command's name here: `/`, `@signalbox `, or nothing in a direct message
 * @param kinds of SageMaker's jobs that are looked at here
 */
export function overviewMessage(
  commands: readonly KnownCommand[],
  prefix: string,
  kinds: readonly SageMakerName[] = [],
): Message {
  const lines = commands.map(
    ({ name, description, usage }) =>
      `• ${code(`${prefix}${name} ${usage}`.trim())} ${plain(description, 200)}`,
  );
  return {
    text: `Signalbox follows a model from training to device, in Slack. Commands: ${commands.map(({ name }) => code(`${prefix}${name}`)).join(', ')}`,
    blocks: [
      section(
        [
          '*Signalbox* follows a model from training log to compiled component, in the channel where its team talks.',
          ...lines,
        ].join('\n'),
      ),
      ...(haveKinds(kinds) ? [section(`*Jobs here:* ${thingsOf(kinds)}.`)] : []),
      ...actions(
        button('Get logs…', LOGS.choose, undefined, 'primary'),
        button('Compile a model…', COMPILE.choose),
      ),
      context(
        `Every command has its own help: ${code(`${prefix}${commands[0]?.name ?? 'logs'} help`)}. In threads, where commands do not work, mention me instead.`,
      ),
    ],
  };
}

/** What `/signalbox` itself takes. */
export function signalboxUsage(command: string): Block[] {
  const lines: readonly (readonly [string, string])[] = [
    ['watch <job>', 'the end of a running job’s log, in a message that follows it'],
    ['alerts', 'the open alerts'],
    ['oncall', 'who is on call now, and who is next'],
    ['subscribe <use case> [events] [name:pattern] [failures-only]', 'post these events in this channel'],
    ['unsubscribe <use case>', 'stop posting them'],
    ['subscriptions', 'what is posted in this channel'],
    ['settings', 'all of this in one form, with quiet hours and the daily digest'],
    ['help', 'this text'],
  ];
  return [
    section(lines.map(([usage, what]) => `• ${code(`${command} ${usage}`)} ${what}`).join('\n')),
    context(
      'Events: training, compilation, component, deployment, model, endpoint, alarm, stuck. With none named, all of them.',
    ),
  ];
}

export interface HomeFacts {
  commands: readonly KnownCommand[];
  /** What slash commands begin with here: `/`, or `/ml-`. */
  slash: string;
  /** Those that the person may read, and what else they may do there. */
  useCases: readonly { useCase: UseCase; rights: readonly Permission[] }[];
  /** What trains or compiles now in these use cases, newest first; and how many there are. */
  running: { rows: readonly JobRow[]; total: number };
  /** Jobs that the person had compiled, newest first; and how many there are. */
  mine: { rows: readonly JobRow[]; total: number };
  /** Open alerts in these use cases, newest first; and how many there are. */
  alerts: { rows: readonly AlertRow[]; total: number };
  /** What the channels of these use cases hear of, and the person's own subscriptions elsewhere. */
  subscriptions: readonly Subscription[];
  /** Their own downloads, newest first. */
  downloads: readonly AuditRecord[];
  /** Whom to ask for a right, safe mrkdwn. */
  admins: string;
}

const DOWNLOADS_SHOWN = 10;
const USE_CASES_SHOWN = 15;
/** Rows of running jobs, and of the person's own. */
export const HOME_JOBS = 8;
/** Rows of open alerts. */
export const HOME_ALERTS = 5;
const SUBSCRIPTIONS_SHOWN = 10;

const RIGHTS: Readonly<Partial<Record<Permission, string>>> = {
  'jobs:read': 'see jobs',
  'logs:read': 'read logs',
  'compile:start': 'compile',
  'artifacts:read': 'download artifacts',
  'components:publish': 'package components',
  'train:start': 'start training',
  'train:stop': 'stop training',
  'alerts:handle': 'handle alerts',
  'subscriptions:manage': 'manage subscriptions',
};

export function homeView(facts: HomeFacts): Home {
  const { useCases, downloads } = facts;
  const blocks: Block[] = [
    header('Signalbox'),
    section('From training log to compiled component on a device, in the channel where your team talks.'),
    ...(useCases.length > 0
      ? actions(
          button('Get logs…', LOGS.choose, undefined, 'primary'),
          useCases.some(({ useCase }) => useCase.compile !== undefined)
            ? button('Compile a model…', COMPILE.choose)
            : undefined,
        )
      : []),
    ...(useCases.length > 0
      ? [
          ...alertsPart(facts),
          ...jobsPart(facts, 'Running now', facts.running, 'Nothing is training or compiling at the moment.'),
          ...jobsPart(
            facts,
            'My jobs',
            facts.mine,
            'None yet: jobs you have run again or compiled appear here.',
          ),
        ]
      : []),
    header('Your use cases'),
    ...(useCases.length > 0
      ? useCases.slice(0, USE_CASES_SHOWN).map(({ useCase, rights }) =>
          section(
            [
              `*${plain(useCase.name, 200)}* ${code(useCase.id)} ${useCase.channels
                .slice(0, 10)
                .map((channel) => `<#${channel}>`)
                .join(' ')}`,
              `You may ${rights.flatMap((right) => RIGHTS[right] ?? []).join(', ')}.`,
            ].join('\n'),
          ),
        )
      : [
          section(
            `You have no access to a use case yet. ${facts.admins === '' ? 'Ask whoever runs Signalbox for a role.' : `Ask ${facts.admins} for a role.`}`,
          ),
        ]),
    ...(useCases.length > USE_CASES_SHOWN ? [context(`… ${useCases.length - USE_CASES_SHOWN} more`)] : []),
    ...(useCases.length > 0 ? subscriptionsPart(facts) : []),
    header('Your latest downloads'),
    ...(downloads.length > 0
      ? downloads.slice(0, DOWNLOADS_SHOWN).map(downloadBlock)
      : [section('None yet.')]),
    header('Commands'),
    section(
      facts.commands
        .map(
          ({ name, description, usage }) =>
            `${code(`${facts.slash}${name} ${usage}`.trim())}\n${plain(description, 200)}`,
        )
        .join('\n'),
    ),
    context(
      'In a thread: mention me with `logs` and the job’s name. On any message: the shortcut *Get training logs*. Here: write to me in *Messages*.',
    ),
  ];
  return { type: 'home', blocks: blocks.slice(0, LIMITS.blocks.view) };
}

function alertsPart({ alerts: { rows, total }, slash }: HomeFacts): Block[] {
  const shown = rows.slice(0, HOME_ALERTS);
  return [
    header('Open alerts'),
    ...(shown.length === 0 ? [section('None.')] : shown.map(alertBlock)),
    ...(total > shown.length
      ? [context(`… ${group(total - shown.length)} more: ${code(`${slash}signalbox alerts`)}`)]
      : []),
  ];
}

function subscriptionsPart({ subscriptions, slash }: HomeFacts): Block[] {
  const shown = subscriptions.slice(0, SUBSCRIPTIONS_SHOWN);
  const left = subscriptions.length - shown.length;
  return [
    header('Subscriptions'),
    section(
      shown.length === 0
        ? `None yet. Add one with ${code(`${slash}signalbox subscribe`)} in a channel.`
        : shown.map((one) => `<#${one.channel}> ${subscriptionWords(one)}`).join('\n'),
    ),
    ...(left > 0 ? [context(`… ${left} more`)] : []),
  ];
}

function jobsPart(
  { slash }: HomeFacts,
  title: string,
  { rows, total }: { rows: readonly JobRow[]; total: number },
  none: string,
): Block[] {
  return [
    header(title),
    ...(rows.length === 0 ? [section(none)] : rows.slice(0, HOME_JOBS).map(jobBlock)),
    ...(total > rows.length
      ? [context(`… ${total - rows.length} more: type ${code(`${slash}jobs`)} in the use case’s channel`)]
      : []),
  ];
}

function jobBlock({ job, overall, useCase }: JobRow): Block {
  return section(
    [
      `${code(job.name)} · ${plain(useCase.name, 100)}`,
      [`${standingInList(job)}${onProvider(job.provider)}`, overallWords(overall), moment(job.createdAt)]
        .filter((part) => part !== '')
        .join(' · '),
    ].join('\n'),
    button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job: jobKey(job) })),
  );
}

/** With a button that asks for the same job again: the right is checked when it is clicked. */
function downloadBlock(record: AuditRecord): Block {
  const { events, bytes } = record.detail ?? {};
  const amount =
    typeof events !== 'number' || typeof bytes !== 'number'
      ? ''
      : events === 0
        ? 'nothing in the log that was asked for · '
        : `${group(events)} event${events === 1 ? '' : 's'} · ${size(bytes)} · `;
  const ofCompilation = record.detail?.kind === 'compilation';
  const again =
    record.useCase === undefined || record.subject === undefined || ofCompilation
      ? undefined
      : getLogsButton(record.useCase, record.subject);
  return section(
    `${ofCompilation ? 'Compile log of ' : ''}${code(record.subject ?? 'a job')}\n${amount}${moment(record.at)}`,
    again,
  );
}
