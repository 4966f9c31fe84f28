/** `signalbox logs`: the log engine without Slack. Only the file's path goes to standard output. */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createAwsAccounts } from '../aws/accounts.ts';
import { size } from '../blocks/text.ts';
import { loadConfig } from '../config.ts';
import { readJobKey, readJobWord } from '../domain/job-keys.ts';
import { isFinished } from '../domain/jobs.ts';
import { logFileName, writerOf } from '../domain/log-files.ts';
import { completeWords, goneWords, maskedWords } from '../domain/log-keeping.ts';
import type { LogQuery } from '../domain/log-order.ts';
import { parseLogQuery } from '../domain/log-query.ts';
import { utcSecond } from '../domain/log-times.ts';
import { notLookedAt, ONLY_TRAINING, PROVIDERS, type ProviderName } from '../domain/providers.ts';
import { trainingLabel } from '../domain/training-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';
import { grouped } from '../ground/numbers.ts';
import type { Clock } from '../ground/time.ts';
import { createLogEngine } from '../logs/index.ts';
import { findUseCase } from '../operations/choose-use-case.ts';
import { type DownloadOutcome, downloadLogs } from '../operations/download-logs.ts';
import { severalMeant } from '../operations/job-places.ts';
import { createUseCaseGateway } from '../providers/gateway.ts';
import { appendCommandLineAudit } from '../stores/audit-files.ts';
import type { LogsFlags } from './flags.ts';
import { type CliIo, line } from './io.ts';
import { openKeptRuns } from './kept-runs.ts';
import { localActor } from './local-actor.ts';
import { showProgress } from './progress.ts';

const clock: Clock = { now: () => Date.now() };

export async function logs(words: readonly string[], flags: LogsFlags, io: CliIo): Promise<undefined> {
  const now = clock.now();
  const query = parseLogQuery(words, now);
  if (query.dm)
    throw new AppError('invalid_input', '--dm is for Slack; on the command line the file is written here.', {
      hint: 'Use --out to say where.',
    });
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  const useCases = chosenUseCases(query, config.useCases);
  const toStdout = flags.out === '-';
  const out = toStdout ? undefined : await outputPath(query, flags, io.cwd, now);

  const { kept, close } = await openKeptRuns(config, clock);
  const progress = await showProgress(io, query.job);
  try {
    const actor = localActor();
    const engine = createLogEngine({ spoolDir: join(config.dataDir, 'spool') });
    const outcome = await downloadLogs(
      {
        gateway: createUseCaseGateway({
          clock,
          accounts: createAwsAccounts({ clock }),
          engine,
          ...(kept ? { kept } : {}),
        }),
        engine,
        // A running bot may hold the store, so the command line has its own audit file.
        store: { appendAudit: (record) => appendCommandLineAudit(config.dataDir, record) },
        clock,
      },
      {
        actor,
        by: `${actor.user} (command line)`,
        useCases,
        query,
        out,
        neverGzip: true,
      },
      { signal: io.signal, onProgress: progress.update },
    );
    progress.stop();
    const download = delivered(outcome, query);
    for (const note of [...missing(outcome, query), ...download.notes, ...outsideRange(outcome, query)])
      line(io.stderr, `note: ${note}`);
    if (toStdout) {
      for (const file of download.files)
        await pipeline(createReadStream(file.path), io.stdout, { end: false, signal: io.signal });
    } else {
      for (const file of download.files) line(io.stdout, file.path);
    }
    line(io.stderr, summary(outcome));
    for (const words of whyItFailed(outcome)) line(io.stderr, words);
    await download.dispose();
  } finally {
    progress.stop();
    await close();
  }
  return undefined;
}

/** Without --use-case, all of them; the one that has the job is found. */
function chosenUseCases(query: LogQuery, useCases: readonly UseCase[]): readonly [UseCase, ...UseCase[]] {
  if (query.useCase !== undefined) return [findUseCase(query.useCase, useCases)];
  const [first, ...others] = useCases;
  if (first) return [first, ...others];
  throw new AppError('invalid_input', 'The configuration has no use case.', {
    hint: 'Add one under `useCases`; signalbox.example.yaml shows how.',
  });
}

