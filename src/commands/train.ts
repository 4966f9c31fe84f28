/** `/train`: a training run, started from a template of the use case. */
import { messageView, waitingView } from '../blocks/details-views.ts';
import { lineProblems } from '../blocks/run-again.ts';
import { noTemplates, trainStarted, trainStarting, trainUsage } from '../blocks/train.ts';
import {
  inOneField,
  machineField,
  moreField,
  nameField,
  type TemplateRef,
  TRAIN_FIELDS,
  trainFailed,
  trainForm,
  valueField,
} from '../blocks/train-form.ts';
import { TRAIN } from '../blocks/train-ids.ts';
import { may, permittedUseCases } from '../domain/access.ts';
import { commandWords } from '../domain/command-words.ts';
import { readHyperparameters } from '../domain/hyperparameters.ts';
import { asksForHelp } from '../domain/log-query.ts';
import { PROVIDERS, TRAINER_NAMES } from '../domain/providers.ts';
import { choicesOf, readTemplateValues, type TrainTemplate } from '../domain/train-templates.ts';
import { rerunName, runNameProblem } from '../domain/training-names.ts';
import { belongsTo, type UseCase } from '../domain/use-cases.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import { inTime } from '../ground/pause.ts';
import {
  startFromTemplate,
  templateChoices,
  templateNamed,
  templatesOn,
} from '../operations/start-from-template.ts';
import type { TemplateChoices } from '../ports/training-provider.ts';
import type { ClickedAction, Command, SubmittedView, ViewAnswer } from './command.ts';
import type { Context, OpenView } from './context.ts';
import { canOpenModal, inView, refusedIn } from './in-view.ts';
import { metadataFor, openUseCases, permitted, readMetadata } from './job-access.ts';
import { isAdmin, type Services } from './services.ts';

const TITLE = 'Start a training';
const QUESTION = { permission: 'train:start', action: 'training.refused' } as const;
/** Milliseconds for what a runner takes, while Slack waits 3 s for an answer to a submission. */
const CHOICES_WITHIN = 1_800;

/** What is in the fields. */
interface Written {
  name: string;
  values: Readonly<Record<string, string>>;
  machine?: string | undefined;
  more: string;
}

type OwnTemplate = { useCase: UseCase; template: TrainTemplate };

