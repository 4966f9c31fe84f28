/** Posts in channels that are subscribed: one line on what happened to what, and the next thing to do. */

import type { InstalledComponentEvent } from '../domain/aws-events.ts';
import { type CompilationAttempt, isSuccessful } from '../domain/compilations.ts';
import { type Component, componentStateLabel } from '../domain/components.ts';
import { alarmUrl, componentUrl, coreDeviceUrl, inConsole } from '../domain/console-links.ts';
import { adviceForComponent, guidanceForTraining } from '../domain/failure-guidance.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { Rerun } from '../domain/job-records.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { onProvider, PROVIDERS } from '../domain/providers.ts';
import { trainingLabel } from '../domain/training-states.ts';
import { sageMakerNames, type UseCase } from '../domain/use-cases.ts';
import { ALERT, unconfirmedWords } from './alerts.ts';
import { COMPILE } from './compile-ids.ts';
import {
  changesWords,
  compilationAdvice,
  compileButton,
  guidanceLines,
  runAgainButton,
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
  linkButton,
  moment,
  onOneLine,
  plain,
  section,
} from './text.ts';

type Of = Pick<UseCase, 'id' | 'name' | 'aws' | 'providers'>;
type Compiling = Of & Pick<UseCase, 'compile'>;

const REASON_SHOWN = 300;
const NAMES_SHOWN = 8;

/** Names come from outside as well. */
const named = (name: string, limit = 300): string => code(name, limit);

/** On one line: what a service says over several is short all the same. */
const quoted = (words: string | undefined): string =>
  words === undefined || words.trim() === '' ? '' : `Reported: ${onOneLine(words, REASON_SHOWN)}`;

function inAws(url: string | undefined): Block[] {
  return actions(linkButton('Open in AWS', COMPILE.link, url));
}

/** @param line says it all; @param more what is empty is left out */
export function announcement(line: string, more: readonly string[], buttons: Block[] = []): Message {
  const lines = [line, ...more].filter((part) => part !== '');
  return { text: line, blocks: [section(lines.join('\n')), ...buttons] };
}

/** @param unconfirmed why SageMaker could not be asked whether it is so */
export function trainingAnnouncement(job: TrainingJob, useCase: Compiling, unconfirmed?: string): Message {
  const label = trainingLabel(job);
  const took =
    job.endedAt === undefined ? '' : ` after ${duration(job.endedAt - (job.startedAt ?? job.createdAt))}`;
  const advice = guidanceForTraining(job);
  const completed = job.state === 'completed';
  const ref = writeRef({ useCase: useCase.id, job: jobKey(job) });
  return announcement(
    `${label.symbol} *${PROVIDERS[job.provider].work} ${plain(label.word, 60)}*${onProvider(job.provider)}${took}: ${named(job.name)} · ${plain(useCase.name, 100)}`,
    [
      unconfirmed === undefined ? '' : unconfirmedWords(unconfirmed),
      ...(completed ? [] : [advice ? `*Cause:* ${plain(advice.cause, 300)}` : '', quoted(job.failureReason)]),
    ],
    actions(
      getLogsButton(useCase.id, jobKey(job)),
      completed ? compileButton(job, useCase.compile !== undefined) : runAgainButton(job),
      button('Details', COMPILE.details, ref),
    ),
  );
}

/** In the job card's thread: no end, and nothing to do. */
export function interruptionMessage(job: TrainingJob): Message {
  const advice = guidanceForTraining(job);
  return announcement(
    job.provider === 'sagemaker'
      ? `:zap: *Spot capacity was taken back*: ${named(job.name)} is waiting for more`
      : `:zap: *Its machine was taken back*: ${named(job.name)} is waiting for another one`,
    advice ? [guidanceLines(advice)] : [],
    [],
  );
}

/**
 * In the threads of the old job: a name, because a mention would ping them about their own act.
 * @param job the new one's key
 */
export function runAgainMessage(job: string, { byName, changes }: Rerun, useCase: Of): Message {
  return announcement(
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
  return announcement(
    `${symbol} *${good.length}/${attempts.length} compiled*: ${named(job)} · ${plain(useCase.name, 100)}`,
    [
      good.length > 0 ? `Compiled: ${targets(good)}` : '',
      bad.length > 0 ? `Not compiled: ${targets(bad)}` : '',
      advice
        ? `*Cause${bad.length > 1 ? ` at ${plain(bad[0]!.target, 60)}` : ''}:* ${plain(advice.cause, 300)}`
        : '',
    ],
    actions(button('Details', COMPILE.details, ref)),
  );
}

export function componentAnnouncement(component: Component, useCase: Of): Message {
  const { trainingJob, target, component: made } = component.chain;
  const label = componentStateLabel(component.state);
  const failed = component.state.toUpperCase() === 'FAILED';
  const advice = failed ? adviceForComponent(component.message, component.errors) : undefined;
  return announcement(
    `${label.symbol} *Component ${plain(label.word, 60)}*: ${named(`${made.name} ${made.version}`)} for ${plain(target, 60)} · ${plain(useCase.name, 100)}`,
    [
      advice ? `*Cause:* ${plain(advice.cause, 300)}` : '',
      failed ? quoted(component.message) : '',
      `Made from ${named(trainingJob)}`,
    ],
    actions(
      failed
        ? button(
            'Package again…',
            COMPILE.package,
            writeRef({ useCase: useCase.id, job: trainingJob, target }),
          )
        : undefined,
      button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job: trainingJob })),
      linkButton('Open in AWS', COMPILE.link, inConsole(useCase, componentUrl, made.name)),
    ),
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
  return announcement(
    `${sign} *Deployment ${plain(event.status.toLowerCase(), 60)}* on ${named(event.device, 150)} · ${plain(useCase.name, 100)}`,
    [quoted(event.reason), `Deployment ${named(event.deployment, 120)}`],
    inAws(inConsole(useCase, coreDeviceUrl, event.device)),
  );
}

