/**
 * Which names are metrics. A log is full of `name=number`; what counts is decided by the words of the name: a loss is a
 * metric wherever it stands, a learning rate only beside a step or a loss, a batch size never.
 */

export type NameKind =
  /** A metric on any line. */
  | 'strong'
  /** As `weak`, but it says by itself that a line's count of epochs is how far the training is. */
  | 'error'
  /** A metric on a line that names a step or an epoch, or has a strong one. */
  | 'weak'
  /** A metric on a line that names a step or an epoch, if it is written as one (`=`, a quoted key, a fraction). */
  | 'unknown'
  | 'denied'
  | 'step'
  /** A step if it is one of so many: `batch 3/100`. */
  | 'batch'
  | 'epoch'
  /** A step beside a loss or an error, and else how many there will be: `iterations: 100, training error: 0.3`. */
  | 'steps'
  | 'epochs';

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/));

/** Before a name they belong to it: `val loss`, `training's auc`, `learning rate`. */
export const QUALIFIERS = set(`
  train training val valid validation test eval evaluation dev avg avg. average mean total learning grad gradient lm log
  running smoothed best final policy value actor critic error current desired target max min
`);

/** On a line of such a phase, all names get the word: `valid 3/20 | loss=0.1` is not the training's loss. */
export const PHASES = set('val valid validation test eval evaluation dev');

const PHASE_WORDS = set('train training val valid validation test eval evaluation dev');

const STRONG = set(`
  loss losses acc accuracy auc auroc auprc rmse rmsle mae mse mape logloss mlogloss merror f1 fbeta recall iou miou dice ppl
  perplexity bleu rouge meteor wer cer ndcg mrr elbo nll psnr ssim fid reward score inertia r2 mcc kappa xent crossentropy
  bpc bpb deviance likelihood rew top1 top5 map50 map75 ap50 ap75
`);
const STRONG_ENDING = /(?:loss|accuracy|rmse|auc|logloss)$/;

const WEAK = set(`
  lr norm gnorm precision kl entropy map return
`);

const DENIED = set(`
  time times eta elapsed duration seconds secs sec s ms us min minutes hours remaining runtime timestamp ts date clock wall dur
  mem memory vram gpu gpus cpu gb mb kb gib mib bytes rank seed worker workers port pid uid gid tid version v num n id ids idx
  index line lineno file files path dir folder name batch bs size sizes len length count counts host node device cuda width
  height depth channels code exit status errno errors warnings warning retry attempt attempts level priority thread threads
  params parameters flops epochs steps iters iterations rounds images imgs samples examples tokens sentences rows columns
  patience layers heads hidden dim dims vocab instances leaves leaf tree trees progress percent every interval freq
  frequency weight weights fn func function coef coeff type smoothing clip limit threshold tolerance tol budget scale
  debug info world local year month day hour minute second free used available
`);

const EPOCHS = set('epoch ep');
const STEPS = set('step iter iteration iterate itr update round');
/** What is wanted, not what is. */
const WISHES = set('desired target max min');

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9@\u0080-\uffff]+/)
    .filter((word) => word !== '');
}

/** @returns the word without what numbers it: `acc@1`, `loss2` */
const stem = (word: string): string => word.replace(/@?\d+$/, '');

function isStrong(word: string): boolean {
  return STRONG.has(word) || STRONG.has(stem(word)) || STRONG_ENDING.test(word);
}

export function nameKind(name: string): NameKind {
  const words = wordsOf(name);
  const last = words.at(-1);
  if (last === undefined) return 'denied';
  const before = words.slice(0, -1);
  if (
    before.every((word) => PHASE_WORDS.has(word) || word === 'global' || word === 'current' || word === 'num')
  ) {
    if (EPOCHS.has(last)) return 'epoch';
    if (STEPS.has(last) || (last === 'updates' && before.length > 0)) return 'step';
    if (last === 'batch') return 'batch';
    if (last === 'epochs') return 'epochs';
    if (last === 'iterations' || last === 'iters' || last === 'steps') return 'steps';
  }
  if (DENIED.has(last) || WISHES.has(words[0]!)) return 'denied';
  if (words.some(isStrong)) return 'strong';
  if (words.some((word) => DENIED.has(word))) return 'denied';
  if (last === 'error' || last === 'err' || last === 'cost')
    return before.some((word) => PHASE_WORDS.has(word)) ? 'strong' : 'error';
  if (last === 'rate')
    return before.at(-1) === 'error' ? 'strong' : before.at(-1) === 'learning' ? 'weak' : 'unknown';
  return WEAK.has(last) || WEAK.has(stem(last)) ? 'weak' : 'unknown';
}