export function trainCommand(services: Services): Command {
  async function run(context: Context, text: string): Promise<void> {
    const words = commandWords(text);
    const help = asksForHelp(words) && words.length > 0;
    if (!help && canOpenModal(context)) return open(context, words);
    const useCases = await openUseCases(services, context, QUESTION);
    if (useCases.length > 0) await context.reply.privately(trainUsage(context.invocation, refsOf(useCases)));
  }

  async function open(context: Context, words: readonly string[]): Promise<void> {
    // The window opens first: checking rights and asking a runner takes longer than its trigger is valid.
    const view = await context.openModal(
      waitingView(metadataFor(context), TITLE, 'Looking at the templates'),
    );
    await inView(services, context, view, words.join(' ') || 'A training', trainFailed, async () => {
      const useCases = await openUseCases(services, context, QUESTION, refusedIn(context, view));
      const [first] = useCases;
      if (!first) return;
      const templates = refsOf(useCases);
      if (templates.length === 0)
        return void (await view.update(messageView(metadataFor(context), TITLE, noTemplates(first))));
      await showForm(context, view, templates, chosenBy(words, useCases), services.clock.now());
    });
  }

  /** Another template was chosen in the form. */
  async function choose(context: Context, { value }: ClickedAction): Promise<void> {
    const view = context.view;
    if (!view || value === '') return;
    await inView(services, context, view, 'A training', trainFailed, async () => {
      const [id = '', name = ''] = value.split(' ');
      const useCase = await permitted(services, context, id, QUESTION, refusedIn(context, view));
      if (!useCase) return;
      const template = templateNamed(useCase, name);
      const others = await siblings(context, useCase);
      await showForm(context, view, refsOf(others), { useCase, template }, services.clock.now());
    });
  }

  /** Those whose templates the form showed too: only what the person may start, whatever place the window claims. */
  async function siblings({ actor, place }: Context, chosen: UseCase): Promise<readonly UseCase[]> {
    const { useCases, directory } = services;
    const mine = await permittedUseCases(actor.user, QUESTION.permission, useCases, directory);
    const here = mine.filter((one) => place.isDirect || one === chosen || belongsTo(place.channel, one));
    return here.length > 0 ? here : [chosen];
  }

  /** @param again what was submitted and why nothing came of it: to be corrected and submitted again */
  async function showForm(
    context: Context,
    view: OpenView,
    templates: readonly OwnTemplate[],
    chosen: OwnTemplate,
    askedAt: number,
    again?: { written: Written; error: AppError },
  ): Promise<boolean> {
    const { useCase, template } = chosen;
    let choices: TemplateChoices | undefined;
    let error = again?.error;
    try {
      choices = await choicesFor(context, chosen);
    } catch (thrown) {
      error ??= toAppError(thrown);
      context.log.info({ err: thrown, template: template.name }, 'a template cannot be shown');
    }
    const asAdmin = error?.adminHint !== undefined && (await isAdmin(services, context, useCase));
    return view.update(
      trainForm(metadataFor(context, { askedAt: String(askedAt) }), {
        ...{ templates, chosen, choices, error, asAdmin },
        name: again?.written.name ?? rerunName(template.name, askedAt),
        written: again?.written.values ?? {},
        machine: again?.written.machine,
        more: again?.written.more,
      }),
    );
  }

  const choicesFor = async (context: Context, { useCase, template }: OwnTemplate): Promise<TemplateChoices> =>
    choicesOf(template) ?? (await templateChoices(services, { actor: context.actor, useCase, template }));

  async function submit(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const askedAt = Number(readMetadata(view.metadata).askedAt);
    const [id = '', templateName = ''] = (view.values[TRAIN_FIELDS.template]?.[0] ?? '').split(' ');
    const useCase = services.useCases.find((one) => one.id === id);
    // Whoever may not start it learns nothing of it: the refusal follows.
    const isAllowed =
      useCase !== undefined &&
      (await may(context.actor.user, QUESTION.permission, useCase, services.directory).catch(() => false));
    const template = isAllowed
      ? useCase.train?.templates.find(({ name }) => name === templateName)
      : undefined;
    if (isAllowed && !template)
      return {
        errors: {
          [TRAIN_FIELDS.template]: `${templateName.slice(0, 63)} is no longer a template of ${useCase.name}. Choose another one.`,
        },
      };
    let written = writtenIn(view, templateName, undefined);
    if (isAllowed && template) {
      const asked = choicesFor(context, { useCase, template }).catch(() => undefined);
      const choices = await inTime(CHOICES_WITHIN, asked);
      written = writtenIn(view, templateName, choices);
      const errors = fieldErrors(view, template, choices, written);
      if (Object.keys(errors).length > 0) return { errors };
    }
    const opened = context.view!;
    const { name } = written;
    return {
      update: trainStarting(metadataFor(context), name),
      after: () =>
        inView(services, context, opened, name, trainFailed, () =>
          start(context, opened, { id, templateName, written, askedAt }),
        ),
    };
  }

  async function start(
    context: Context,
    opened: OpenView,
    {
      id,
      templateName,
      written,
      askedAt,
    }: { id: string; templateName: string; written: Written; askedAt: number },
  ): Promise<void> {
    const question = { ...QUESTION, subject: written.name };
    const useCase = await permitted(services, context, id, question, refusedIn(context, opened));
    if (!useCase) return;
    const { actor } = context;
    try {
      const report = await startFromTemplate(services, {
        ...{ actor, actorName: context.userName ?? actor.user, useCase, askedAt },
        ...{ template: templateName, name: written.name, machine: written.machine },
        written: { ...written.values, ...readHyperparameters(written.more).values },
      });
      const canStop = await may(actor.user, 'train:stop', useCase, services.directory).catch(() => false);
      await opened.update(trainStarted(metadataFor(context), { ...report, useCase, canStop }));
    } catch (thrown) {
      const error = toAppError(thrown);
      context.log.info({ ref: error.ref, err: error, template: templateName }, 'a training was not started');
      // With what was written, so that it can be corrected; at the same time, so that what was started after all is
      // known again.
      const template = useCase.train?.templates.find((one) => one.name === templateName);
      const templates = refsOf([useCase]);
      const shown =
        template &&
        (await showForm(context, opened, templates, { useCase, template }, askedAt, { written, error }).catch(
          () => false,
        ));
      if (!shown) throw error;
    }
  }

  return {
    name: 'train',
    description: 'Start a training run from a template',
    usage: '[provider] [template]',
    run,
    actions: { [TRAIN.open]: (context) => open(context, []), [TRAIN.template]: choose },
    views: { [TRAIN.start]: submit },
  };
}

