/**
 * SageMaker's list operations, which are one: filters, an order, pages. Each row says where its own differs; the
 * source is the service's model (2017-07-24) with its documentation.
 */
import type { EpochMs } from '../../time.ts';
import { AwsError } from '../errors.ts';
import { pageOf } from '../page-tokens.ts';
import type { AwsCall } from '../service.ts';
import type { Parameters, TextRule } from '../validation.ts';

export const INVALID = 'ValidationException';
/** Rule of NameContains. */
const NAME_PART = { max: 63, pattern: '[a-zA-Z0-9\\-]+' };

export type Summary = Readonly<Record<string, unknown>>;
type Comparable = string | number;

export interface ListRow {
  operation: string;
  /** The member of the answer that has them. */
  answer: string;
  /** Value of `SortBy` → member of the summary, or what is compared in place of one. */
  sortBy: Readonly<Record<string, string | ((summary: Summary) => Comparable)>>;
  /** A value of `SortBy`. */
  defaultSort: string;
  /** The member that is another in each summary; it orders those that are equal. */
  key: string;
  /** Left out: `Ascending`. */
  defaultOrder?: 'Ascending' | 'Descending';
  /** Left out: 10. */
  pageSize?: number;
  /** The filter by name. */
  name?: { member: string; rule?: TextRule; prefix?: true };
  /** The filter by status: `StatusEquals`. */
  status?: { of: string; values: readonly string[] };
  /** Filters by time: `${asked}After` and `${asked}Before`, over a member of the summary. */
  times: readonly { asked: string; of: string }[];
  /** Filters by members that are equal to what is asked for, or have a part that is. */
  equals?: readonly { member: string; of: (summary: Summary, wanted: string) => unknown; rule: TextRule }[];
  /** Filters by members that contain what is asked for. */
  contains?: readonly { member: string; of: string; rule: TextRule }[];
  /**
   * Which filters look at a page after it was taken, so that a page may have little or nothing and is not the last:
   * documented of ListTrainingJobs (`StatusEquals`) and ListClusters (all).
   */
  late?: 'status' | 'all';
}

/** What a list of the sandbox does on purpose, read at each use. */
export interface ListOddities {
  /** So many empty pages come before the second page of a list. */
  emptyListPages: number;
  /** The last of several pages has the token that was asked with, again and again. */
  repeatedListTokens: boolean;
}

/** The common times of jobs. */
export const JOB_TIMES = [
  { asked: 'CreationTime', of: 'CreationTime' },
  { asked: 'LastModifiedTime', of: 'LastModifiedTime' },
] as const;

/**
 * @param read with what the operation has asked for besides; checked here
 * @throws AwsError ValidationException
 */
export function listPage(
  row: ListRow,
  call: AwsCall,
  read: Parameters,
  summaries: () => readonly Summary[],
  oddities: ListOddities,
): { body: Record<string, unknown> } {
  const by =
    row.sortBy[read.text('SortBy', { values: Object.keys(row.sortBy) }) ?? row.defaultSort] ?? row.key;
  const order =
    read.text('SortOrder', { values: ['Ascending', 'Descending'] }) ?? row.defaultOrder ?? 'Ascending';
  const limit = read.number('MaxResults', { min: 1, max: 100 }) ?? row.pageSize ?? 10;
  const token = read.text('NextToken', { max: 8192 }) || undefined;
  const early = nameAndTimes(row, read);
  const status = row.status && read.text('StatusEquals', { values: row.status.values });
  const withStatus = (one: Summary) => status === undefined || one[row.status!.of] === status;
  read.check();

  const isEarly = (one: Summary) => row.late === 'all' || early(one);
  const found = summaries()
    .filter((one) => isEarly(one) && (row.late !== undefined || withStatus(one)))
    .sort(inOrderOf(by, row.key));
  if (order === 'Descending') found.reverse();
  const { items, nextToken } = oddPageOf(found, limit, token, call.now, oddities);
  return {
    body: {
      [row.answer]: items.filter((one) => withStatus(one) && early(one)),
      NextToken: nextToken,
    },
  };
}

function nameAndTimes(row: ListRow, read: Parameters): (one: Summary) => boolean {
  const { name } = row;
  const part = name && read.text(name.member, name.rule ?? NAME_PART);
  const ranges = row.times.map(({ asked, of }) => ({
    of,
    after: read.number(`${asked}After`) ?? Number.NEGATIVE_INFINITY,
    before: read.number(`${asked}Before`) ?? Number.POSITIVE_INFINITY,
  }));
  const equal = (row.equals ?? []).map(({ member, of, rule }) => ({ of, wanted: read.text(member, rule) }));
  const parts = (row.contains ?? []).map(({ member, of, rule }) => ({ of, wanted: read.text(member, rule) }));
  return (one) => {
    const text = String(one[row.key]);
    return (
      (part === undefined || (name!.prefix ? text.startsWith(part) : text.includes(part))) &&
      ranges.every(({ of, after, before }) => Number(one[of]) >= after && Number(one[of]) <= before) &&
      equal.every(({ of, wanted }) => wanted === undefined || of(one, wanted) === wanted) &&
      parts.every(({ of, wanted }) => wanted === undefined || String(one[of] ?? '').includes(wanted))
    );
  };
}

/** Those that are equal are in the order of their names. */
function inOrderOf(by: ListRow['sortBy'][string], name: string): (a: Summary, b: Summary) => number {
  const value = typeof by === 'string' ? (one: Summary) => one[by] as Comparable : by;
  const compare = (one: Comparable, other: Comparable) => (one < other ? -1 : one > other ? 1 : 0);
  return (a, b) => compare(value(a), value(b)) || compare(a[name] as Comparable, b[name] as Comparable);
}

/** A page as `pageOf` makes it, with the oddities that are wished for. A token `~2.…` has two empty pages before it. */
function oddPageOf<T>(
  items: readonly T[],
  limit: number,
  token: string | undefined,
  now: EpochMs,
  { emptyListPages, repeatedListTokens }: ListOddities,
): { items: T[]; nextToken: string | undefined } {
  const [, left, plain] = /^~(\d+)\.(.*)$/.exec(token ?? '') ?? [];
  if (left !== undefined && Number(left) > 0)
    return { items: [], nextToken: `~${Number(left) - 1}.${plain}` };
  const page = openedPage(items, limit, plain ?? token, now);
  if (page.nextToken === undefined) return { ...page, nextToken: repeatedListTokens ? token : undefined };
  const empty = token === undefined && emptyListPages > 0;
  return { ...page, nextToken: empty ? `~${emptyListPages}.${page.nextToken}` : page.nextToken };
}

function openedPage<T>(items: readonly T[], limit: number, token: string | undefined, now: EpochMs) {
  try {
    return pageOf(items, limit, token, now);
  } catch (error) {
    // SageMaker has one word for all that is wrong with a request.
    if (error instanceof AwsError) throw new AwsError(INVALID, 'Invalid NextToken.');
    throw error;
  }
}
