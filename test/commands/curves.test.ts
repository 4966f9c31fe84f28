/** Curves of runs that nothing in AWS knows: at their end, on request, and side by side. */
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryRunner } from '../fixtures/memory-provider.ts';
import { LAB, type Lab, MINUTE, openLab } from './lab.ts';

let lab: Lab;
let runner: MemoryRunner;
afterEach(() => lab.close());

async function open(auto?: boolean): Promise<void> {
  runner = new MemoryRunner('lab');
  lab = await openLab([runner], { ...LAB, metrics: { auto, patterns: [] } });
}

/** A run that prints a line for each epoch, and ends. */
async function run(
  name: string,
  lines: readonly string[],
  word: 'EXITED_0' | 'CRASHED' = 'EXITED_0',
): Promise<void> {
  const createdAt = lab.now();
  runner.put(name, 'EXECUTING', { createdAt, startedAt: createdAt });
  await lab.pass(MINUTE);
  for (const line of lines) runner.print(name, lab.now(), `${line}\n`);
  runner.put(name, word, { createdAt, endedAt: lab.now() });
  await lab.pass(MINUTE);
  await lab.pass(MINUTE);
}

const LOSSES = [
  'epoch 1/3 loss=0.9 val_loss=1.0',
  'epoch 2/3 loss=0.5 val_loss=0.7',
  'epoch 3/3 loss=0.4 val_loss=0.8',
];

describe('[W8] a run that has ended', () => {
  it('has its curves on its card and in its thread, without being asked', async () => {
    await open();
    await run('press-1', LOSSES);
    const said = lab.on('C0LAB');
    expect(said).toContain('Curves of `press-1`');
    expect(said).toContain('`val_loss` *0.8* at epoch 3 · best *0.7* at epoch 2');
    expect(said).toMatch(/Training job `press-1`.*data_visualization.*`loss` \*0\.4\* at epoch 3 · its best/);
    const record = await lab.store.getJob('lab', 'local:press-1');
    expect(record?.curves?.values.map(({ name }) => name)).toEqual(['loss', 'val_loss']);
    expect(lab.errors).toEqual([]);
  });

  it('has them also if it failed, with what was not a number counted', async () => {
    await open();
    await run('press-2', ['epoch 1 loss=0.9', 'epoch 2 loss=nan', 'epoch 3 loss=nan'], 'CRASHED');
    expect(lab.on('C0LAB')).toContain('`loss` *NaN* at epoch 3 · best *0.9* at epoch 1 · 2 of 3 not finite');
  });

  it('says nothing of curves where there are none, and is not read twice', async () => {
    await open();
    await run('press-3', ['hello', 'bye']);
    expect(lab.on('C0LAB')).not.toContain('Curves of `press-3`');
    expect((await lab.store.getJob('lab', 'local:press-3'))?.curves).toMatchObject({ values: [] });
  });

  it('has none by itself where the use case does not want them', async () => {
    await open(false);
    await run('press-4', LOSSES);
    expect(lab.on('C0LAB')).not.toContain('val_loss');
    expect((await lab.store.getJob('lab', 'local:press-4'))?.curves).toBeUndefined();
  });
});

describe('[W8] a run that goes on', () => {
  it('has its curves on request, from its details', async () => {
    await open(false);
    runner.put('press-5', 'EXECUTING', { createdAt: lab.now(), startedAt: lab.now() });
    await lab.pass(MINUTE);
    for (const line of LOSSES) runner.print('press-5', lab.now(), `${line}\n`);
    await lab.pass(MINUTE);
    await lab.type('jobs', 'press-5');
    await lab.click(/press-5/);
    const shown = await lab.click('Curves');
    expect(shown).toContain('epoch 3 of 3 · still running · asked for by ada');
    expect(shown).toContain('`loss` *0.4* at epoch 3 · its best');
  });
});

describe('[W8] runs side by side', () => {
  it('are ranked for each metric that they share', async () => {
    await open(false);
    await run('press-6', LOSSES);
    await run('press-7', ['epoch 1 loss=0.8', 'epoch 2 loss=0.3', 'epoch 3 loss=0.35']);
    await run('press-8', ['nothing of the kind']);
    const shown = await lab.submit('curves.compare_form', {
      runs: ['lab local:press-6', 'lab local:press-7', 'lab local:press-8'],
    });
    expect(shown).toContain('3 runs compared');
    expect(shown).toMatch(/"loss"\},\{"type":"raw_text","text":"press-7"\}.*"0\.3".*press-6.*"0\.4"/);
    expect(shown).not.toMatch(/raw_text","text":"val_loss/);
    expect(shown).toContain('No metrics found: `press-8`');
  });

  it('are two to six', async () => {
    await open(false);
    for (const runs of [[], ['lab local:a'], Array.from({ length: 7 }, (_, nth) => `lab local:a${nth}`)])
      expect(await lab.submit('curves.compare_form', { runs })).toContain('Choose two to 6 runs');
  });
});
