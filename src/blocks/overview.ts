/** What Signalbox is and can do: the help, and the Home tab. */
import type { UseCase } from '../domain/use-cases.ts';
import type { AuditRecord } from '../ports.ts';
import { LIMITS } from './limits.ts';
import { getLogsButton, LOGS } from './logs.ts';
import type { Block, Home, Message } from './message.ts';
import { actions, button, code, context, group, header, moment, plain, section, size } from './text.ts';

export interface KnownCommand {
  name: string;
  description: string;
  usage: string;
}

/** @param prefix what stands before a command's name here: `/`, `@signalbox `, or nothing in a direct message */
export function overviewMessage(commands: readonly KnownCommand[], prefix: string): Message {
  const lines = commands.map(
    ({ name, description, usage }) =>
      `• ${code(`${prefix}${name} ${usage}`.trim())} ${plain(description, 200)}`,
  );
  return {
    text: `Signalbox brings a training job's log into Slack. Commands: ${commands.map(({ name }) => code(`${prefix}${name}`)).join(', ')}`,
    blocks: [
      section(
        [
          '*Signalbox* brings what a training job printed into the channel where its team talks.',
          ...lines,
        ].join('\n'),
      ),
      ...actions(button('Choose a job…', LOGS.choose, undefined, 'primary')),
      context(
        `Each command explains itself: ${code(`${prefix}${commands[0]?.name ?? 'logs'} help`)}. In threads, where commands do not work, mention me instead.`,
      ),
    ],
  };
}

export interface HomeFacts {
  commands: readonly KnownCommand[];
  /** Those that the person may read. */
  useCases: readonly UseCase[];
  /** Their own downloads, newest first. */
  downloads: readonly AuditRecord[];
  /** Whom to ask for a right, safe mrkdwn. */
  admins: string;
}

const DOWNLOADS_SHOWN = 10;
const USE_CASES_SHOWN = 20;

export function homeView(facts: HomeFacts): Home {
  const { useCases, downloads } = facts;
  const blocks: Block[] = [
    header('Signalbox'),
    section(
      'The complete log of a training job, as a file, where your team talks: running, completed, failed or stopped.',
    ),
    ...(useCases.length > 0 ? actions(button('Get training logs…', LOGS.choose, undefined, 'primary')) : []),
    header('Your use cases'),
    ...(useCases.length > 0
      ? useCases.slice(0, USE_CASES_SHOWN).map((useCase) =>
          section(
            `*${plain(useCase.name, 200)}* ${code(useCase.id)}\n${useCase.channels
              .slice(0, 10)
              .map((channel) => `<#${channel}>`)
              .join(' ')}`,
          ),
        )
      : [
          section(
            `None is open to you yet. ${facts.admins === '' ? 'Ask whoever runs Signalbox for a role.' : `Ask ${facts.admins} for a role.`}`,
          ),
        ]),
    ...(useCases.length > USE_CASES_SHOWN ? [context(`… ${useCases.length - USE_CASES_SHOWN} more`)] : []),
    header('Your latest downloads'),
    ...(downloads.length > 0
      ? downloads.slice(0, DOWNLOADS_SHOWN).map(downloadBlock)
      : [section('None yet.')]),
    header('What you can type'),
    section(
      facts.commands
        .map(
          ({ name, description, usage }) => `${code(`/${name} ${usage}`.trim())}\n${plain(description, 200)}`,
        )
        .join('\n'),
    ),
    context(
      'In a thread: mention me with `logs` and the job’s name. On any message: the shortcut *Get training logs*. Here: write to me in *Messages*.',
    ),
  ];
  return { type: 'home', blocks: blocks.slice(0, LIMITS.blocks.view) };
}

/** With a button that asks for the same job again: the right is checked when it is clicked. */
function downloadBlock(record: AuditRecord): Block {
  const { events, bytes } = record.detail ?? {};
  const amount =
    typeof events === 'number' && typeof bytes === 'number'
      ? `${group(events)} events · ${size(bytes)} · `
      : '';
  const again =
    record.useCase === undefined || record.subject === undefined
      ? undefined
      : getLogsButton(record.useCase, record.subject);
  return section(`${code(record.subject ?? 'a job')}\n${amount}${moment(record.at)}`, again);
}
