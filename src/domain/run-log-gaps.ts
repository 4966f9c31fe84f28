/** The marker shown where bytes of a run's log are missing. */
import { grouped } from '../ground/numbers.ts';

const REASONS = {
  cap: 'the log is over its size limit, and only its beginning and its newest part are kept',
  lost: 'they could not be stored',
} as const;

/**
 * A line of its own for a terminal, whatever stands before it.
 * @param from offset of the first byte that is missing
 * @param to offset of the first byte after the gap
 */
export function gapMarker({
  from,
  to,
  reason,
}: {
  from: number;
  to: number;
  reason: 'cap' | 'lost';
}): string {
  const bytes = grouped(to - from);
  return `\u001b[0m\r\n[… ${bytes} ${to - from === 1 ? 'byte is' : 'bytes are'} missing here: ${REASONS[reason]} …]\r\n`;
}
