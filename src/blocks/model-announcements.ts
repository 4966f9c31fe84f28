/** Posts about model packages and endpoint deployments in channels that are subscribed. */
import type { EndpointDeploymentEvent, ModelPackageEvent } from '../domain/aws-events.ts';
import { inConsole, kindPageUrl } from '../domain/console-links.ts';
import { jobKey } from '../domain/job-keys.ts';
import type { Outcome } from '../domain/subscriptions.ts';
import { sageMakerNames, type UseCase } from '../domain/use-cases.ts';
import { announcement } from './announcements.ts';
import { COMPILE } from './compile-ids.ts';
import { writeRef } from './job-facts.ts';
import type { Message } from './message.ts';
import { actions, button, code, linkButton, onOneLine, plain } from './text.ts';

type Of = Pick<UseCase, 'id' | 'name' | 'aws' | 'providers'>;

const WORDS_SHOWN = 300;

/** `PendingManualApproval` as people read it: `pending manual approval`. */
const spoken = (word: string): string => plain(word.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase(), 60);

const SIGNS: Readonly<Partial<Record<Outcome, string>>> = { succeeded: '✅', failed: '❌', stopped: '⛔' };

export function modelPackageAnnouncement(event: ModelPackageEvent, useCase: Of, outcome: Outcome): Message {
  const { model, version, status, approval, approvalReason, stage, reason } = event;
  const made = status.toLowerCase() === 'completed';
  // Once it is there, what was decided about it is what counts.
  const sign = (made || outcome === 'failed' ? SIGNS[outcome] : undefined) ?? ':package:';
  const state = spoken(made ? (approval ?? status) : status);
  const line = `${sign} *Model package ${state}*: ${code(model, 200)}${version === undefined ? '' : ` version ${version}`} · ${plain(useCase.name, 100)}`;
  return announcement(line, [
    stage
      ? `Stage: ${plain(stage.name, 80)}${stage.status === undefined ? '' : ` (${spoken(stage.status)})`}${stage.description === undefined ? '' : ` · ${onOneLine(stage.description, WORDS_SHOWN)}`}`
      : '',
    approvalReason === undefined ? '' : `Why: ${onOneLine(approvalReason, WORDS_SHOWN)}`,
    reason === undefined ? '' : `Reported: ${onOneLine(reason, WORDS_SHOWN)}`,
  ]);
}

export function endpointDeploymentAnnouncement(
  event: EndpointDeploymentEvent,
  useCase: Of,
  outcome: Outcome,
): Message {
  const { endpoint, status, configuration, stage } = event;
  const line = `${SIGNS[outcome] ?? ':satellite:'} *Endpoint ${spoken(status)}*: ${code(endpoint, 200)} · ${plain(useCase.name, 100)}`;
  const more = [
    stage
      ? `${spoken(stage.name).replace(/^./, (first) => first.toUpperCase())}${stage.message === undefined ? '' : `: ${onOneLine(stage.message, WORDS_SHOWN)}`}`
      : '',
    configuration === undefined ? '' : `Configuration ${code(configuration, 150)}`,
  ];
  const shown = sageMakerNames(useCase).includes('endpoint');
  const ref = writeRef({ useCase: useCase.id, job: jobKey({ provider: 'endpoint', name: endpoint }) });
  return announcement(
    line,
    more,
    actions(
      shown ? button('Details', COMPILE.details, ref) : undefined,
      linkButton('Open in AWS', COMPILE.link, inConsole(useCase, endpointPage, endpoint)),
    ),
  );
}

const endpointPage = (region: string, name: string): string => kindPageUrl('endpoint', region, name) ?? '';
