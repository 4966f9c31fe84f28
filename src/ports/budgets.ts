/**
 * Rates that all instances keep together: Slack counts what a whole workspace's bot does, AWS what a whole account does.
 * An instance takes what it is about to use, several at once where several wait, and uses it at once.
 */

export interface Rate {
  perSecond: number;
  /** What may be taken at once after a rest; at least 1. */
  burst: number;
}

export interface Taken {
  /** From 0 to what was wanted. */
  taken: number;
  /** Milliseconds until there is another one; 0 when everything was there. */
  wait: number;
}

export interface Budgets {
  /**
   * All instances together never take more than `burst`, and `perSecond` for each second that passes. By one clock,
   * whatever those of the instances say.
   * @param name what it is of; all who take of it name the same rate
   * @param options.want a whole number; left out: 1
   * @param options.left what stays for those who are more important; may be a fraction
   */
  take(name: string, rate: Rate, options?: { want?: number; left?: number }): Promise<Taken>;
  /** The service has refused: nobody takes any of it for this long. A longer hold stays. @param ms milliseconds */
  hold(name: string, ms: number): Promise<void>;
}
