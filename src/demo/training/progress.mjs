/** A progress bar as tqdm draws it: one line that is written over, with what is left and the newest loss. */

const EIGHTHS = ' ▏▎▍▌▋▊▉';
const WIDTH = 20;

export const bold = (text) => `\u001b[1m${text}\u001b[0m`;
export const green = (text) => `\u001b[32m${text}\u001b[0m`;
export const yellow = (text) => `\u001b[33m${text}\u001b[0m`;
export const dim = (text) => `\u001b[2m${text}\u001b[0m`;

const clock = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  return `${String(Math.floor(whole / 60)).padStart(2, '0')}:${String(whole % 60).padStart(2, '0')}`;
};

export class Bar {
  constructor(title, total) {
    this.title = title;
    this.total = total;
    this.startedAt = performance.now();
  }

  /** @param facts such as `loss=0.512` */
  show(done, facts) {
    const share = done / this.total;
    const cells = share * WIDTH;
    const full = Math.floor(cells);
    const part = full < WIDTH ? EIGHTHS[Math.floor((cells - full) * 8)] : '';
    const bar = `${'█'.repeat(full)}${part}`.padEnd(WIDTH);
    const passed = (performance.now() - this.startedAt) / 1000;
    const rate = done / Math.max(passed, 0.001);
    const numbers = `${done}/${this.total} [${clock(passed)}<${clock((this.total - done) / rate)}, ${rate.toFixed(2)}it/s, ${facts}]`;
    process.stdout.write(
      `\r${this.title}: ${String(Math.round(share * 100)).padStart(3)}%|${green(bar)}| ${numbers}\u001b[K`,
    );
  }

  end() {
    process.stdout.write('\n');
  }
}

/** `--epochs 50 --lr 0.002` over what is usual. */
export function settings(usual) {
  const chosen = { ...usual };
  for (let at = 2; at + 1 < process.argv.length; at += 2) {
    const name = process.argv[at].replace(/^--/, '');
    if (!(name in usual))
      throw new Error(`There is no setting ${name}: there are ${Object.keys(usual).join(', ')}.`);
    chosen[name] = Number(process.argv[at + 1]);
  }
  return chosen;
}
