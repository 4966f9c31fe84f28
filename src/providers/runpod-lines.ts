/**
 * Which lines of a pod's log are new. RunPod numbers no lines, and what tells them apart is only the time they were
 * printed at, which several may share: those of the system have whole seconds. After a break the log is therefore asked
 * for from some seconds before the break, and of each time as many lines are left out as were there already.
 */

export interface PodLine {
  source: string;
  line: string;
  /** RFC 3339, of any precision. */
  ts: string;
}

/** What is there already, at the end of it. Kept with the log. */
export interface LinesSoFar {
  /** The newest time of all sources, as `podTime` writes it. */
  newest: string;
  /** By source: the newest times and how many lines have each, in the order of time. */
  sources: Readonly<Record<string, readonly (readonly [time: string, lines: number])[]>>;
}

/** Those that RunPod has. All others count as one, so that no service can fill the memory with them. */
const SOURCES: ReadonlySet<string> = new Set(['container', 'system']);
/** Milliseconds that are read again, so that lines which came late are found: sources need not arrive in step. */
const OVERLAP = 5_000;
/** Times kept of each source; with all of them a record fits into the store's cursor (14 KiB). */
const TIMES = 80;

export class LineJoiner {
  #newest: string | undefined;
  /** Source → time → lines that are there already, in the order of time. */
  readonly #there = new Map<string, Map<string, number>>();
  /** The same of this connection alone, as far as it repeats what is there. */
  readonly #again = new Map<string, Map<string, number>>();
  /** Up to here this connection may repeat lines; undefined: it repeats none. */
  #repeated: { from: string; to: string } | undefined;
  /** Sources of which this connection has said something newer than that. */
  readonly #goneOn = new Set<string>();

  constructor(soFar?: LinesSoFar) {
    this.#newest = soFar?.newest;
    for (const [source, times] of Object.entries(soFar?.sources ?? {}))
      this.#there.set(source, new Map(times.map(([time, lines]) => [time, lines])));
    this.reconnected();
  }

  /** From when on the log has to be asked for; undefined: from its beginning. */
  get since(): string | undefined {
    if (this.#newest === undefined) return undefined;
    // A second more than is compared: the service may round, and begin with that time or behind it.
    return new Date(Date.parse(this.#newest) - OVERLAP - 1_000).toISOString();
  }

  /** A new connection, which begins at `since`. */
  reconnected(): void {
    this.#again.clear();
    this.#goneOn.clear();
    const to = this.#newest;
    this.#repeated = to === undefined ? undefined : { from: earlier(to), to };
  }

  /** @returns whether the line is new; then it counts as there. @throws TypeError its time is none */
  isNew(line: Pick<PodLine, 'source' | 'ts'>): boolean {
    const source = SOURCES.has(line.source) ? line.source : 'other';
    const time = podTime(line.ts);
    const there = timesOf(this.#there, source);
    if (this.#repeated && time <= this.#repeated.to) {
      if (this.#isOlder(there, time)) {
        // Repeated before, or it came very late.
        if (!this.#goneOn.has(source)) return false;
      } else {
        const again = timesOf(this.#again, source);
        const count = (again.get(time) ?? 0) + 1;
        again.set(time, count);
        if (count <= (there.get(time) ?? 0)) return false;
      }
    } else this.#goneOn.add(source);
    addTo(there, time);
    if (this.#newest === undefined || time > this.#newest) this.#newest = time;
    return true;
  }

  get soFar(): LinesSoFar | undefined {
    if (this.#newest === undefined) return undefined;
    const from = earlier(this.#newest);
    const sources = [...this.#there]
      .map(([source, times]) => [source, [...times].filter(([time]) => time >= from)] as const)
      .filter(([, times]) => times.length > 0);
    return { newest: this.#newest, sources: Object.fromEntries(sources) };
  }

  /** Older than all that is compared. */
  #isOlder(there: ReadonlyMap<string, number>, time: string): boolean {
    const [oldest] = there.keys();
    return time < this.#repeated!.from || (there.size >= TIMES && time < oldest!);
  }
}

function timesOf(all: Map<string, Map<string, number>>, source: string): Map<string, number> {
  const times = all.get(source) ?? new Map<string, number>();
  all.set(source, times);
  return times;
}

/** Keeps the newest times, in order. */
function addTo(times: Map<string, number>, time: string): void {
  const known = times.get(time);
  times.set(time, (known ?? 0) + 1);
  if (known !== undefined) return;
  const later = [...times].filter(([one]) => one > time);
  for (const [one, lines] of later) {
    times.delete(one);
    times.set(one, lines);
  }
  if (times.size > TIMES) times.delete(times.keys().next().value!);
}

/** RFC 3339 in one form, with nine digits after the point, so that texts compare as times do. @throws TypeError */
export function podTime(ts: string): string {
  const ms = Date.parse(ts);
  if (Number.isNaN(ms)) throw new TypeError(`a line at ${JSON.stringify(ts.slice(0, 40))}, which is no time`);
  const [, fraction = ''] = /\.(\d+)/.exec(ts) ?? [];
  const seconds = new Date(ms).toISOString().slice(0, 19);
  return `${seconds}.${fraction.slice(0, 9).padEnd(9, '0')}Z`;
}

const earlier = (time: string): string => podTime(new Date(Date.parse(time) - OVERLAP).toISOString());
