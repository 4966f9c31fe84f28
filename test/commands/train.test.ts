/** `/train`: its window, what it refuses, and that however often it is asked one run is started. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateBlocks, validateView } from '#sandbox/block-kit';
import type { TrainTemplate } from '../../src/domain/train-templates.ts';
import { AppError } from '../../src/ground/errors.ts';
import { BEN } from '../operations/simulated-account.ts';
import { PRESS, RESNET, trainHouse } from './train-house.ts';

const FILLED = { 'value.resnet.dataset': 'patches', 'name.resnet': 'run-1' };

describe('the window of /train', () => {
  it('opens at once, with typed fields, their defaults, the machines that the template allows and a name', async () => {
    const { train, views } = trainHouse();
    await train();
    expect(views).toHaveLength(2);
    const [, form] = views;
    expect(validateView(form!)).toEqual([]);
    expect(form!.submit?.text).toBe('Start');
    const text = JSON.stringify(form);
    for (const words of [
      'resnet (SageMaker)',
      'press (Local runner)',
      'ends after 1 h',
      '"initial_value":"30"',
    ])
      expect(text).toContain(words);
    expect(text).toContain('A whole number from 1 to 300. Empty: 30.');
    expect(text).toMatch(/"initial_value":"resnet-\d{4}-\d\d-\d\d-/);
    expect(text).toContain('ml.g5.2xlarge');
  });

  it('shows the fields of another template when that is chosen, or named at once', async () => {
    const { train, choose, last } = trainHouse();
    await train('SageMaker resnet');
    await choose('line-3 press');
    expect(last()).toContain('value.press.lr');
    expect(last()).not.toContain('value.resnet.epochs');
    await train('local');
    expect(last()).toContain('value.press.lr');
  });

  it.each([
    ['resnt', 'Did you mean resnet?'],
    ['local resnet', 'trains on SageMaker, not on the local runner'],
    ['runpod', 'has no template for RunPod'],
    ['push', 'cannot be started from here'],
    ['sagemaker resnet now', 'got 3 words'],
  ])('says what is wrong with /train %s', async (words, expected) => {
    const { train, last, views } = trainHouse();
    await train(words);
    expect(last()).toContain(expected);
    expect(validateView(views.at(-1)!)).toEqual([]);
  });

  it('says how an admin adds a template where there is none, and works with one', async () => {
    const none = trainHouse('none');
    await none.train();
    expect(none.last()).toContain('has no training templates yet');
    expect(none.last()).toContain('signalbox.yaml');
    const one = trainHouse([PRESS]);
    await one.train();
    expect(one.last()).toContain('value.press.lr');
  });

  it('where no window can open, names the templates instead', async () => {
    const { train, said, views } = trainHouse();
    await train('', undefined, '@signalbox train');
    expect(views).toEqual([]);
    expect(JSON.stringify(said)).toContain('@signalbox train local press');
    expect(validateBlocks(said[0]!.blocks, 'message')).toEqual([]);
  });
});

describe('[P5] starting a run from a template', () => {
  it('[S1] starts it, says at once how it stands, and keeps who did it under which session', async () => {
    const { account, audit, bot, last, submit, train } = trainHouse();
    await train();
    await submit({ ...FILLED, 'value.resnet.epochs': '5', 'machine.resnet': 'ml.g5.2xlarge' });
    expect(account.deployed).toMatchObject([
      {
        ...{ kind: 'template', name: 'run-1', machine: 'ml.g5.2xlarge' },
        values: { epochs: '5', backbone: 'resnet18', dataset: 'patches' },
      },
    ]);
    for (const words of ['*Started* `run-1`', 'Training running', 'From the template `resnet`', 'train.stop'])
      expect(last()).toContain(words);
    expect(await audit()).toEqual(['training.started']);
    expect((await bot.store.listAudit({ limit: 1 }))[0]).toMatchObject({
      ...{ sessionName: 'train-U0ADA', subject: 'run-1' },
      detail: { template: 'resnet', provider: 'sagemaker', values: expect.stringContaining('epochs=5') },
    });
    expect(await bot.store.getJob('line-3', 'run-1')).toMatchObject({
      ...{ news: true, start: { template: 'resnet', byName: 'U0ADA' } },
    });
  });

  it('keeps the run under the name that its provider gives it, which may have an id of its own', async () => {
    const { account, bot, last, submit, train } = trainHouse();
    account.jobCalled = (name) => `${name}.7f3a`;
    await train();
    await submit(FILLED);
    expect(last()).toContain('*Started* `run-1.7f3a`');
    expect(await bot.store.getJob('line-3', 'run-1.7f3a')).toMatchObject({ start: { template: 'resnet' } });
    expect(await bot.store.getJob('line-3', 'run-1')).toBeUndefined();
    expect((await bot.store.listAudit({ limit: 1 }))[0]).toMatchObject({ subject: 'run-1.7f3a' });
  });

  it('starts one run for two clicks, and the same one when an answer was lost', async () => {
    const { account, audit, last, submit, submitted, train } = trainHouse();
    await train();
    const form = submitted(FILLED);
    account.fault = (point) =>
      point === 'deployed' ? new AppError('unavailable', 'No answer came.') : undefined;
    await submit({}, undefined, form);
    expect(last()).toContain('No answer came.');
    expect(last()).toContain('"initial_value":"patches"');
    account.fault = () => undefined;
    await Promise.all([submit(), submit({}, undefined, form)]);
    expect(account.deployed).toHaveLength(1);
    expect((await audit()).sort()).toEqual([
      'training.already_started',
      'training.not_started',
      'training.started',
    ]);
  });

  it('starts two runs of one name on two providers, which are two jobs', async () => {
    const { account, bot, choose, runner, submit, train } = trainHouse();
    await train();
    await submit(FILLED);
    await choose('line-3 press');
    await submit({ 'name.press': 'run-1' });
    expect(account.deployed).toHaveLength(1);
    expect(runner.orders).toHaveLength(1);
    expect(await bot.store.getJob('line-3', 'run-1')).toMatchObject({ job: { provider: 'sagemaker' } });
    expect(await bot.store.getJob('line-3', 'local:run-1')).toMatchObject({ job: { provider: 'local' } });
  });

  it('says at each field what is wrong, and starts nothing', async () => {
    const { account, submit, train } = trainHouse();
    await train();
    expect(
      await submit({
        ...{ 'value.resnet.epochs': '3.5', 'value.resnet.dataset': 'No Such', 'name.resnet': '-odd-' },
        'machine.resnet': 'ml.p5.48xlarge',
      }),
    ).toEqual({
      errors: {
        'value.resnet.epochs': 'Expected a whole number from 1 to 300.',
        'value.resnet.dataset': 'Expected text that matches [a-z-]{1,20} as a whole.',
        'name.resnet': expect.stringContaining('letters, digits and dashes'),
        'machine.resnet': 'The template allows ml.g5.xlarge, ml.g5.2xlarge.',
      },
    });
    expect(await submit({ 'name.resnet': 'x'.repeat(64) })).toMatchObject({
      errors: {
        'value.resnet.dataset': expect.any(String),
        'name.resnet': expect.stringContaining('1 to 63'),
      },
    });
    expect(account.deployed).toEqual([]);
  });

  it('shows the form again, with what was written, when the name is another run’s', async () => {
    const { account, last, submit, train } = trainHouse();
    account.train('run-1');
    await train();
    await submit({ ...FILLED, 'value.resnet.epochs': '7' });
    expect(last()).toContain('Another training job is called run-1');
    expect(last()).toContain('"initial_value":"7"');
  });

  it('says so at the field when the template was taken out meanwhile', async () => {
    const { account, own, submit, train } = trainHouse();
    await train();
    own!.templates.splice(0, 1);
    expect(await submit(FILLED)).toEqual({
      errors: { template: 'resnet is no longer a template of Line 3 defects. Choose another one.' },
    });
    expect(account.deployed).toEqual([]);
  });

  it('names the variable that a template waits for to an admin, and starts nothing', async () => {
    const waiting = {
      ...RESNET,
      sagemaker: {
        ...RESNET.sagemaker,
        environment: { KEY: { variable: 'LAB_KEY', read: () => undefined } },
      },
    } as TrainTemplate;
    const { account, audit, last, submit, train } = trainHouse([waiting]);
    await train();
    await submit(FILLED);
    expect(last()).toContain('The template resnet needs a variable that is not set.');
    expect(last()).toContain('LAB_KEY');
    expect(account.deployed).toEqual([]);
    expect(await audit()).toEqual(['training.not_started']);
  });

  it('while the runner is down, says so in the window, where another template can be chosen', async () => {
    const { choose, last, runner, train, views } = trainHouse([
      { name: 'press', provider: 'local', local: { template: 'press' }, parameters: {} },
      RESNET,
    ]);
    runner.outage = new AppError('unavailable', 'The local runner does not answer.');
    await train();
    expect(last()).toContain('The local runner does not answer.');
    expect(views.at(-1)!.submit).toBeUndefined();
    expect(validateView(views.at(-1)!)).toEqual([]);
    await choose('line-3 resnet');
    expect(last()).toContain('value.resnet.epochs');
  });

  it('is refused to who may not start training, at the command and at the submission, before anything is asked', async () => {
    const { access, account, audit, last, runner, submit, train } = trainHouse();
    await train('', BEN);
    expect(last()).toContain('You do not have permission to start training jobs');
    await train();
    access.admin = [];
    await submit({ ...FILLED, 'value.resnet.epochs': 'nonsense' });
    expect(last()).toContain('You do not have permission to start training jobs');
    expect(account.asked.filter((one) => one.startsWith('deploy'))).toEqual([]);
    expect(runner.orders).toEqual([]);
    expect(await audit()).toEqual(['training.refused', 'training.refused']);
  });

  it('takes a thousand parameters: most of them as lines, with their defaults', async () => {
    const parameters = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, n) => [`p${n}`, { type: 'number', default: String(n) } as const]),
    );
    const { runner, submit, train, views } = trainHouse([{ ...PRESS, parameters }]);
    await train();
    expect(validateView(views.at(-1)!)).toEqual([]);
    expect(JSON.stringify(views.at(-1))).toContain('941 more parameters');
    expect(await submit({ 'more.press': 'p999=x\nnonsense' })).toMatchObject({
      errors: { 'more.press': expect.stringContaining('expected') },
    });
    await submit({ 'more.press': 'p999=7', 'value.press.p0': '3', 'name.press': 'many' });
    const [order] = runner.orders;
    expect(order).toMatchObject({ values: { p0: '3', p58: '58', p500: '500', p999: '7' } });
    expect(Object.keys((order as { values: object }).values)).toHaveLength(1_000);
  });

  it('has a valid window whatever a template is like', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 });
    const parameter = fc.oneof(
      fc.record({
        type: fc.constant('text' as const),
        pattern: fc.constant('.*'),
        default: fc.option(text, { nil: undefined }),
      }),
      fc.record({
        type: fc.constantFrom('number' as const, 'integer' as const),
        min: fc.integer(),
        default: fc.constant('5'),
      }),
      fc.record({
        type: fc.constant('choice' as const),
        values: fc.uniqueArray(text, { minLength: 1, maxLength: 130 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/), parameter, { maxKeys: 70 }),
        text,
        async (parameters, description) => {
          const { train, views } = trainHouse([{ ...PRESS, description, parameters } as TrainTemplate]);
          await train();
          expect(validateView(views.at(-1)!)).toEqual([]);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('[P5] running a job of the runner again', () => {
  it('keeps a thousand parameters, of which those that fit are shown', async () => {
    const { action, last, runner, submitAgain, views } = trainHouse();
    const hyperparameters = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`p${n}`, String(n)]));
    runner.put('many', 'EXITED_0', { createdAt: 1, endedAt: 2, hyperparameters });
    await action('train.again', 'line-3 local:many');
    expect(validateView(views.at(-1)!)).toEqual([]);
    expect(last()).toContain('A new run of the same template on the runner');
    expect(last()).toContain('too long for a field of 3,000 characters');
    expect(last()).not.toContain('Instances');
    expect(await submitAgain({ name: '.odd' })).toMatchObject({
      errors: { name: expect.stringContaining('dots, dashes and underscores') },
    });
    await submitAgain({ name: 'many_2.1' });
    expect(last()).toContain('*Started* `many_2.1`');
    expect(runner.orders).toMatchObject([{ kind: 'again', again: 'many', hyperparameters }]);
  });
});

describe('[P5] stopping a run', () => {
  const running = () => {
    const house = trainHouse();
    house.account.train('going', { status: 'InProgress', secondaryStatus: 'Training' });
    return {
      ...house,
      stop: (job = 'going', actor?: typeof BEN) => house.action('train.stop', `line-3 ${job}`, actor),
    };
  };
  const asked = ({ asked: all }: { asked: readonly string[] }) =>
    all.filter((one) => one.startsWith('cancel'));

  it('asks its provider once, says so, and is on record', async () => {
    const { account, audit, bot, said, stop } = running();
    await stop('going', BEN);
    await stop('going', BEN);
    expect(asked(account)).toEqual(['cancel going']);
    expect(said[0]!.text).toContain('Stopping `going`');
    expect(said[1]!.text).toContain('is being stopped already');
    expect(await audit()).toEqual(['training.stopped']);
    expect((await bot.store.listAudit({ limit: 1 }))[0]).toMatchObject({
      sessionName: 'train-U0BEN',
      actor: BEN,
    });
    expect(await bot.store.getJob('line-3', 'going')).toMatchObject({ job: { state: 'stopping' } });
  });

  it('says when it has ended already, or is gone', async () => {
    const { account, said, stop } = running();
    account.train('going', { endedAt: account.now });
    await stop();
    expect(said[0]!.text).toContain('has ended already');
    expect(said[0]!.text).toContain('there is nothing to stop');
    account.jobs = [];
    await stop();
    expect(JSON.stringify(said[1])).toContain('There is no training job going any more.');
    expect(asked(account)).toEqual([]);
  });

  it('works on the runner, by its prefix', async () => {
    const { runner, said, stop } = running();
    runner.put('going', 'EXECUTING', { createdAt: 1 });
    await stop('local:going');
    expect(said[0]!.text).toContain('Stopping `going` on the local runner');
    expect((await runner.open().getStatus('going'))?.state).toBe('stopping');
  });

  it('is checked at the click: who has no right to stop, stops nothing', async () => {
    const { access, account, audit, said, stop } = running();
    access.admin = [];
    access.dataScientist = ['U0ADA'];
    await stop();
    expect(JSON.stringify(said)).toContain('You do not have permission to stop training jobs');
    expect(account.asked).toEqual([]);
    expect(await audit()).toEqual(['training.stop_refused']);
  });

  it('says what went wrong, and that is on record too', async () => {
    const { account, audit, said, stop } = running();
    account.fault = (point) =>
      point === 'cancel' ? new AppError('unavailable', 'AWS does not answer.') : undefined;
    await stop();
    expect(JSON.stringify(said)).toContain('AWS does not answer.');
    expect(await audit()).toEqual(['training.stop_failed']);
  });
});
