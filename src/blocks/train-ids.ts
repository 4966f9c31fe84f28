/** The actions about training runs, wherever their buttons stand. */
export const TRAIN = {
  again: 'train.again',
  form: 'train.form',
} as const;
