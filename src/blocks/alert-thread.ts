/** What an alert's thread says: a further call, a retry that did not help, and the end. */

import type { Alert, AlertCall, AlertRetry } from '../domain/alerts.ts';
import {
  ALERT,
  alertNameOf,
  emptyLines,
  mentions,
  type Placed,
  RESOLVED_WORDS,
  retryLink,
  writeAlertRef,
} from './alerts.ts';
import { COMPILE } from './compile-ids.ts';
import { writeRef } from './job-facts.ts';
import { getLogsButton } from './logs.ts';
import type { Message } from './message.ts';
import { actions, button, duration, moment, plain, said, section } from './text.ts';

/** In the thread, when it did not help: nobody is called for what they started themselves, so it names nobody. */
export function retryEndedMessage(alert: Alert, retry: AlertRetry, useCase: Placed): Message {
  const line = `:warning: *The retry ${retry.ended?.how ?? 'ended'}*: ${retryLink(alert, retry, useCase)}`;
  const job = alert.kind === 'training' ? retry.as : retry.job;
  return {
    text: line,
    blocks: [
      section(line),
      ...actions(
        alert.kind === 'training' ? getLogsButton(useCase.id, job) : undefined,
        button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job })),
      ),
    ],
  };
}

/** One more call, in the alert's thread: it is what notifies them. */
export function callMessage(alert: Alert, call: AlertCall): Message {
  const whom = mentions(call.to);
  const what = `${plain(alert.title, 200)}: ${alertNameOf(alert.subjects[0]!)}`;
  const why = {
    opened: 'An alert',
    escalated: `Nobody has acknowledged this for ${duration(call.at - alert.openedAt)}`,
    woken: 'The snooze is over',
    passed: 'Passed to you',
  }[call.why];
  const line = `${whom === '' ? '' : `${whom} · `}${why}: ${what}`;
  return {
    text: line,
    blocks: [
      section([line, ...emptyLines(call)].join('\n')),
      ...actions(button('Acknowledge', ALERT.acknowledge, writeAlertRef(alert), 'primary')),
    ],
  };
}

/** In the thread, when it is over. Who ended it stands in the alert itself: named here, they would be pinged for it. */
export function resolvedMessage({ resolved }: Alert): Message {
  const line = `:white_check_mark: *${RESOLVED_WORDS[resolved?.why ?? 'closed']}*${resolved ? `, ${moment(resolved.at)}` : ''}`;
  return said(line);
}