const refsOf = (useCases: readonly UseCase[]): (OwnTemplate & TemplateRef)[] =>
  useCases.flatMap((useCase) => (useCase.train?.templates ?? []).map((template) => ({ useCase, template })));

/** @throws AppError for words that name no template */
function chosenBy(words: readonly string[], useCases: readonly UseCase[]): OwnTemplate {
  const [first = '', second, ...rest] = words;
  // A template may be called as one of SageMaker's kinds.
  const provider = TRAINER_NAMES.find((name) => name === first.toLowerCase());
  const wanted = provider ? second : first;
  const extra = provider ? rest : words.slice(1);
  if (extra.length > 0)
    throw new AppError(
      'invalid_input',
      `Expected a provider and a template, but got ${words.length} words.`,
      {
        hint: 'For example: /train sagemaker resnet. The window asks for the parameters.',
      },
    );
  if (provider === 'push')
    throw new AppError('invalid_input', `${PROVIDERS.push.label} runs cannot be started from here.`, {
      hint: 'They are started on their own machine: signalbox run --push …',
    });
  const withTemplates = useCases.filter(({ train }) => train !== undefined);
  const owner = withTemplates.find(({ train }) =>
    train?.templates.some(
      (one) => (provider === undefined || one.provider === provider) && (!wanted || one.name === wanted),
    ),
  );
  const useCase = owner ?? withTemplates[0]!;
  if (!wanted) return { useCase, template: templatesOn(useCase, provider)[0]! };
  const template = templateNamed(useCase, wanted);
  if (provider === undefined || template.provider === provider) return { useCase, template };
  throw new AppError(
    'not_found',
    `The template ${template.name} trains on ${PROVIDERS[template.provider].called}, not on ${PROVIDERS[provider].called}.`,
    { hint: `Ask for it with /train ${template.provider} ${template.name}.` },
  );
}

/** @param choices left out: every field of the template counts */
function writtenIn(view: SubmittedView, template: string, choices: TemplateChoices | undefined): Written {
  const value = (field: string): string => view.values[field]?.[0]?.trim() ?? '';
  const prefix = valueField(template, '');
  const names = choices
    ? Object.keys(choices.parameters)
    : Object.keys(view.values).flatMap((field) =>
        field.startsWith(prefix) ? [field.slice(prefix.length)] : [],
      );
  const written = names.map((name) => [name, value(valueField(template, name))] as const);
  const machine = value(machineField(template));
  return {
    name: value(nameField(template)),
    values: Object.fromEntries(written.filter(([, text]) => text !== '')),
    ...(machine === '' ? {} : { machine }),
    more: view.values[moreField(template)]?.[0] ?? '',
  };
}

function fieldErrors(
  view: SubmittedView,
  template: TrainTemplate,
  choices: TemplateChoices | undefined,
  written: Written,
): Record<string, string> {
  const errors: Record<string, string> = {};
  const nameWrong = runNameProblem(template.provider, written.name);
  if (nameWrong !== undefined) errors[nameField(template.name)] = nameWrong;
  const { values: lines, problems: badLines } = readHyperparameters(written.more);
  if (badLines.length > 0) errors[moreField(template.name)] = lineProblems(badLines);
  if (!choices) return errors;
  const { parameters, machines } = choices;
  const inLines = new Set(inOneField(Object.keys(parameters)));
  const { problems } = readTemplateValues(template, parameters, { ...written.values, ...lines });
  for (const [name, expected] of Object.entries(problems)) {
    const own = inLines.has(name) ? moreField(template.name) : valueField(template.name, name);
    // A field that the form does not have, since the template has changed meanwhile.
    const field = Object.hasOwn(view.values, own) ? own : nameField(template.name);
    const words =
      field === own && !inLines.has(name) ? `Expected ${expected}.` : `${name}: expected ${expected}.`;
    errors[field] = errors[field] === undefined ? words : `${errors[field]} ${words}`.slice(0, 600);
  }
  const strange = Object.keys(lines).find((name) => !inLines.has(name));
  if (strange !== undefined)
    errors[moreField(template.name)] = `There is no parameter ${strange.slice(0, 60)} here.`;
  if (written.machine !== undefined && !machines.includes(written.machine))
    errors[machineField(template.name)] = `The template allows ${machines.join(', ')}.`.slice(0, 600);
  return errors;
}
