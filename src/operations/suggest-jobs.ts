/** Suggestions of jobs while somebody types a part of a name. */
import { readJobWord } from '../domain/job-keys.ts';
import type { TrainingJob } from '../domain/jobs.ts';
import { isSageMakers, PROVIDERS, type ProviderName } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Actor } from '../ground/actor.ts';
import { elapsed } from '../ground/elapsed.ts';
import { CancelledError } from '../ground/errors.ts';
import { inTime, pause } from '../ground/pause.ts';
import type { Clock } from '../ground/time.ts';
import { TokenBucket } from '../ground/token-bucket.ts';
import type { JobStore } from '../ports/job-store.ts';
import type { JobCatalog } from '../ports/training-provider.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { isRefusedKind, providerNamed } from './job-places.ts';

/** Milliseconds that a suggestion waits for a provider: Slack waits three seconds for all of it. */
const WITHIN = 2_000;
/** Shares of it: where nothing has come of it yet, and where something can be shown meanwhile. */
const PATIENT = 5 / 8;
const IMPATIENT = 1 / 4;
/** Milliseconds in which nobody is asked the same again. */
const KEEP = 20_000;
/** Milliseconds after which not even what came too late for one letter is shown at another. */
const FORGET = 10 * 60_000;
/** A list's page: fewer mean that these are all. */
const PAGE = 100;
/** Jobs of a list that is looked through here. */
const WHOLE = 1_000;
/** Jobs on record looked through. */
const ON_RECORD = 1_000;
/** Texts that one list is asked for: so many at once, and one in so many milliseconds. Others ask for it too. */
const AT_ONCE = 2;
const EVERY = 667;

export interface SuggestedJob {
  job: TrainingJob;
  useCase: UseCase;
}

export interface SuggestionOptions {
  gateway: UseCaseGateway;
  clock: Clock;
  /** What is known of jobs whose service does not answer in time. */
  store: Pick<JobStore, 'listJobs'>;
  /** Milliseconds; default: `KEEP`. */
  keep?: number;
  /** Milliseconds; default: `WITHIN`. */
  within?: number;
  /** Milliseconds; default: `EVERY`. 0: as often as anybody types. */
  every?: number;
}

export class JobSuggestions {
  readonly #options: SuggestionOptions;
  /** By use case and provider. */
  readonly #lists = new Map<string, SearchedList>();
  /** Person → what they typed last. */
  readonly #latest = new Map<string, object>();

  constructor(options: SuggestionOptions) {
    this.#options = options;
  }

  /**
   * Newest first within a use case. Where nobody answers in time: what is on record.
   * @param typed a part of the name, also behind its provider: `local:pre`
   */
  async suggest(
    actor: Actor,
    useCases: readonly UseCase[],
    typed: string,
    limit: number,
  ): Promise<SuggestedJob[]> {
    const { provider, name } = readJobWord(typed.trim());
    const mark = {};
    this.#latest.set(actor.user, mark);
    const isOver = () => this.#latest.get(actor.user) !== mark;
    const lists = await Promise.allSettled(
      useCases.map(async (useCase) => {
        const jobs = await this.#list(actor, useCase, provider, { text: name.toLowerCase(), isOver });
        return jobs.map((job) => ({ job, useCase }));
      }),
    );
    return lists
      .flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
      .filter(({ job }) => provider === undefined || job.provider === provider)
      .slice(0, limit);
  }

