/** Posts in channels that are subscribed: one line on what happened to what, and the next thing to do. */
import { type CompilationAttempt, isSuccessful } from '../domain/compilations.ts';
import type { Component } from '../domain/components.ts';
import { componentUrl } from '../domain/console-links.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Rerun } from '../ports.ts';
import { COMPILE } from './compile-ids.ts';
import { componentWords } from './job-card.ts';
import {
  changesWords,
  compilationAdvice,
  guidanceLines,
  runAgainButton,
  trainingAdvice,
  trainingLabel,
  writeRef,
} from './job-facts.ts';
import { getLogsButton } from './logs.ts';
import type { Block, Message } from './message.ts';
import {
  actions,
  button,
  code,
  context,
  duration,
  group,
  header,
  link,
  moment,
  plain,
  section,
} from './text.ts';

type Of = Pick<UseCase, 'id' | 'name' | 'region'>;

const REASON_SHOWN = 300;
const NAMES_SHOWN = 8;

/** Names come from outside as well. */
const named = (name: string, limit = 300): string => code(maskSecrets(name), limit);

const quoted = (words: string | undefined): string =>
  words === undefined || words.trim() === '' ? '' : plain(maskSecrets(words), REASON_SHOWN);

function message(line: string, more: readonly string[], buttons: Block[]): Message {
  const lines = [line, ...more].filter((part) => part !== '');
  return { text: line, blocks: [section(lines.join('\n')), ...buttons] };
}

export function trainingAnnouncement(job: TrainingJob, useCase: Of): Message {
  const label = trainingLabel(job.status);
  const took =
    job.endedAt === undefined ? '' : ` after ${duration(job.endedAt - (job.startedAt ?? job.createdAt))}`;
  const advice = trainingAdvice(job);
  const completed = job.status.toLowerCase() === 'completed';
  const ref = writeRef({ useCase: useCase.id, job: job.name });
  return message(
    `${label.symbol} *Training ${plain(label.word, 60)}*${took}: ${named(job.name)} · ${plain(useCase.name, 100)}`,
    completed ? [] : [quoted(job.failureReason), advice ? plain(advice.cause, 300) : ''],
    actions(
      getLogsButton(useCase.id, job.name),
      completed ? button('Compile…', COMPILE.open, ref) : runAgainButton(job),
      button('Details', COMPILE.details, ref),
    ),
  );
}

/** In the job card's thread: no end, and nothing to do. */
export function interruptionMessage(job: TrainingJob): Message {
  const advice = trainingAdvice(job);
  return message(
    `:zap: *Spot capacity was taken back*: ${named(job.name)} waits for more`,
    advice ? [guidanceLines(advice)] : [],
    [],
  );
}

/** In the threads of the old job: a name, because a mention would ping them about their own act. */
export function runAgainMessage(job: string, { byName, changes }: Rerun, useCase: Of): Message {
  return message(
    `:repeat: *Run again* as ${named(job)} by ${plain(byName, 80)}`,
    [changesWords(changes)],
    actions(button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job }))),
  );
}

/** Once all compilations of a job have ended: the newest attempt of each target. */
export function compilationAnnouncement(
  job: string,
  attempts: readonly CompilationAttempt[],
  useCase: Of,
): Message {
  const good = attempts.filter(isSuccessful);
  const bad = attempts.filter((attempt) => !isSuccessful(attempt));
  const symbol = bad.length === 0 ? '✅' : good.length === 0 ? '❌' : '🌗';
  const ref = writeRef({ useCase: useCase.id, job });
  const targets = (list: readonly CompilationAttempt[]): string =>
    `${list
      .slice(0, NAMES_SHOWN)
      .map(({ target }) => plain(target, 60))
      .join(', ')}${list.length > NAMES_SHOWN ? ` … ${list.length - NAMES_SHOWN} more` : ''}`;
  const advice = bad[0] && compilationAdvice(bad[0]);
  return message(
    `${symbol} *${good.length}/${attempts.length} compiled*: ${named(job)} · ${plain(useCase.name, 100)}`,
    [
      good.length > 0 ? `Compiled: ${targets(good)}` : '',
      bad.length > 0 ? `Not compiled: ${targets(bad)}${advice ? `. ${plain(advice.cause, 300)}` : ''}` : '',
    ],
    actions(button('Details', COMPILE.details, ref)),
  );
}

export function componentAnnouncement(component: Component, useCase: Of): Message {
  const { trainingJob, target, component: made } = component.chain;
  return message(
    `${componentWords(component)} for ${plain(target, 60)} · ${plain(useCase.name, 100)}`,
    [
      quoted(component.message),
      `Made from ${named(trainingJob)}`,
      link(componentUrl(useCase.region, made.name), 'Open in AWS'),
    ],
    actions(button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job: trainingJob }))),
  );
}

const DEPLOYMENT_SIGNS: Readonly<Record<string, string>> = {
  SUCCEEDED: '✅',
  COMPLETED: '✅',
  FAILED: '❌',
  REJECTED: '❌',
  CANCELED: '⏹️',
};

