/**
 * Jobs in memory, in the orders in which they are asked for. Most lists want a few of thousands, and some are asked for
 * every other second, so nobody copies and sorts all jobs for them.
 */
import { jobKey } from '../domain/job-keys.ts';
import type { JobRecord } from '../domain/job-records.ts';
import type { ProviderName } from '../domain/providers.ts';
import type { Undo } from './undo.ts';

export interface JobsWanted {
  useCase?: string | undefined;
  provider?: ProviderName | undefined;
  /** 0: none. */
  limit: number;
}

interface Entry {
  record: JobRecord;
  /** When its key came, counted: of jobs of one millisecond the later one is the newer. */
  readonly came: number;
  readonly orders: readonly Order[];
}

/** Sorted when somebody asks: a start puts in thousands in any order. */
interface Order {
  /** Oldest first, if `sorted`. */
  entries: Entry[];
  sorted: boolean;
}

const older = (a: Entry, b: Entry): number =>
  a.record.job.createdAt - b.record.job.createdAt || a.came - b.came;

/** Left out: all of them. */
const listName = (useCase: string | undefined, provider: ProviderName | undefined): string =>
  JSON.stringify([useCase, provider]);

export class JobTable {
  /** In the order in which they came. */
  readonly #entries = new Map<string, Entry>();
  readonly #orders = new Map<string, Order>();
  #came = 0;

  get(useCase: string, key: string): JobRecord | undefined {
    return this.#entries.get(pairOf(useCase, key))?.record;
  }

  /** In the order in which they came. */
  all(): JobRecord[] {
    return [...this.#entries.values()].map(({ record }) => record);
  }

  put(record: JobRecord): Undo {
    const key = pairOf(record.job.useCase, jobKey(record.job));
    const known = this.#entries.get(key);
    if (known) {
      const before = known.record;
      change(known, record);
      return () => change(known, before);
    }
    const entry: Entry = { record, came: this.#came++, orders: this.#ordersOf(record) };
    this.#entries.set(key, entry);
    for (const order of entry.orders) add(order, entry);
    return () => {
      this.#entries.delete(key);
      for (const order of entry.orders) order.entries = order.entries.filter((other) => other !== entry);
    };
  }

  /** Newest first by creation. */
  newest({ useCase, provider, limit }: JobsWanted): JobRecord[] {
    const order = this.#orders.get(listName(useCase, provider));
    if (!order || limit <= 0) return [];
    if (!order.sorted) {
      order.entries.sort(older);
      order.sorted = true;
    }
    const { entries } = order;
    const found: JobRecord[] = [];
    for (let at = entries.length - 1; at >= 0 && found.length < limit; at--) found.push(entries[at]!.record);
    return found;
  }

  #ordersOf({ job: { useCase, provider } }: JobRecord): Order[] {
    const lists = [
      listName(useCase, provider),
      listName(useCase, undefined),
      listName(undefined, provider),
      listName(undefined, undefined),
    ];
    return lists.map((key) => {
      let order = this.#orders.get(key);
      if (!order) {
        order = { entries: [], sorted: true };
        this.#orders.set(key, order);
      }
      return order;
    });
  }
}

function add(order: Order, entry: Entry): void {
  const last = order.entries.at(-1);
  if (last && older(last, entry) > 0) order.sorted = false;
  order.entries.push(entry);
}

/** Key, and so use case and provider, stay as they are. */
function change(entry: Entry, record: JobRecord): void {
  const moves = entry.record.job.createdAt !== record.job.createdAt;
  entry.record = record;
  if (moves) for (const order of entry.orders) order.sorted = false;
}

const pairOf = (useCase: string, key: string): string => JSON.stringify([useCase, key]);