  /** Each provider by itself: one that is slow or has many jobs keeps nobody else's from being shown. */
  async #list(
    actor: Actor,
    useCase: UseCase,
    meant: ProviderName | undefined,
    typed: Omit<Typed, 'open'>,
  ): Promise<TrainingJob[]> {
    const { gateway, within = WITHIN } = this.#options;
    let session: Promise<UseCaseSession> | undefined;
    const open = () => {
      session ??= gateway.open(useCase, actor, 'logs');
      return session;
    };
    const lists = await Promise.all(
      gateway
        .trainsOn(useCase)
        .filter((name) => meant === undefined || name === meant)
        .map((name) =>
          inTime(within, this.#listOf(useCase, name).matching({ ...typed, open })).catch(() => undefined),
        ),
    );
    return lists.flatMap((jobs) => jobs ?? []).sort((a, b) => b.createdAt - a.createdAt);
  }

  #listOf(useCase: UseCase, provider: ProviderName): SearchedList {
    const key = JSON.stringify([useCase.id, provider]);
    let list = this.#lists.get(key);
    if (!list) {
      list = new SearchedList(this.#options, useCase, provider);
      this.#lists.set(key, list);
    }
    return list;
  }
}

/** Somebody's wish for what has a text in its name. */
interface Typed {
  /** In lower case. */
  text: string;
  open: () => Promise<UseCaseSession>;
  /** Whether the person has typed something else since. */
  isOver: () => boolean;
}

interface Answer {
  /** When it was asked for, in elapsed time. */
  at: number;
  jobs: Promise<readonly TrainingJob[]>;
  came?: readonly TrainingJob[];
  /** What came the last time, until it does again. */
  before?: readonly TrainingJob[] | undefined;
  /** The role may not list them. */
  refused?: boolean;
}

/** Everything, beside the answers to texts. */
const ALL = Symbol('all');
type Asked = string | typeof ALL;

/**
 * One provider's jobs of one use case, with what it has answered lately. Every letter asks again, and SageMaker lets an
 * account have about two lists a second: what an earlier answer tells is not asked for again.
 */
class SearchedList {
  readonly #options: SuggestionOptions;
  readonly #useCase: UseCase;
  readonly #provider: ProviderName;
  readonly #keep: number;
  readonly #patient: number;
  readonly #impatient: number;
  readonly #answers = new Map<Asked, Answer>();
  readonly #turns: TokenBucket | undefined;

  constructor(options: SuggestionOptions, useCase: UseCase, provider: ProviderName) {
    const { keep = KEEP, within = WITHIN, every = EVERY } = options;
    this.#options = options;
    this.#useCase = useCase;
    this.#provider = provider;
    this.#keep = keep;
    this.#patient = within * PATIENT;
    this.#impatient = within * IMPATIENT;
    this.#turns = every > 0 && isSageMakers(provider) ? new TokenBucket(AT_ONCE, every) : undefined;
  }

