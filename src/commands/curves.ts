/**
 * Curves on request: of one run or of several side by side, as Slack's charts, as a picture, or as a table of values. The
 * log is read as for `/logs`: one message shows how far it is, and everybody who asks for the same shares it.
 */
import { anotherVersion } from '../blocks/another-version.ts';
import { COMPARE_FIELD, compareForm, comparisonCharts, comparisonMessage } from '../blocks/compare.ts';
import { CURVES, curvesMessage, noCurves, RUNS_COMPARED, readRefs, writeRefs } from '../blocks/curves.ts';
import type { JobRef } from '../blocks/job-facts.ts';
import { jobOption } from '../blocks/logs.ts';
import type { Message, Option } from '../blocks/message.ts';
import { button, code } from '../blocks/text.ts';
import { permittedUseCases } from '../domain/access.ts';
import { sharedMetrics } from '../domain/compare-runs.ts';
import { curvesCsv } from '../domain/curve-csv.ts';
import { summarise } from '../domain/curve-summary.ts';
import { nameOfJob } from '../domain/job-keys.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { toAppError } from '../ground/errors.ts';
import { inTemporaryFile } from '../ground/files.ts';
import { type CurveScale, picture, runPicture } from '../operations/curve-pictures.ts';
import type { Curves } from '../operations/read-curves.ts';
import type { CurvePicture } from '../ports/curve-pictures.ts';
import type { ClickedAction, Command, SubmittedView, ViewAnswer } from './command.ts';
import type { Context } from './context.ts';
import { metadataFor, permitted } from './job-access.ts';
import { deliverInMessage, type LogMessage } from './log-message.ts';
import type { Services } from './services.ts';

const REFUSED = 'curves.refused';
/** As much as a message has room for beside charts and notes. */
const MOST = { values: 14, charts: 2 };

/** What is wanted of them. */
type Form = 'show' | 'picture' | 'log' | 'csv';

interface Asked {
  services: Services;
  context: Context;
  message: LogMessage;
  form: Form;
  refs: readonly [JobRef, ...JobRef[]];
}

export function curvesActions(services: Services): Pick<Command, 'actions' | 'views' | 'options'> {
  const on =
    (form: Form) =>
    async (context: Context, { value }: ClickedAction): Promise<void> => {
      const refs = readRefs(value);
      if (!refs) throw anotherVersion();
      await deliver(services, context, form, refs);
    };

  async function suggest(context: Context, typed: string): Promise<Option[]> {
    const { user } = context.actor;
    const open = await permittedUseCases(user, 'logs:read', services.useCases, services.directory);
    const found = await services.suggestions.suggest(context.actor, open, typed, 100);
    return found.map(({ job, useCase }) => jobOption(job, useCase)).filter((option) => option !== undefined);
  }

  async function submit(context: Context, { values }: SubmittedView): Promise<ViewAnswer> {
    const chosen = [...new Set(values[COMPARE_FIELD] ?? [])];
    const refs = readRefs(chosen.join('\n'));
    if (!refs || refs.length < 2)
      return {
        errors: { [COMPARE_FIELD]: `Choose two to ${RUNS_COMPARED} runs; ${chosen.length} were chosen.` },
      };
    return { after: () => deliver(services, context, 'show', refs) };
  }

  return {
    actions: {
      [CURVES.show]: on('show'),
      [CURVES.of]: on('show'),
      [CURVES.picture]: on('picture'),
      [CURVES.log]: on('log'),
      [CURVES.csv]: on('csv'),
      [CURVES.compare]: async (context) => void (await context.openModal(compareForm(metadataFor(context)))),
    },
    views: { [CURVES.form]: submit },
    options: { [CURVES.job]: suggest },
  };
}

async function deliver(
  services: Services,
  context: Context,
  form: Form,
  refs: readonly [JobRef, ...JobRef[]],
): Promise<void> {
  const useCases: UseCase[] = [];
  for (const { useCase: id, job } of refs) {
    const question = { permission: 'logs:read', action: REFUSED, subject: job } as const;
    const useCase = await permitted(services, context, id, question);
    if (!useCase) return;
    useCases.push(useCase);
  }
  const [first, ...others] = [...new Set(useCases)] as [UseCase, ...UseCase[]];
  const value = writeRefs(refs);
  const name = refs.length === 1 ? nameOfJob(refs[0].job) : `${refs.length} runs`;
  await deliverInMessage(
    services,
    context,
    {
      name,
      useCases: [first, ...others],
      dm: false,
      sameAs: `curves ${form} ${value}`,
      again: (label) => button(label, CURVES[form], value),
    },
    async (message) => {
      message.show({ kind: 'opening' });
      const runs: Curves[] = [];
      const { signal, onProgress } = message.options;
      for (const [index, { job }] of refs.entries())
        runs.push(
          await services.curves.read(
            { actor: context.actor, useCase: useCases[index]!, job },
            { ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) },
          ),
        );
      await tell({ services, context, message, form, refs }, runs as [Curves, ...Curves[]]);
    },
  );
}

