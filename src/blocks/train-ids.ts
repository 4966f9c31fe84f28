/** The actions about training runs, wherever their buttons stand. */
export const TRAIN = {
  again: 'train.again',
  form: 'train.form',
  stop: 'train.stop',
  /** `/train`: its window, the template in it, and what opens it. */
  start: 'train.start',
  template: 'train.template',
  open: 'train.open',
} as const;