export function installedAnnouncement(
  event: Pick<InstalledComponentEvent, 'device' | 'components' | 'reason'>,
  useCase: Of,
): Message {
  // The first that says something: of several that are broken it is mostly one that the others need.
  const details = event.components.find(({ details }) => details !== undefined)?.details;
  const shown = event.components
    .slice(0, NAMES_SHOWN)
    .map(
      ({ name, version, status }) =>
        `${named(version === undefined ? name : `${name} ${version}`, 150)} ${plain(status.toLowerCase(), 60)}`,
    );
  const left = event.components.length - shown.length;
  return announcement(
    `:satellite: *Components on ${named(event.device, 150)}* · ${plain(useCase.name, 100)}`,
    [`${shown.join(', ')}${left > 0 ? ` … ${left} more` : ''}`, quoted(details ?? event.reason)],
    inAws(inConsole(useCase, coreDeviceUrl, event.device)),
  );
}

/** State → how its announcement begins. */
const ALARMS: Readonly<Record<string, string>> = {
  ALARM: '🔔 *CloudWatch alarm*',
  OK: '✅ *Alarm OK* again',
  INSUFFICIENT_DATA: '❔ *Alarm without enough data*',
};

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
  const begins = Object.hasOwn(ALARMS, event.state)
    ? ALARMS[event.state]!
    : `❔ *Alarm ${plain(event.state.replaceAll('_', ' '), 60)}*`;
  const description = event.description?.trim() ? plain(event.description, REASON_SHOWN) : '';
  return announcement(
    `${begins}: ${named(event.alarm, 200)} · ${plain(useCase.name, 100)}`,
    [description, quoted(event.reason), `Since ${moment(event.at)}`],
    inAws(inConsole(useCase, alarmUrl, event.alarm)),
  );
}

/** A warning, not a failure: nobody knows yet. @param last when it printed last */
export function stuckAnnouncement(job: TrainingJob, last: number, now: number, useCase: Of): Message {
  return announcement(
    `:hourglass_flowing_sand: *No log line for ${duration(now - last)}*: ${named(job.name)} · ${plain(useCase.name, 100)}`,
    [`It is still running; its last line was printed ${moment(last)}.`],
    actions(
      getLogsButton(useCase.id, jobKey(job)),
      button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job: jobKey(job) })),
    ),
  );
}

// --- Digest ------------------------------------------------------------------------------------------

export interface DigestPart {
  useCase: Of & Partial<Pick<UseCase, 'compile' | 'components'>>;
  training: { completed: number; failed: number; stopped: number; running: number };
  compilations: { completed: number; failed: number; running: number };
  components: { deployable: number; failed: number };
  openAlerts: number;
  /** What failed, newest first. */
  failed: readonly string[];
}

export function digestMessage(parts: readonly DigestPart[], from: number, to: number): Message {
  const open = parts.filter(({ openAlerts }) => openAlerts > 0).map(({ useCase }) => useCase.id);
  return {
    text: `Signalbox digest: ${parts.map(({ useCase }) => plain(useCase.name, 80)).join(', ')}`,
    blocks: [
      header('Digest'),
      context(`${moment(from)} to ${moment(to)}`),
      ...parts.slice(0, 20).map((part) => section(digestWords(part))),
      ...(parts.length > 20 ? [context(`… ${parts.length - 20} more use cases`)] : []),
      ...actions(open.length > 0 ? button('Open alerts', ALERT.list, open.join(' ')) : undefined),
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
  /** What a use case does not do at all is not said to be none. */
  const ifAny = (settings: object | undefined, words: string): string[] =>
    settings === undefined && words.endsWith(': none') ? [] : [words];
  const shown = failed.slice(0, NAMES_SHOWN).map((name) => code(name, 120));
  return [
    `*${plain(useCase.name, 100)}*`,
    `${sageMakerNames(useCase).length > 1 ? 'Jobs' : 'Training'}: ${counted([
      [training.completed, 'completed'],
      [training.failed, 'failed'],
      [training.stopped, 'stopped'],
      [training.running, 'running now'],
    ])}`,
    ...ifAny(
      useCase.compile,
      `Compilations: ${counted([
        [compilations.completed, 'compiled'],
        [compilations.failed, 'failed'],
        [compilations.running, 'running now'],
      ])}`,
    ),
    ...ifAny(
      useCase.components,
      `Components: ${counted([
        [components.deployable, 'deployable'],
        [components.failed, 'failed'],
      ])}`,
    ),
    ...(shown.length > 0
      ? [
          `Failed: ${shown.join(', ')}${failed.length > shown.length ? ` … ${group(failed.length - shown.length)} more` : ''}`,
        ]
      : []),
    openAlerts > 0
      ? `:rotating_light: ${group(openAlerts)} open ${openAlerts === 1 ? 'alert' : 'alerts'}`
      : 'No open alerts.',
  ].join('\n');
}
