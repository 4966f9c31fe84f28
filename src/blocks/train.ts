/** `/train` before and after its form: its usage, what an admin has to do first, and the run that was started. */
import { jobKey } from '../domain/job-keys.ts';
import type { RunStart } from '../domain/job-records.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { onProvider, PROVIDERS } from '../domain/providers.ts';
import { standingOf, trainingLabel } from '../domain/training-states.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { COMPILE } from './compile-ids.ts';
import { machine, starter, writeRef } from './job-facts.ts';
import { getLogsButton } from './logs.ts';
import type { Message, Modal } from './message.ts';
import { stopTrainingButton } from './stop-training.ts';
import { actions, button, code, codeBlock, context, moment, plain, section } from './text.ts';
import { type TemplateRef, trainFrame } from './train-form.ts';
import { TRAIN } from './train-ids.ts';

const TEMPLATES_SHOWN = 20;

export function trainUsage(command: string, templates: readonly TemplateRef[]): Message {
  const lines = templates
    .slice(0, TEMPLATES_SHOWN)
    .map(
      ({ template }) =>
        `• ${code(`${command} ${template.provider} ${template.name}`)}${template.description ? ` ${plain(template.description, 200)}` : ''}`,
    );
  const more = templates.length - lines.length;
  return {
    text: `${command} starts a training run from a template.`,
    blocks: [
      section(
        [
          `*${code(`${command} [provider] [template]`)} starts a training run*`,
          'A window asks for the template’s parameters. The run gets a card in the channel, where it can be stopped.',
        ].join('\n'),
      ),
      ...(lines.length > 0
        ? [section(['*Templates*', ...lines, ...(more > 0 ? [`… ${more} more`] : [])].join('\n'))]
        : []),
      ...actions(button('Choose a template…', TRAIN.open, undefined, 'primary')),
    ],
  };
}

const EXAMPLE = `train:
  templates:
    - name: press
      provider: local
      local: { template: press }`;

/** There is nothing to start, and who can change that. */
export function noTemplates(useCase: Pick<UseCase, 'name'>): Message {
  return {
    text: `${plain(useCase.name, 80)} has no training templates yet.`,
    blocks: [
      section(
        [
          `*${plain(useCase.name, 80)} has no training templates yet*`,
          'An admin of Signalbox adds them to the use case in signalbox.yaml and starts the bot again; docs/configuration.md explains every key:',
        ].join('\n'),
      ),
      section(codeBlock(EXAMPLE)),
      context('A job that has ended can be run again without a template: *Run again…* on its card.'),
    ],
  };
}

export function trainStarting(metadata: string, name: string): Modal {
  return {
    ...trainFrame(metadata),
    blocks: [
      section(`:hourglass_flowing_sand: *Starting* ${code(name)}`),
      context('This takes a few seconds. You can close this window: the run gets a card in the channel.'),
    ],
  };
}

/** How it stands at once; its card goes on from here. */
export function trainStarted(
  metadata: string,
  facts: {
    useCase: Pick<UseCase, 'id' | 'channels'>;
    job: TrainingJob;
    start: RunStart;
    already: boolean;
    canStop: boolean;
  },
): Modal {
  const { useCase, job, start, already } = facts;
  const [channel] = useCase.channels;
  const what = `${code(job.name)}${onProvider(job.provider)}`;
  const standing = trainingLabel(job);
  const first = already
    ? `:information_source: ${what} *was started already*, and not a second time.`
    : `:white_check_mark: *Started* ${what}`;
  return {
    ...trainFrame(metadata),
    blocks: [
      section(
        [
          first,
          [`${standing.symbol} *Training ${plain(standing.word, 60)}*`, plain(standingOf(job)[1] ?? '', 60)]
            .filter((part) => part !== '')
            .join(' · '),
          `From the template ${code(start.template)} on ${PROVIDERS[job.provider].label}${machine(job) === '' ? '' : ` · ${machine(job)}`}`,
          ...(already ? [`${starter(start.by)} started it, ${moment(start.at)}.`] : []),
          ...(channel ? [`Its card is in <#${channel}>.`] : []),
        ].join('\n'),
      ),
      ...actions(
        button('Details', COMPILE.details, writeRef({ useCase: useCase.id, job: jobKey(job) })),
        getLogsButton(useCase.id, jobKey(job)),
        facts.canStop ? stopTrainingButton(job) : undefined,
      ),
      context(moment(start.at)),
    ],
  };
}
