/** `/logs`: the complete log of a training job as a file. */

import { LIVE } from '../blocks/live.ts';
import { readOrder } from '../blocks/log-buttons.ts';
import { jobOption, LOGS, logsForm, logsUsage, logsWhichUseCase } from '../blocks/logs.ts';
import type { Option } from '../blocks/message.ts';
import { plain } from '../blocks/text.ts';
import { permittedUseCases } from '../domain/access.ts';
import { commandWords } from '../domain/command-words.ts';
import { jobKey, shortWord, wordOfJob } from '../domain/job-keys.ts';
import { type LogOrder, queryAt, wholeLog } from '../domain/log-order.ts';
import { asksForHelp, parseLogOrder } from '../domain/log-query.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import { inTime } from '../ground/pause.ts';
import { chooseUseCase, type UseCaseAnswer } from '../operations/choose-use-case.ts';
import { cancelDownload } from './cancel-download.ts';
import type { ClickedAction, Command, ShortcutMessage, SubmittedView, ViewAnswer } from './command.ts';
import type { Context } from './context.ts';
import { kindsHere, metadataFor } from './job-access.ts';
import { jobInMessage } from './job-in-message.ts';
import { deliverLog } from './logs-delivery.ts';
import { readLogsForm } from './logs-form.ts';
import { openLive } from './open-live.ts';
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

  async function run(context: Context, text: string): Promise<void> {
    if (text.length > ARGUMENTS_LIMIT)
      throw new AppError(
        'invalid_input',
        `The arguments have ${text.length} characters, and at most ${ARGUMENTS_LIMIT} are possible.`,
        { hint: 'Shorten the text after --grep or --regex.' },
      );
    const words = commandWords(text);
    if (asksForHelp(words)) {
      const open = openHere(context);
      const [job, kinds] = await Promise.all([
        inTime(HELP_WITHIN, newestOf(context, open)).catch(() => undefined),
        kindsHere(services, context),
      ]);
      return context.reply.privately(logsUsage(context.invocation, job, kinds));
    }
    const order = parseLogOrder(words);
    await get(context, order, { typed: order.useCase });
  }

  /** Every request for a log comes through here, where rights are checked. */
  async function get(context: Context, order: LogOrder, { typed }: { typed?: string | undefined } = {}) {
    const query = queryAt(order, services.clock.now());
    const refused = { permission: 'logs:read', action: REFUSED, subject: order.job } as const;
    const answer = await choose(context, order.useCase);
    switch (answer.kind) {
      case 'refused':
        return refuse(services, context, { ...refused, useCase: answer.useCase, typed });
      case 'no_use_case': {
        // Somebody with access to none must not learn from the answer whether the job exists.
        if (answer.open.length === 0) return refuse(services, context, { ...refused, useCase: undefined });
        const offered = answer.open.map((useCase) => ({ useCase, order: { ...order, useCase: useCase.id } }));
        return context.reply.privately(logsWhichUseCase(offered));
      }
      case 'chosen': {
        const { candidates } = answer;
        if (candidates.length > 1)
          return deliverLog(services, context, {
            order: { ...order, useCase: undefined },
            query,
            useCases: candidates,
          });
        const [useCase] = candidates;
        // A button names the provider too; people see it only if it is needed to tell jobs apart.
        const job = shortWord(order.job, services.gateway.trainsOn(useCase));
        return deliverLog(services, context, {
          order: { ...order, job, useCase: useCase.id },
          query: { ...query, job },
          useCases: candidates,
        });
      }
    }
  }

  async function getAgain(context: Context, { value }: ClickedAction): Promise<void> {
    const { userName } = context;
    // The file does not wait for the message's turn among all edits.
    const retired = context.reply.retire(
      `Asked again${userName === undefined ? '' : ` by ${plain(userName, 80)}`}`,
    );
    await Promise.all([retired, get(context, readOrder(value))]);
  }

  /** The use cases of this place whose logs the person may read; all such use cases if the place has none. */
  async function openHere(context: Context): Promise<readonly UseCase[]> {
    const answer = await choose(context);
    return answer.kind === 'chosen' ? answer.candidates : answer.kind === 'no_use_case' ? answer.open : [];
  }

  /** The newest job of these, for the examples. */
  async function newestOf(context: Context, open: Promise<readonly UseCase[]>): Promise<string | undefined> {
    const [newest] = await services.suggestions.suggest(context.actor, await open, '', 1);
    return newest && wordOfJob(jobKey(newest.job), services.gateway.trainsOn(newest.useCase));
  }

  async function openForm(context: Context): Promise<void> {
    await context.openModal(logsForm(metadataFor(context)));
  }

  async function submitForm(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const read = readLogsForm(view, services.clock.now());
    return 'errors' in read ? read : { after: () => get(context, read.order) };
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
    const recognised = jobInMessage(services, context.actor, message, () => openHere(context));
    const found = await inTime(RECOGNISE_WITHIN, recognised).catch(() => undefined);
    if (found) await get(context, wholeLog(found.job, found.useCase.id));
    else await openForm(context);
  }

  return {
    name: 'logs',
    description: 'The complete log of a training job as a file',
    usage: '<job> [--last 2h] [--tail 500] [--grep text]',
    run,
    actions: {
      [LOGS.get]: (context, { value }) => get(context, readOrder(value)),
      [LOGS.retry]: getAgain,
      [LOGS.cancel]: (context, { value }) => cancelDownload(services, context, value),
      [LOGS.enough]: (context, { value }) => cancelDownload(services, context, value, { enough: true }),
      [LOGS.choose]: openForm,
      [LIVE.open]: (context, action) => openLive(services, context, action),
    },
    views: { [LOGS.form]: submitForm },
    options: { [LOGS.job]: suggest },
    shortcuts: { [LOGS.shortcut]: fromMessage },
  };
}
