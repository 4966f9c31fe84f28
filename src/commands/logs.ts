/** `/logs`: the complete log of a training job as a file. */
import { errorMessage } from '../blocks/errors.ts';
import {
  jobOption,
  LOGS,
  LOGS_FIELDS,
  LOGS_OPTIONS,
  type LogOrder,
  logsForm,
  logsNotRunning,
  logsUsage,
  logsWhichUseCase,
} from '../blocks/logs.ts';
import type { Option } from '../blocks/message.ts';
import { plain } from '../blocks/text.ts';
import { permittedUseCases } from '../domain/access.ts';
import { commandWords, joinWords } from '../domain/command-words.ts';
import { jobNameCandidates } from '../domain/job-names.ts';
import { asksForHelp, type LogQuery, parseLogQuery } from '../domain/log-query.ts';
import { belongsTo, type UseCase } from '../domain/use-cases.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { inTime } from '../ground/pause.ts';
import { chooseUseCase, type UseCaseAnswer } from '../operations/choose-use-case.ts';
import { findOwner } from '../operations/find-jobs.ts';
import type { Command, ShortcutMessage, SubmittedView, ViewAnswer } from './command.ts';
import type { Context } from './context.ts';
import { metadataFor } from './job-access.ts';
import { deliverLog } from './logs-delivery.ts';
import { refuse } from './refusals.ts';
import type { Services } from './services.ts';

const REFUSED = 'logs.refused';

/** Longer arguments would not fit into the buttons that repeat them. */
const ARGUMENTS_LIMIT = 1500;
/** Milliseconds for recognising a job in a message; the modal must open within 3 s of the click. */
const RECOGNISE_WITHIN = 1500;
/** Milliseconds for finding a job's name for the examples of the help. */
const HELP_WITHIN = 1000;

export function logsCommand(services: Services): Command {
  const choose = (context: Context, useCase?: string): Promise<UseCaseAnswer> =>
    chooseUseCase(
      {
        user: context.actor.user,
        permission: 'logs:read',
        id: useCase,
        channel: context.place.channel,
        isDirect: context.place.isDirect,
      },
      services.useCases,
      services.directory,
    );

  /** Everything that asks for a log comes through here, and its rights are checked here. */
  async function order(context: Context, asked: LogOrder): Promise<void> {
    if (asked.a.length > ARGUMENTS_LIMIT)
      throw new AppError(
        'invalid_input',
        `The arguments have ${asked.a.length} characters, and at most ${ARGUMENTS_LIMIT} are possible.`,
        { hint: 'Shorten what stands after --grep or --regex.' },
      );
    const words = commandWords(asked.a);
    if (asksForHelp(words))
      return context.reply.privately(
        logsUsage(context.invocation, await inTime(HELP_WITHIN, jobHere(context)).catch(() => undefined)),
      );
    const query = parseLogQuery(words, services.clock.now());
    const answer = await choose(context, query.useCase ?? asked.u);
    if (answer.kind === 'refused')
      return refuse(services, context, {
        useCase: answer.useCase,
        permission: 'logs:read',
        action: REFUSED,
        subject: query.job,
        typed: query.useCase,
      });
    if (answer.kind === 'no_use_case') return whichUseCase(context, asked.a, query, answer.open);
    await deliverLog(services, context, { query, words, useCases: answer.candidates });
  }

  /** A channel of no use case: offers those that are open; to whom none is, no job is looked for. */
  async function whichUseCase(
    context: Context,
    args: string,
    query: LogQuery,
    open: readonly UseCase[],
  ): Promise<void> {
    if (open.length === 0)
      return refuse(services, context, {
        useCase: undefined,
        permission: 'logs:read',
        action: REFUSED,
        subject: query.job,
      });
    await context.reply.privately(
      logsWhichUseCase(open.map((useCase) => ({ useCase, order: { u: useCase.id, a: args } }))),
    );
  }

  /** Those of this place, or all where it is none's, whose logs the person may read. */
  async function openHere(context: Context): Promise<readonly UseCase[]> {
    const answer = await choose(context);
    return answer.kind === 'chosen' ? answer.candidates : answer.kind === 'no_use_case' ? answer.open : [];
  }

  /** One of the jobs of this place, for the examples: the newest. */
  async function jobHere(context: Context): Promise<string | undefined> {
    const open = await openHere(context);
    const [newest] = await services.suggestions.suggest(context.actor, open, '', 1);
    return newest?.job.name;
  }

  async function openForm(context: Context, chosen?: Option): Promise<void> {
    await context.openModal(logsForm(metadataFor(context), chosen));
  }

  async function submitForm(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const [job = ''] = view.values[LOGS_FIELDS.job] ?? [];
    const space = job.indexOf(' ');
    const useCase = job.slice(0, space);
    const name = job.slice(space + 1);
    const fields = flagsOfForm(view);
    const errors: Record<string, string> = {};
    for (const [field, flags] of Object.entries(fields)) {
      try {
        parseLogQuery([name, ...flags], services.clock.now());
      } catch (error) {
        const { message, hint } = toAppError(error);
        errors[field] = `${message} ${hint ?? ''}`.trim();
      }
    }
    if (Object.keys(errors).length > 0) return { errors };
    const args = joinWords([name, ...Object.values(fields).flat()]);
    return { after: () => order(context, { u: useCase, a: args }) };
  }

  async function suggest(context: Context, typed: string): Promise<Option[]> {
    const open = await permittedUseCases(
      context.actor.user,
      'logs:read',
      services.useCases,
      services.directory,
    );
    const found = await services.suggestions.suggest(context.actor, open, typed, 100);
    return found.map(({ job, useCase }) => jobOption(job, useCase)).filter((option) => option !== undefined);
  }

  async function fromMessage(context: Context, message: ShortcutMessage): Promise<void> {
    const candidates = jobNameCandidates(`${message.text}\n${textIn(message.blocks)}`);
    const found = await inTime(RECOGNISE_WITHIN, recognise(context, candidates)).catch(() => undefined);
    if (found) await order(context, found);
    else await openForm(context);
  }

  /** The first of the names that is a job in a use case of this place. */
  async function recognise(context: Context, names: readonly string[]): Promise<LogOrder | undefined> {
    const open = names.length === 0 ? [] : await openHere(context);
    const known = await services.suggestions.suggest(context.actor, open, '', 100);
    for (const name of names) {
      const match = known.find(({ job }) => job.name === name);
      if (match) return { u: match.useCase.id, a: joinWords([name]) };
    }
    for (const name of names.slice(0, 3)) {
      const owner = await findOwner(services.gateway, context.actor, open, name);
      if (owner) return { u: owner.id, a: joinWords([name]) };
    }
    return undefined;
  }

  /** Where the person's own use cases show their downloads, the message loses its button. */
  async function notRunning(context: Context): Promise<void> {
    const { actor, place } = context;
    const here = services.useCases.filter((useCase) => belongsTo(place.channel, useCase));
    const own = await permittedUseCases(actor.user, 'logs:read', here, services.directory).catch(() => []);
    if (place.isDirect || own.length > 0) await context.reply.retire('This download is no longer running.');
    await context.reply.privately(logsNotRunning());
  }

  async function cancel(context: Context, id: string): Promise<void> {
    const ticket = await services.downloads.findAnywhere(id);
    const who = context.userName;
    if (!ticket) return notRunning(context);
    if (ticket.user !== context.actor.user) {
      const useCases = services.useCases.filter((useCase) => ticket.useCases.includes(useCase.id));
      const { user } = context.actor;
      const readable = await permittedUseCases(user, 'logs:read', useCases, services.directory);
      // Who may not even read it learns nothing of it, not even that it runs.
      if (useCases.length === 0 || readable.length < useCases.length) return notRunning(context);
      const managed = await permittedUseCases(user, 'subscriptions:manage', useCases, services.directory);
      if (managed.length < useCases.length)
        return context.reply.privately(
          errorMessage(
            new AppError(
              'permission_denied',
              'Only the person who asked for a download, or an admin of its use case, can cancel it.',
              ticket.userName === undefined ? {} : { hint: `It was asked for by ${ticket.userName}.` },
            ),
          ),
        );
    }
    await services.downloads.cancelAnywhere(id, who === undefined ? '' : `by ${plain(who, 80)}`);
  }

  return {
    name: 'logs',
    description: 'The complete log of a training job as a file',
    usage: '<job> [--last 2h] [--tail 500] [--grep text]',
    run: (context, text) => order(context, { a: text }),
    actions: {
      [LOGS.get]: (context, { value }) => order(context, readOrder(value)),
      [LOGS.retry]: async (context, { value }) => {
        const { userName } = context;
        await context.reply.retire(
          `Asked again${userName === undefined ? '' : ` by ${plain(userName, 80)}`}`,
        );
        await order(context, readOrder(value));
      },
      [LOGS.cancel]: (context, { value }) => cancel(context, value),
      [LOGS.choose]: (context) => openForm(context),
    },
    views: { [LOGS.form]: submitForm },
    options: { [LOGS.job]: suggest },
    shortcuts: { [LOGS.shortcut]: fromMessage },
  };
}

