/**
 * Programs that nobody here wrote, captured beside what is used for it elsewhere: `script` for a terminal, a plain pipe.
 * What is not installed is skipped by name: apt-get install python3-tqdm python3-sklearn python3-xgboost git pv
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { captureRun } from '../../src/runs/capture.ts';
import { TerminalScreen } from '../../src/terminal/screen.ts';
import { readAll } from '../contract/run-log-store.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { xtermRows } from '../fixtures/xterm.ts';

const SIZE = { columns: 110, rows: 28 };
const PYTHON = '/usr/bin/python3';

/** Deterministic: bars that show no time and no rate, one thread, seeds. */
const PROGRAMS: readonly { name: string; there: string; script: string }[] = [
  {
    name: 'tqdm (Debian python3-tqdm): nested bars that move the cursor up and down',
    there: `${PYTHON} -c 'import tqdm'`,
    script: `${PYTHON} - <<'END'
from tqdm import tqdm
form = '{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {postfix}'
for epoch in tqdm(range(3), desc='épochs', bar_format=form, mininterval=0, miniters=1):
    bar = tqdm(range(40), desc=f'epoch {epoch}', bar_format=form, mininterval=0, miniters=1, leave=epoch != 1, colour='green')
    for step in bar:
        bar.set_postfix(loss=f'{1 / (1 + step):.3f}')
        if step == 20:
            tqdm.write(f'checkpoint {epoch}')
END`,
  },
  {
    name: 'XGBoost (Debian python3-xgboost): gradient boosting that evaluates each round',
    there: `${PYTHON} -c 'import xgboost'`,
    script: `${PYTHON} - <<'END'
import numpy, xgboost
numbers = numpy.random.RandomState(7)
rows = numbers.rand(400, 6)
data = xgboost.DMatrix(rows, label=(rows.sum(axis=1) > 3).astype(int))
xgboost.train({'objective': 'binary:logistic', 'eval_metric': ['logloss', 'auc'], 'nthread': 1, 'seed': 7}, data, 40,
              evals=[(data, 'train')], verbose_eval=1)
END`,
  },
  {
    name: 'scikit-learn (Debian python3-sklearn): a network that prints its loss, and a warning',
    there: `${PYTHON} -c 'import sklearn'`,
    script: `${PYTHON} -u - <<'END'
import numpy
from sklearn.neural_network import MLPClassifier
numbers = numpy.random.RandomState(7)
rows = numbers.rand(300, 5)
MLPClassifier((8,), max_iter=30, random_state=7, verbose=True).fit(rows, (rows.sum(axis=1) > 2.5).astype(int))
END`,
  },
  {
    name: 'cli-progress (npm): several bars that hide the cursor and are drawn over each other',
    there: 'node -e 0',
    script: `cat >bars.cjs <<'END'
const { MultiBar, Presets } = require(process.env.CLI_PROGRESS);
const bars = new MultiBar({ format: '{file} {bar} {value}/{total}', fps: 1e9, hideCursor: true, noTTYOutput: true, stream: process.stdout, clearOnComplete: false, synchronousUpdate: true, notTTYSchedule: 1e9 }, Presets.shades_classic);
const one = bars.create(30, 0, { file: 'train.csv ' }), two = bars.create(15, 0, { file: 'labels.csv' });
for (let n = 1; n <= 30; n++) { one.update(n); if (n % 2) two.increment(); bars.update(); }
bars.stop();
END
node bars.cjs`,
  },
  {
    name: 'git: colours, box drawing and progress where it is asked for',
    there: 'git --version',
    script: `export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE=2026-01-01T00:00:00Z GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@example.com GIT_PAGER=cat
rm -rf repository; git init -q -b main repository; cd repository
for n in 1 2 3; do echo $n >file$n; git add .; git commit -q -m "change $n"; done
git checkout -q -b side HEAD~1; echo side >side; git add .; git commit -q -m 'beside: naïve 模型'
git checkout -q main; git merge -q --no-edit side
git log --graph --oneline --decorate; git log --stat -p -1 HEAD~1; git status; git branch -v; git nonsense`,
  },
  {
    name: 'ls and grep (coreutils): columns for a terminal, one name a line for a pipe',
    there: 'ls --version',
    script: `mkdir -p many; cd many; for n in $(seq 1 60); do : >checkpoint-$n.pt; done; mkdir -p runs; chmod +x checkpoint-7.pt
ls --color=auto; ls -l --color=auto --time-style=+fixed | head -5; seq 1 40 | grep --color=auto 7`,
  },
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-real-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const env = {
  ...{
    PATH: process.env.PATH,
    HOME: '/nowhere',
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    PYTHONHASHSEED: '1',
  },
  CLI_PROGRESS: createRequire(import.meta.url).resolve('cli-progress'),
};

function isThere(check: string): boolean {
  try {
    execFileSync('sh', ['-c', check], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function captured(terminal: 'pty' | 'pipe'): Promise<Buffer> {
  const store = new MemoryRunLogs();
  const command = ['sh', 'program.sh'] as const;
  await captureRun({
    ...{ store, id: 'run', command: [...command], cwd: folder, env, terminal, size: SIZE },
    clock: { now: Date.now },
  });
  return (await readAll(store, 'run')).bytes;
}

/** Its input stays open: at its end `script` types an end of file into the terminal, which shows. */
function beside(command: readonly [string, ...string[]]): Promise<Buffer> {
  const [program, ...args] = command;
  const child = spawn(program, args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(Buffer.concat(chunks)));
  });
}

const hasScript = isThere('script --version | grep util-linux');

describe.each(PROGRAMS)('$name', ({ name, there, script }) => {
  const isInstalled = isThere(there);
  if (!isInstalled) console.warn(`skipped, not installed: ${name}`);

  it.skipIf(!isInstalled || !hasScript)('in a terminal: the bytes that script gets [P4]', async () => {
    await writeFile(join(folder, 'program.sh'), script);
    // A terminal of its own has no size there.
    const sized = `stty cols ${SIZE.columns} rows ${SIZE.rows}; exec sh program.sh </dev/null`;
    const theirs = await beside(['script', '-q', '-e', '-c', sized, '/dev/null']);
    const ours = await captured('pty');
    expect(ours.toString()).toBe(theirs.toString());
    expect(ours.equals(theirs)).toBe(true);
  });

  it.skipIf(!isInstalled)('through a pipe: the bytes of a plain pipe', async () => {
    await writeFile(join(folder, 'program.sh'), script);
    const theirs = await beside(['sh', '-c', 'sh program.sh 2>&1 </dev/null']);
    const ours = await captured('pipe');
    expect(ours.length).toBeGreaterThan(100);
    expect(ours.equals(theirs)).toBe(true);
  });

  it.skipIf(!isInstalled)('its plain text is what a terminal shows', async () => {
    await writeFile(join(folder, 'program.sh'), script);
    for (const way of ['pty', 'pipe'] as const) {
      const text = (await captured(way)).toString();
      const screen = new TerminalScreen(SIZE);
      screen.write(text);
      const plain = `${screen.takeFinal()}${screen.visible() ?? ''}`;
      const shown = await xtermRows(text, SIZE, '\n'.repeat(SIZE.rows - 1));
      expect(shown.length).toBeGreaterThan(1);
      expect(await xtermRows(plain, SIZE)).toEqual(shown);
    }
  });
});
