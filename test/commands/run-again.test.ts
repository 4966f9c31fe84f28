/** The window of Run again: rights at the click and at the submission, and where a failure is said. */
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Message, Modal } from '../../src/blocks/message.ts';
import type { SubmittedView } from '../../src/commands/command.ts';
import type { Context } from '../../src/commands/context.ts';
import { runAgainActions } from '../../src/commands/run-again.ts';
import type { Services } from '../../src/commands/services.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { ADA, Background, BEN, LINE_3, SimulatedAccount } from '../operations/simulated-account.ts';

const OLD = 'press-resnet-20260130';

function window() {
  const account = new SimulatedAccount();
  account.train(OLD, {
    status: 'Failed',
    hyperparameters: { 'batch-size': '8' },
    instanceType: 'ml.g5.2xlarge',
  });
  const bot = new Background(account);
  const access: { -readonly [role in keyof UseCase['access']]: UseCase['access'][role] } = {
    dataScientist: ['U0ADA'],
    operator: ['U0BEN'],
  };
  const services = {
    ...bot.deps,
    store: { ...bot.deps.store, listSubscriptions: async () => [] },
    useCases: [{ ...LINE_3, access }],
    admins: [],
    // No alert is about this job.
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
  const state = { closed: false };
  const view = {
    id: 'V1',
    update: async (shown: Modal) => {
      if (!state.closed) views.push(shown);
      return !state.closed;
    },
  };
  const context = (actor = ADA): Context =>
    ({
      ...{ actor, userName: actor.user, place: { isDirect: false, channel: 'C0LINE3' }, invocation: '' },
      log: pino({ level: 'silent' }),
      reply: { privately: async (message: Message) => void said.push(message) },
      openModal: async (shown: Modal) => {
        views.push(shown);
        return view;
      },
      view,
    }) as unknown as Context;
  const { actions, views: submissions } = runAgainActions(services);
  const values = (changes: Record<string, string>): SubmittedView['values'] =>
    Object.fromEntries(
      Object.entries({
        name: 'again',
        type: 'ml.g5.2xlarge',
        count: '1',
        hyperparameters: 'batch-size=4',
        ...changes,
      })
        .filter(([, value]) => value !== undefined)
        .map(([field, value]) => [field, [value]]),
    );
  return {
    ...{ account, bot, views, said, state, access },
    click: (actor = ADA) =>
      actions!['train.again']!(context(actor), { id: 'train.again', value: `line-3 ${OLD}`, block: '' }),
    submit: async (changes: Record<string, string> = {}, actor = ADA) => {
      const { private_metadata: metadata = '' } = views.findLast(
        ({ callback_id }) => callback_id === 'train.form',
      )!;
      const answer = await submissions!['train.form']!(context(actor), { metadata, values: values(changes) });
      if ('after' in answer) await answer.after();
      return answer;
    },
    last: () => JSON.stringify(views.at(-1)),
  };
}

describe('the window of Run again', () => {
  it('opens at once, and is filled with what the job had', async () => {
    const { click, views } = window();
    await click();
    expect(views).toHaveLength(2);
    expect(JSON.stringify(views[0])).toContain('Looking at');
    expect(JSON.stringify(views[1])).toContain('batch-size=8');
    expect(views[1]!.submit?.text).toBe('Start');
  });

  it('is refused at the click to who may not start training, an operator too', async () => {
    const { account, bot, click, last, said } = window();
    await click(BEN);
    expect(last()).toContain('Not allowed');
    expect(last()).toContain('You do not have permission to start training jobs');
    expect(said).toEqual([]);
    expect(account.asked).toEqual([]);
    expect((await bot.store.listAudit({ limit: 1 }))[0]).toMatchObject({
      action: 'training.refused',
      actor: BEN,
    });
  });

  it('is refused again at the submission, when the right is gone by then', async () => {
    const { access, account, bot, click, last, said, submit } = window();
    await click();
    access.dataScientist = [];
    await submit();
    expect(last()).toContain('Not allowed');
    expect(last()).toContain('You do not have permission to start training jobs');
    expect(said).toEqual([]);
    expect(account.deployed).toEqual([]);
    expect((await bot.store.listAudit({ limit: 1 }))[0]).toMatchObject({
      action: 'training.refused',
      actor: ADA,
    });
  });

  it('says problems at their fields before anything is asked', async () => {
    const { account, click, submit } = window();
    await click();
    const asked = account.asked.length;
    const many = Array.from({ length: 101 }, (_, index) => `k${index}=1`).join('\n');
    expect(await submit({ name: OLD, type: 'g5', count: '1.5', hyperparameters: 'x' })).toMatchObject({
      errors: {
        name: expect.stringContaining('old run'),
        type: expect.stringContaining('ml.g5.2xlarge'),
        count: expect.stringContaining('whole number'),
        hyperparameters: expect.stringContaining('Line 1'),
      },
    });
    expect(await submit({ hyperparameters: many })).toMatchObject({
      errors: { hyperparameters: expect.stringContaining('100') },
    });
    expect(account.asked).toHaveLength(asked);
  });

  it('comes back with what was written when nothing was started', async () => {
    const { account, click, last, submit } = window();
    await click();
    account.fault = (point) =>
      point === 'deploy' ? new AppError('rate_limited', 'The quota is used up.') : undefined;
    await submit({ name: 'mine', type: 'ml.p5.48xlarge', hyperparameters: 'batch-size=2' });
    for (const word of ['The quota is used up.', '"mine"', 'ml.p5.48xlarge', 'batch-size=2'])
      expect(last()).toContain(word);
    account.fault = () => undefined;
    await submit({ name: 'mine' });
    expect(last()).toContain('Started');
    expect(account.deployed.map(({ name }) => name)).toEqual(['mine']);
  });

  it('says it where people look when the window was closed meanwhile', async () => {
    const { account, click, state, submit } = window();
    await click();
    state.closed = true;
    account.fault = (point) =>
      point === 'deploy' ? new AppError('conflict', 'The name is taken.') : undefined;
    await expect(submit()).rejects.toMatchObject({ message: 'The name is taken.' });
  });

  it('says why a job cannot be run again instead of a form', async () => {
    const { account, click, last } = window();
    account.setup = { refusal: { reason: 'It is a trial of a search.', hint: 'Start the search again.' } };
    await click();
    expect(last()).toContain('It is a trial of a search.');
    expect(last()).not.toContain('"submit"');
  });
});