/** A button's value may be as old as its message: it is read like any input. */
function readOrder(value: string): LogOrder {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'object' && parsed !== null && 'a' in parsed && typeof parsed.a === 'string') {
      const useCase = 'u' in parsed && typeof parsed.u === 'string' ? { u: parsed.u } : {};
      return { a: parsed.a, ...useCase };
    }
  } catch (error) {
    throw oldButton(error);
  }
  throw oldButton(undefined);
}

const oldButton = (cause: unknown): AppError =>
  new AppError('invalid_input', 'This button is from another version of Signalbox.', {
    hint: 'Ask again with the command.',
    cause,
  });

function flagsOfForm(view: SubmittedView): Record<string, string[]> {
  const value = (field: string): string => view.values[field]?.[0]?.trim() ?? '';
  const options = view.values[LOGS_FIELDS.options] ?? [];
  const form = value(LOGS_FIELDS.form);
  const grep = value(LOGS_FIELDS.grep);
  return {
    [LOGS_FIELDS.job]: [],
    [LOGS_FIELDS.last]: value(LOGS_FIELDS.last) === '' ? [] : [`--last=${value(LOGS_FIELDS.last)}`],
    [LOGS_FIELDS.tail]: value(LOGS_FIELDS.tail) === '' ? [] : [`--tail=${value(LOGS_FIELDS.tail)}`],
    [LOGS_FIELDS.grep]:
      grep === '' ? [] : [`${options.includes(LOGS_OPTIONS.regex) ? '--regex' : '--grep'}=${grep}`],
    [LOGS_FIELDS.options]: options.includes(LOGS_OPTIONS.dm) ? ['--dm'] : [],
    [LOGS_FIELDS.form]: form === 'raw' || form === 'plain' ? [`--${form}`] : [],
  };
}

/** Every text in blocks, however deep. */
function textIn(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(textIn).join('\n');
  return typeof value === 'object' && value !== null ? textIn(Object.values(value)) : '';
}