export function deploymentAnnouncement(
  event: { deployment: string; device: string; status: string; reason?: string | undefined },
  useCase: Of,
): Message {
  const sign = Object.hasOwn(DEPLOYMENT_SIGNS, event.status) ? DEPLOYMENT_SIGNS[event.status]! : '❔';
  return message(
    `${sign} *Deployment ${plain(event.status.toLowerCase(), 60)}* on ${named(event.device, 150)} · ${plain(useCase.name, 100)}`,
    [quoted(event.reason), `Deployment ${named(event.deployment, 120)}`],
    [],
  );
}

export function installedAnnouncement(
  event: {
    device: string;
    components: readonly { name: string; version?: string | undefined; status: string }[];
    reason?: string | undefined;
  },
  useCase: Of,
): Message {
  const shown = event.components
    .slice(0, NAMES_SHOWN)
    .map(
      ({ name, version, status }) =>
        `${named(version === undefined ? name : `${name} ${version}`, 150)} ${plain(status.toLowerCase(), 60)}`,
    );
  const left = event.components.length - shown.length;
  return message(
    `:satellite: *Components on ${named(event.device, 150)}* · ${plain(useCase.name, 100)}`,
    [`${shown.join(', ')}${left > 0 ? ` … ${left} more` : ''}`, quoted(event.reason)],
    [],
  );
}

const ALARM_SIGNS: Readonly<Record<string, string>> = { ALARM: '🔔', OK: '✅', INSUFFICIENT_DATA: '❔' };

export function alarmAnnouncement(
  event: {
    alarm: string;
    state: string;
    reason?: string | undefined;
    description?: string | undefined;
    at: number;
  },
  useCase: Of,
): Message {
  const sign = Object.hasOwn(ALARM_SIGNS, event.state) ? ALARM_SIGNS[event.state]! : '❔';
  return message(
    `${sign} *Alarm ${plain(event.state.replaceAll('_', ' '), 60)}*: ${named(event.alarm, 200)} · ${plain(useCase.name, 100)}`,
    [quoted(event.description), quoted(event.reason), moment(event.at)],
    [],
  );
}

/** A warning, not a failure: nobody knows yet. @param last when it printed last */
export function stuckAnnouncement(job: TrainingJob, last: number, now: number, useCase: Of): Message {
  return message(
    `:hourglass_flowing_sand: *No log line for ${duration(now - last)}*: ${named(job.name)} · ${plain(useCase.name, 100)}`,
    [`It still runs and printed last ${moment(last)}.`],
    actions(
      getLogsButton(useCase.id, job.name),
      button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job: job.name })),
    ),
  );
}

// --- Digest ------------------------------------------------------------------------------------------

export interface DigestPart {
  useCase: Of;
  training: { completed: number; failed: number; stopped: number; running: number };
  compilations: { completed: number; failed: number; running: number };
  components: { deployable: number; failed: number };
  openAlerts: number;
  /** Names of what failed, newest first. */
  failed: readonly string[];
}

export function digestMessage(parts: readonly DigestPart[], from: number, to: number): Message {
  return {
    text: `Signalbox digest: ${parts.map(({ useCase }) => plain(useCase.name, 80)).join(', ')}`,
    blocks: [
      header('Digest'),
      context(`${moment(from)} to ${moment(to)}`),
      ...parts.slice(0, 20).map((part) => section(digestWords(part))),
      ...(parts.length > 20 ? [context(`… ${parts.length - 20} more use cases`)] : []),
    ],
  };
}

function digestWords({
  useCase,
  training,
  compilations,
  components,
  openAlerts,
  failed,
}: DigestPart): string {
  const counted = (parts: readonly [number, string][]): string =>
    parts
      .filter(([count]) => count > 0)
      .map(([count, word]) => `${group(count)} ${word}`)
      .join(', ') || 'none';
  const shown = failed.slice(0, NAMES_SHOWN).map((name) => code(maskSecrets(name), 120));
  return [
    `*${plain(useCase.name, 100)}*`,
    `Training: ${counted([
      [training.completed, 'completed'],
      [training.failed, 'failed'],
      [training.stopped, 'stopped'],
      [training.running, 'running now'],
    ])}`,
    `Compilations: ${counted([
      [compilations.completed, 'compiled'],
      [compilations.failed, 'not compiled'],
      [compilations.running, 'running now'],
    ])}`,
    `Components: ${counted([
      [components.deployable, 'deployable'],
      [components.failed, 'failed'],
    ])}`,
    ...(shown.length > 0
      ? [
          `Failed: ${shown.join(', ')}${failed.length > shown.length ? ` … ${group(failed.length - shown.length)} more` : ''}`,
        ]
      : []),
    openAlerts > 0
      ? `:rotating_light: ${group(openAlerts)} open ${openAlerts === 1 ? 'alert' : 'alerts'}: ${code('/signalbox alerts')}`
      : 'No open alerts.',
  ].join('\n');
}