  /** @throws as the store */
  async matching(typed: Typed): Promise<TrainingJob[]> {
    this.#forget();
    return (await this.#find(typed)).filter(({ name }) => name.toLowerCase().includes(typed.text));
  }

  async #find(typed: Typed): Promise<readonly TrainingJob[]> {
    const { text } = typed;
    const known = this.#covering(text);
    if (known) return known;
    const newest = this.#last('');
    // Where these are all, they answer every further letter too.
    if (!newest || isWhole(newest) || text === '') {
      const came = await this.#inTime(this.#ask('', typed), newest ? this.#impatient : this.#patient);
      if (!came) return this.#known();
      if (text === '' || isWhole(came)) return came;
    }
    if (PROVIDERS[this.#provider].filtersPages) return this.#lookedThrough(typed);
    const found = this.#inTime(this.#ask(text, typed), this.#impatient);
    // For the time when an answer comes too late. After it, for both take a turn.
    if (!this.#isFresh('')) this.#ask('', typed).catch(() => undefined);
    return (await found) ?? this.#known();
  }

  /** The service would go through all its pages for every text, so they are kept, and looked through here. */
  async #lookedThrough(typed: Typed): Promise<readonly TrainingJob[]> {
    const newest = this.#inTime(this.#ask('', typed), this.#impatient);
    const all = this.#inTime(this.#ask(ALL, typed), this.#impatient);
    const before = this.#last(ALL);
    return together((await newest) ?? (await this.#known()), before ?? (await all) ?? []);
  }

  /** An earlier answer that tells all about a text: the whole answer to a part of it. */
  #covering(text: string): readonly TrainingJob[] | undefined {
    for (const [asked, { came }] of this.#answers)
      if (came && asked !== ALL && this.#isFresh(asked))
        if (asked === text || (text.includes(asked) && isWhole(came))) return came;
    return undefined;
  }

  #last(asked: Asked): readonly TrainingJob[] | undefined {
    const answer = this.#answers.get(asked);
    return answer?.came ?? answer?.before;
  }

  /** @returns undefined: nobody answered in time */
  async #inTime(
    asked: Promise<readonly TrainingJob[]>,
    ms: number,
  ): Promise<readonly TrainingJob[] | undefined> {
    return inTime(ms, asked).catch(() => undefined);
  }

  /** Without asking anybody. What the role may not see is not told from memory either. */
  async #known(): Promise<readonly TrainingJob[]> {
    if ([...this.#answers.values()].some(({ refused }) => refused)) return [];
    const records = await this.#options.store.listJobs({
      ...{ useCase: this.#useCase.id, provider: this.#provider, limit: ON_RECORD },
    });
    return together(
      this.#last('') ?? [],
      records.map(({ job }) => job),
    );
  }

  /** An answer that comes too late for one letter is there at the next. */
  #ask(asked: Asked, typed: Typed): Promise<readonly TrainingJob[]> {
    const known = this.#answers.get(asked);
    if (known && this.#isFresh(asked)) return known.jobs;
    const before = known?.came ?? known?.before;
    const answer: Answer = { at: this.#now(), jobs: this.#list(asked, typed), before };
    this.#answers.set(asked, answer);
    answer.jobs.then(
      (jobs) => {
        answer.came = jobs;
      },
      (error: unknown) => {
        // A kind that the role may not list stays so for a while; anything else is asked again at the next letter.
        if (isRefusedKind(this.#provider, error)) answer.refused = true;
        else if (this.#answers.get(asked) === answer)
          if (known) this.#answers.set(asked, known);
          else this.#answers.delete(asked);
      },
    );
    return answer.jobs;
  }

  async #list(asked: Asked, typed: Typed): Promise<readonly TrainingJob[]> {
    const session = await typed.open();
    const { jobs } = providerNamed(session, this.#provider);
    await this.#turn(asked, typed);
    return jobs.list(queryOf(asked));
  }

  /** @throws CancelledError when somebody has typed on meanwhile */
  async #turn(asked: Asked, { text, isOver }: Typed): Promise<void> {
    if (!this.#turns) return;
    for (let ms = this.#turns.wait(this.#now()); ms > 0; ms = this.#turns.wait(this.#now())) {
      await pause(ms);
      if (asked === text && text !== '' && isOver()) throw new CancelledError('somebody has typed on');
    }
    this.#turns.take(this.#now());
  }

  #isFresh(asked: Asked): boolean {
    const answer = this.#answers.get(asked);
    const keep = asked === ALL ? (PROVIDERS[this.#provider].listEvery ?? this.#keep) : this.#keep;
    return answer !== undefined && this.#now() - answer.at <= keep;
  }

  #forget(): void {
    const now = this.#now();
    for (const [asked, { at }] of this.#answers)
      if (now - at > (asked === '' || asked === ALL ? FORGET : this.#keep)) this.#answers.delete(asked);
  }

  #now(): number {
    return elapsed(this.#options.clock);
  }
}

const isWhole = (jobs: readonly TrainingJob[]): boolean => jobs.length < PAGE;

function queryOf(asked: Asked): Parameters<JobCatalog['list']>[0] {
  if (asked === ALL) return { limit: WHOLE };
  return asked === '' ? { limit: PAGE } : { nameContains: asked, limit: PAGE, sparing: true };
}

/** Those of one name once, as the first list has them. */
function together(...lists: readonly (readonly TrainingJob[])[]): TrainingJob[] {
  const jobs = new Map<string, TrainingJob>();
  for (const job of lists.flat()) if (!jobs.has(job.name)) jobs.set(job.name, job);
  return [...jobs.values()];
}
