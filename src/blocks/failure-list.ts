/** What an alert's message has no room for: everything that failed, as a text file. */
import type { Alert, AlertSubject } from '../domain/alerts.ts';
import { maskSecrets } from '../domain/mask-secrets.ts';
import { group } from './text.ts';

export interface FailureList {
  name: string;
  title: string;
  /** Beside the file. */
  comment: string;
  text: string;
}

/** One line each, oldest first: when, what, and where the causes differ why. Secrets are masked. */
export function failureList(alert: Alert, useCase: { name: string }, at: number): FailureList {
  const { subjects, count, title, cause } = alert;
  const left = count - subjects.length;
  const head = [
    `${group(count)} failures: ${title} · ${useCase.name}`,
    ...(cause === '' ? [] : [`Reported of the first: ${oneLine(cause)}`]),
    `As of ${utc(at)}; times are UTC.`,
    ...(left > 0 ? [`${group(left)} more were counted and are not listed.`] : []),
  ];
  const text = `${[...head, '', ...subjects.map(lineOf)].map((line) => maskSecrets(line)).join('\n')}\n`;
  return {
    name: `alert-${utc(alert.openedAt).replace(/[^0-9TZ]/g, '')}.txt`,
    title: `All ${group(count)} failures`,
    comment: `All ${group(count)} failures of this alert.`,
    text,
  };
}

function lineOf({ at, name, cause, succeededAt }: AlertSubject): string {
  const good = succeededAt === undefined ? '' : `  (good again since ${utc(succeededAt)})`;
  return `${utc(at)}  ${oneLine(name)}${good}${cause === undefined || cause === '' ? '' : `  ${oneLine(cause)}`}`;
}

const oneLine = (words: string): string => words.replace(/\s+/g, ' ').trim();

const utc = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;
