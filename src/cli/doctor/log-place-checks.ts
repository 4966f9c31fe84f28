/** What the place where a use case's logs are kept does to them. */
import { daysWords, type LogKeeping } from '../../domain/log-keeping.ts';
import { toAppError } from '../../ground/errors.ts';
import type { LogSource } from '../../ports/log-source.ts';
import type { Check, Subject } from './checks.ts';

const TITLE = 'log group';

/** None: the place does nothing to its logs, or it does not exist yet. */
export async function checkLogPlace(about: Subject, source: LogSource): Promise<Check[]> {
  if (!source.keeping) return [];
  try {
    const keeping = await source.keeping();
    return keeping ? [placeCheck(about, keeping)] : [];
  } catch (thrown) {
    const { code, message, adminHint } = toAppError(thrown);
    if (code !== 'permission_denied') return [about.skipped(TITLE, `could not be looked at: ${message}`)];
    return [
      about.warning(
        TITLE,
        'the role may not look at it, so nobody is told what its retention has removed or a policy masks',
        `Allow logs:DescribeLogGroups on log-group:*, as infra/use-case-account.yaml does.${adminHint ? `\n${adminHint}` : ''}`,
      ),
    ];
  }
}

function placeCheck(about: Subject, { place, days, masks, unreadableClass, key }: LogKeeping): Check {
  const name = place.replace(/^the log group /, '');
  if (unreadableClass)
    return about.warning(
      TITLE,
      `${name} is of the class ${unreadableClass}, whose logs AWS does not give out`,
      'The class cannot be changed. Delete the group, and all logs in it: the next job makes it again, in the Standard class. Until then CloudWatch Logs Insights can search it, if it is of the class INFREQUENT_ACCESS.',
    );
  return about.ok(
    TITLE,
    [
      `${name} keeps logs ${days === undefined ? 'for ever' : `for ${daysWords(days)}`}`,
      ...(key ? [`encrypted with ${key}`] : []),
      ...(masks === 'now' ? ['with values that a data-protection policy masks'] : []),
      ...(masks === 'before' ? ['perhaps with values that an earlier data-protection policy masked'] : []),
    ].join(', '),
  );
}
