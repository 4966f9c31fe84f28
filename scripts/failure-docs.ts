/**
 * Writes into docs/failures.md, between its two marks, the failures that Signalbox knows, from the tables it looks
 * them up in. Run it when a table changes: `npx tsx scripts/failure-docs.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { COMPONENT_FAILURES } from '../src/domain/failure-table-component.ts';
import { NEO_FAILURES, NEO_STOPPED } from '../src/domain/failure-table-neo.ts';
import { TRAINING_FAILURES } from '../src/domain/failure-table-training.ts';
import {
  TRAINING_CLIENT,
  TRAINING_LOST,
  TRAINING_SCRIPT,
  TRAINING_STOP_UNEXPLAINED,
  TRAINING_STOPS,
  TRAINING_UNSEEN,
} from '../src/domain/failure-table-training-ends.ts';
import { TRAINING_SERVICE_FAILURES } from '../src/domain/failure-table-training-service.ts';
import { adviceAt, adviceOf, type FailureAdvice } from '../src/domain/failure-tables.ts';

export const FAILURE_DOCS = join(import.meta.dirname, '../docs/failures.md');
const BEGIN = '<!-- made by scripts/failure-docs.ts -->';
const END = '<!-- end -->';

/** @returns the docs with the tables as the code has them now */
export function withFailures(docs: string): string {
  const begin = docs.indexOf(BEGIN);
  const end = docs.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`docs/failures.md has no ${BEGIN} … ${END}`);
  return `${docs.slice(0, begin + BEGIN.length)}\n\n${tables()}\n${docs.slice(end)}`;
}

function tables(): string {
  return [
    table('Training on SageMaker: what it says', [...TRAINING_SERVICE_FAILURES, TRAINING_CLIENT]),
    table('Training on SageMaker: what the program says, or how it ended', [
      ...TRAINING_FAILURES,
      ...Object.values(TRAINING_LOST),
      TRAINING_SCRIPT,
    ]),
    table('Training on SageMaker: stopped, not failed', Object.values(TRAINING_STOPS)),
    table(
      'Training on another provider',
      [
        ...TRAINING_FAILURES,
        ...TRAINING_SERVICE_FAILURES,
        ...Object.values(TRAINING_LOST),
        ...[TRAINING_SCRIPT, TRAINING_UNSEEN, TRAINING_STOP_UNEXPLAINED],
        ...Object.values(TRAINING_STOPS),
      ].flatMap((row) => (row.elsewhere ? [adviceAt('local', adviceOf(row))] : [])),
    ),
    table('Compilations', [...NEO_FAILURES, NEO_STOPPED]),
    table('Components', COMPONENT_FAILURES),
  ].join('\n');
}

function table(title: string, rows: readonly FailureAdvice[]): string {
  const lines = rows.map((row) => {
    const { cause, fix, link } = adviceOf(row);
    const page = link ? ` [${link.title}](${link.url})` : '';
    return `| ${cell(cause)} | ${cell(fix)}${page} |`;
  });
  return [`### ${title}`, '', '| cause | what to do |', '|---|---|', ...lines, ''].join('\n');
}

const cell = (text: string): string => text.replaceAll('|', '\\|');

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(FAILURE_DOCS, withFailures(readFileSync(FAILURE_DOCS, 'utf8')));
