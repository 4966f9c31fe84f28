/** One use case that trains on SageMaker and on a runner, its templates, and people with and without rights. */
import { pino } from 'pino';
import type { Message, Modal } from '../../src/blocks/message.ts';
import type { Command, SubmittedView } from '../../src/commands/command.ts';
import type { Context } from '../../src/commands/context.ts';
import { jobsCommand } from '../../src/commands/jobs.ts';
import type { Services } from '../../src/commands/services.ts';
import { trainCommand } from '../../src/commands/train.ts';
import type { SageMakerTemplate, TrainTemplate } from '../../src/domain/train-templates.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { UseCaseGateway } from '../../src/ports/use-case-session.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';
import { ADA, Background, LINE_3, SimulatedAccount } from '../operations/simulated-account.ts';

export const RESNET: SageMakerTemplate = {
  ...{ name: 'resnet', description: 'ResNet on the press images', provider: 'sagemaker', maxTime: 3_600_000 },
  parameters: {
    epochs: { type: 'integer', min: 1, max: 300, default: '30' },
    backbone: { type: 'choice', values: ['resnet18', 'resnet50'], default: 'resnet18' },
    dataset: { type: 'text', pattern: '[a-z-]{1,20}' },
  },
  sagemaker: {
    image: '123456789012.dkr.ecr.eu-west-1.amazonaws.com/line-3/train:2.1',
    roleArn: 'arn:aws:iam::123456789012:role/Training',
    outputS3: 's3://line-3-models/training',
    inputs: { train: 's3://line-3-data/{dataset}' },
    instanceTypes: ['ml.g5.xlarge', 'ml.g5.2xlarge'],
    ...{ instanceCount: 1, volumeGb: 30, spot: false },
    ...{ hyperparameters: {}, environment: {}, metricDefinitions: [] },
  },
};

export const PRESS: TrainTemplate = {
  ...{ name: 'press', provider: 'local', local: { template: 'press' } },
  // A runner in memory takes what its template says; a real one says it itself.
  parameters: { lr: { type: 'number', min: 0, max: 1, default: '0.01' } },
};

export function trainHouse(templates: readonly TrainTemplate[] | 'none' = [RESNET, PRESS]) {
  const account = new SimulatedAccount();
  const runner = new MemoryRunner(LINE_3.id);
  const bot = new Background(account);
  const gateway: UseCaseGateway = {
    ...account.gateway,
    trainsOn: () => ['sagemaker', 'local'],
    open: async (...opening) => {
      const session = await account.gateway.open(...opening);
      return { ...session, providers: [...session.providers, runner.open()] };
    },
  };
  const access: { -readonly [role in keyof UseCase['access']]: UseCase['access'][role] } = {
    admin: ['U0ADA'],
    operator: ['U0BEN'],
  };
  const own = templates === 'none' ? undefined : { templates: [...templates] };
  const useCase = { ...LINE_3, access, ...(own ? { train: own } : {}) };
  const services = {
    ...bot.deps,
    gateway,
    store: { ...bot.deps.store, listSubscriptions: async () => [] },
    useCases: [useCase],
    admins: [],
    alerts: {
      unresolved: async () => [],
      beginRetry: async () => undefined,
      endRetry: async () => {},
      renameRetry: async () => {},
    },
    directory: { isInGroup: async () => false, isInChannel: async () => false },
  } as unknown as Services;
  const views: Modal[] = [];
  const said: Message[] = [];
  const view = {
    id: 'V1',
    update: async (shown: Modal) => {
      views.push(shown);
      return true;
    },
  };
  const context = (actor = ADA, invocation = '/train'): Context =>
    ({
      ...{
        actor,
        userName: actor.user,
        place: { isDirect: false, channel: 'C0LINE3' },
        invocation,
        slash: '/',
      },
      log: pino({ level: 'silent' }),
      reply: { privately: async (message: Message) => void said.push(message) },
      openModal: async (shown: Modal) => {
        views.push(shown);
        return view;
      },
      view,
    }) as unknown as Context;
  const commands: Command[] = [trainCommand(services), jobsCommand(services)];
  const action = (id: string, value: string, actor = ADA) =>
    commands.find(({ actions }) => actions?.[id])!.actions![id]!(context(actor), { id, value, block: '' });
  /** As the form would send it: what stands in its fields, changed. */
  const submitted = (changes: Readonly<Record<string, string>>, id = 'train.start'): SubmittedView => {
    const form = views.findLast(({ callback_id }) => callback_id === id)!;
    const values = Object.fromEntries(
      (form.blocks as { type: string; block_id?: string; element?: Record<string, unknown> }[])
        .filter(({ type }) => type === 'input')
        .map(({ block_id = '', element = {} }) => {
          const chosen = (element.initial_option as { value?: string } | undefined)?.value;
          const value = (element.initial_value as string | undefined) ?? chosen;
          return [block_id, value === undefined ? [] : [value]];
        }),
    );
    for (const [field, value] of Object.entries(changes)) values[field] = value === '' ? [] : [value];
    return { metadata: form.private_metadata ?? '', values };
  };
  return {
    ...{ account, runner, bot, own, access, views, said, action, submitted },
    async train(text = '', actor = ADA, invocation = '/train'): Promise<void> {
      try {
        await commands[0]!.run(context(actor, invocation), text);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        said.push({ text: `${error.message} ${error.hint ?? ''}`, blocks: [] });
      }
    },
    choose: (value: string, actor = ADA) => action('train.template', value, actor),
    async submit(changes: Readonly<Record<string, string>> = {}, actor = ADA, form = submitted(changes)) {
      const answer = await commands[0]!.views!['train.start']!(context(actor), form);
      if ('after' in answer) await answer.after();
      return answer;
    },
    async submitAgain(changes: Readonly<Record<string, string>>) {
      const answer = await commands[1]!.views!['train.form']!(context(), submitted(changes, 'train.form'));
      if ('after' in answer) await answer.after();
      return answer;
    },
    last: () => JSON.stringify(views.at(-1)),
    audit: async () => (await bot.store.listAudit({ limit: 100 })).map(({ action: what }) => what),
  };
}
