/**
 * Rates that all instances keep together: Slack counts what a whole workspace's bot does, AWS what a whole account does.
 * An instance takes what it is about to use, several at once where several wait, and uses it at once.
 */

export interface Rate {
  perSecond: number;
  /** What may be taken at once after a rest; at least 1. */
  burst: number;
}

/**
 * As a service counts that looks at what came in the last so many milliseconds: all of it may come at once, and each comes
 * back by itself.
 */
export interface Window {
  most: number;
  /** Milliseconds. */
  within: number;
}

export interface Taken {
  /** From 0 to what was wanted. */
  taken: number;
  /** Milliseconds until there is another one; 0 when everything was there. */
  wait: number;
}

export interface Budgets {
  /**
   * All instances together never take more than `burst`, and `perSecond` for each second that passes; of a window never
   * more than `most` in any time of its length. By one clock, whatever those of the instances say.
   * @param name what it is of; all who take of it name the same rate
   * @param options.want a whole number; left out: 1
   * @param options.left what stays for those who are more important; may be a fraction
   * @throws AppError unavailable within two seconds: they cannot be asked. Nobody should wait longer for a budget
   *   than the service takes to refuse
   */
  take(name: string, rate: Rate | Window, options?: { want?: number; left?: number }): Promise<Taken>;
  /**
   * The service has refused: nobody takes any of it for this long. A longer hold stays.
   * @param ms milliseconds
   * @throws as `take`
   */
  hold(name: string, ms: number): Promise<void>;
}