/** With --out, that file, replaced once finished. Otherwise the usual name, never replacing a file. */
async function outputPath(query: LogQuery, flags: LogsFlags, cwd: string, now: number): Promise<string> {
  const asked = readJobWord(query.job);
  const name = logFileName(asked.name, now, writerOf(asked.provider));
  const wanted = resolve(cwd, flags.out ?? name);
  const there = await kindOf(wanted);
  const path = there === 'folder' ? join(wanted, name) : wanted;
  if ((await kindOf(dirname(path))) !== 'folder')
    throw new AppError(
      'invalid_input',
      `The folder ${dirname(path)} does not exist; ${basename(path)} cannot go there.`,
      {
        hint: 'Make the folder first, or give another --out.',
      },
    );
  const named = flags.out !== undefined && there !== 'folder';
  if (!named && !flags.force && (await kindOf(path)) !== undefined)
    throw new AppError('conflict', `There is a file ${path} already.`, {
      hint: 'Give --force to replace it, or --out to write another one.',
    });
  return path;
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function delivered(outcome: DownloadOutcome, query: LogQuery) {
  if (outcome.kind === 'done') return outcome.download;
  if (outcome.kind === 'no_log')
    throw new AppError(
      'not_found',
      `No logs available yet for ${outcome.job.name} (${trainingLabel(outcome.job).word}).`,
      {
        hint: isFinished(outcome.job)
          ? (goneWords(outcome.loss) ??
            'It ended without printing anything, or its log is older than the log group keeps.')
          : `A job prints its first lines once its program has started${usually(outcome.job.provider)}. Try again then.`,
      },
    );
  if (outcome.kind === 'several_jobs') {
    const jobs = outcome.jobs.map(readJobKey);
    throw severalMeant(query.job, jobs);
  }
  const { nearest, useCases, thing, refused, trainingAlone } = outcome;
  const several = useCases.length > 1;
  const where = useCases.map(({ id }) => id).join(', ');
  const places = useCases.map(({ id, aws }) =>
    aws ? `${id}: account ${aws.account}, region ${aws.region}` : id,
  );
  throw new AppError(
    'not_found',
    `There is no ${thing} ${query.job} in the use case${several ? 's' : ''} ${where}.`,
    {
      hint: [
        nearest.length > 0
          ? `Did you mean one of these?\n${nearest
              .map(({ word, useCase }) => `  ${word}${several ? ` --use-case ${useCase.id}` : ''}`)
              .join('\n')}`
          : `No job has a similar name. These places were searched:\n${places.map((place) => `  ${place}`).join('\n')}`,
        ...(refused.length === 0 ? [] : [notLookedAt(refused)]),
        ...(trainingAlone ? [ONLY_TRAINING] : []),
      ].join('\n'),
    },
  );
}

const usually = (provider: ProviderName): string => {
  const { firstLine } = PROVIDERS[provider];
  return firstLine === undefined ? '' : `, ${firstLine}`;
};

function summary(outcome: DownloadOutcome): string {
  if (outcome.kind !== 'done') return '';
  const { facts } = outcome.download;
  const count = (value: number, noun: string) => `${grouped(value)} ${noun}${value === 1 ? '' : 's'}`;
  return `${count(facts.events, 'event')} of ${count(facts.streams.length, 'stream')}, ${size(facts.textBytes)}; session ${outcome.sessionName}`;
}

function missing(outcome: DownloadOutcome, { match, streams }: LogQuery): string[] {
  if (outcome.kind !== 'done') return [];
  const { loss, lastEventAt, download } = outcome;
  const isEmpty = download.facts.events === 0 && lastEventAt === undefined;
  const gone = isEmpty && match === undefined && streams.length === 0 ? goneWords(loss) : undefined;
  if (gone) return [gone];
  const [complete, masked] = [completeWords(loss, utcSecond), maskedWords(loss)];
  return [...(complete ? [`complete ${complete}`] : []), ...(masked ? [`masked ${masked}`] : [])];
}

/** Nothing in the requested time range: says when the log ended, and how to get the same amount of its end. */
function outsideRange(outcome: DownloadOutcome, { span }: LogQuery): string[] {
  const at = outcome.kind === 'done' ? outcome.lastEventAt : undefined;
  if (at === undefined) return [];
  const instead =
    span === undefined ? '' : `; for its last part use --since ${new Date(at - span).toISOString()}`;
  return [`nothing in that time: the log ends at ${utcSecond(at)}${instead}`];
}

/** If the job failed: what its card and alert say. */
function whyItFailed(outcome: DownloadOutcome): string[] {
  const { guidance, reason } = ('failure' in outcome ? outcome.failure : undefined) ?? {};
  if (!guidance) return [];
  const exception = guidance.traceback?.exception;
  return [
    `the training ${guidance.outcome}: ${guidance.cause}`,
    `  what to do: ${guidance.fix}`,
    ...(exception === undefined ? [] : [`  the exception: ${exception}`]),
    ...(reason === undefined || reason === '' ? [] : [`  reported: ${reason}`]),
  ];
}