async function tell(asked: Asked, runs: readonly [Curves, ...Curves[]]): Promise<void> {
  const { context, message, form, refs } = asked;
  const useCases = runs.map(({ useCase }) => useCase);
  const [run] = runs;
  const alone = runs.length === 1;
  if (alone && run.series.length === 0)
    return message.become(useCases, noCurves({ ...run, useCase: run.useCase }));
  if (form === 'csv') return sendCsv(asked, runs);
  const shared = alone ? [] : sharedMetrics(runs.map(({ job, series }) => ({ name: job.name, series })));
  const summary = summarise(run.series, run.reported, MOST);
  const words = alone
    ? curvesMessage({ ...run, summary, reported: [...run.reported], by: context.userName })
    : comparisonMessage({
        runs: runs.map(({ job }, index) => ({ ref: refs[index]!, job })),
        shared,
        without: runs.filter(({ series }) => series.length === 0).map(({ job }) => job.name),
        cut: runs.filter(({ cut }) => cut).map(({ job }) => job.name),
        by: context.userName,
      });
  const scale: CurveScale = form === 'log' ? 'log' : 'auto';
  const drawing = alone
    ? runPicture({ title: run.job.name, subtitle: run.useCase.name }, run.series, scale)
    : picture(
        { title: `${runs.length} runs compared` },
        shared
          .map(({ series, ...metric }) => ({ ...metric, series: series.filter(({ count }) => count > 1) }))
          .filter(({ series }) => series.length > 0),
        scale,
      );
  const needed = form !== 'show' || (alone ? summary : comparisonCharts(shared)).needsPicture;
  if (needed && drawing && (await sendPicture(asked, useCases, drawing, words))) return;
  let refused = false;
  await message.become(useCases, {
    ...words,
    refused: () => {
      refused = true;
    },
  });
  // Slack shows no charts here: a picture follows.
  if (refused && drawing) await addPicture(asked, drawing, words.text);
}

/** The picture with all words in its message. @returns false: it could not be drawn, so the words have to do */
async function sendPicture(
  asked: Asked,
  useCases: readonly UseCase[],
  drawing: CurvePicture,
  words: Message,
): Promise<boolean> {
  const { services, context, message } = asked;
  let png: Buffer;
  try {
    png = await services.pictures.draw(drawing, message.options.signal);
  } catch (error) {
    message.options.signal?.throwIfAborted();
    if (asked.form !== 'show') throw error;
    context.log.warn({ err: toAppError(error) }, 'curves without their picture');
    return false;
  }
  const blocks = words.fallback ?? words.blocks ?? [];
  try {
    await inTemporaryFile(png, (file) =>
      message.send(useCases, [{ ...file, name: fileName(asked, 'png') }], { text: words.text, blocks }),
    );
  } catch (thrown) {
    const error = toAppError(thrown);
    message.options.signal?.throwIfAborted();
    // Slack takes no file here. If it may have taken it, that is said instead.
    if (asked.form !== 'show' || error.code === 'unavailable') throw error;
    context.log.warn({ err: error }, 'curves without their picture');
    return false;
  }
  return true;
}

/** Below a message that stands already; a failure is no loss of what it says. */
async function addPicture(asked: Asked, drawing: CurvePicture, comment: string): Promise<void> {
  const { services, context, message } = asked;
  try {
    const png = await services.pictures.draw(drawing);
    await inTemporaryFile(png, (file) => message.add([{ ...file, name: fileName(asked, 'png') }], comment));
  } catch (error) {
    context.log.warn({ err: toAppError(error) }, 'curves without their picture');
  }
}

async function sendCsv(asked: Asked, runs: readonly Curves[]): Promise<void> {
  const csv = Buffer.from(curvesCsv(runs.map(({ job, series }) => ({ name: job.name, series }))));
  const kept = runs.flatMap(({ series }) => series).filter(({ count, points }) => count > points.length);
  const words = `Values of the curves of ${runs.map(({ job }) => code(job.name, 100)).join(', ')}${
    kept.length > 0 ? '. Of long curves a part: first, last, lowest and highest value are in it' : ''
  }.`;
  await inTemporaryFile(csv, (file) =>
    asked.message.send(
      runs.map(({ useCase }) => useCase),
      [{ ...file, name: fileName(asked, 'csv') }],
      { text: words },
    ),
  );
}

function fileName({ refs, form }: Asked, extension: string): string {
  const name = refs
    .map(({ job }) => nameOfJob(job))
    .join('-vs-')
    .replace(/[^\w.-]+/g, '-')
    .slice(0, 120);
  return `curves-${name}${form === 'log' ? '-log' : ''}.${extension}`;
}
