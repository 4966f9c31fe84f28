/** The last thing a program said about why it ended, in one line, for people without the log at hand. */
import { cleanLines, isException, lastTraceback } from './traceback.ts';

/** Characters of it that are kept. */
const LONGEST = 400;
/** Node, the JVM, shells and others; Python's are found by their traceback. */
const OTHER =
  /^(?:(?:Uncaught |Caused by: |Exception in thread "[^"]{1,80}" )?[A-Za-z_][\w.]{0,200}(?:Error|Exception)\b(?: \[\w+\])?: |(?:fatal|error|panic)\b: )/i;

/** @param logEnd the last lines of one process, newest last. @returns undefined: nothing looks like an error */
export function lastError(logEnd: string): string | undefined {
  const raised = lastTraceback(logEnd)?.exception;
  const line =
    raised ??
    cleanLines(logEnd).findLast((one) => OTHER.test(one) || (isException(one) && one.includes(': ')));
  const text = line?.trim();
  return text !== undefined && text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text || undefined;
}
