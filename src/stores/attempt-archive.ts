/**
 * Compilation attempts of jobs that ended long ago, out of the state that is held in memory: a line of JSON for
 * each job. Where a job's lines lie, and what is compiled, stays in the state, so that a job's history is one
 * short read and no target is ever compiled twice.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CompilationAttempt, isSuccessful } from '../domain/compilations.ts';
import { AppError } from '../ground/errors.ts';
import { appendLines } from './durable-file.ts';
import { freeze, pairKey } from './tables.ts';
import { cannotRead } from './unreadable.ts';

export const attemptsPath = (folder: string): string => join(folder, 'attempts-archive.jsonl');

export interface ArchivedJob {
  useCase: string;
  job: string;
  /** Begin and length in bytes of each line, oldest first. */
  lines: [begin: number, length: number][];
  /** Targets with a successful attempt. */
  compiled: string[];
}

interface Line {
  useCase: string;
  job: string;
  attempts: CompilationAttempt[];
}

export class AttemptArchive {
  readonly #path: string;
  readonly #jobs: Map<string, ArchivedJob>;

  constructor(path: string, jobs: readonly ArchivedJob[]) {
    this.#path = path;
    this.#jobs = new Map(jobs.map((entry) => [pairKey(entry.useCase, entry.job), entry]));
  }

  /** For the state file. */
  index(): ArchivedJob[] {
    return [...this.#jobs.values()];
  }

  isCompiled({ useCase, job, target }: CompilationAttempt): boolean {
    return this.#jobs.get(pairKey(useCase, job))?.compiled.includes(target) ?? false;
  }

  /**
   * Returns once it is on disk. The index counts only when the state file is written after it: a kill in between
   * leaves lines that nothing points to.
   * @param jobs the attempts of one job each
   */
  async add(jobs: readonly CompilationAttempt[][]): Promise<void> {
    const lines = jobs.map((attempts) => {
      const { useCase, job } = attempts[0]!;
      return JSON.stringify({ useCase, job, attempts } satisfies Line);
    });
    if (lines.length === 0) return;
    let begin = await appendLines(this.#path, lines);
    for (const [at, attempts] of jobs.entries()) {
      const { useCase, job } = attempts[0]!;
      const length = Buffer.byteLength(lines[at]!);
      const known = this.#jobs.get(pairKey(useCase, job));
      const compiled = attempts.filter(isSuccessful).map(({ target }) => target);
      this.#jobs.set(pairKey(useCase, job), {
        useCase,
        job,
        lines: [...(known?.lines ?? []), [begin, length]],
        compiled: [...new Set([...(known?.compiled ?? []), ...compiled])],
      });
      begin += length + 1;
    }
  }

  /** Oldest first; an attempt that was archived twice is listed twice, the later copy last. */
  async ofJob(useCase: string, job: string): Promise<CompilationAttempt[]> {
    const entry = this.#jobs.get(pairKey(useCase, job));
    if (!entry) return [];
    try {
      const file = await open(this.#path, 'r');
      try {
        const attempts: CompilationAttempt[] = [];
        for (const [begin, length] of entry.lines) {
          const { buffer } = await file.read(Buffer.alloc(length), 0, length, begin);
          const line = JSON.parse(buffer.toString('utf8')) as Line;
          if (line.useCase !== useCase || line.job !== job) throw new Error('another job lies there');
          attempts.push(...line.attempts);
        }
        return freeze(attempts);
      } finally {
        await file.close();
      }
    } catch (cause) {
      throw new AppError('internal', `The history of ${job} cannot be read from ${this.#path}.`, {
        hint: 'The file was changed or taken away by something other than Signalbox. Put back a copy of it.',
        cause,
      });
    }
  }

  /** Looks through everything: only for an attempt that somebody still asks for years later. */
  async find(id: string): Promise<CompilationAttempt | undefined> {
    if (this.#jobs.size === 0) return undefined;
    let found: CompilationAttempt | undefined;
    try {
      for await (const line of createInterface({ input: createReadStream(this.#path, 'utf8') })) {
        if (!line.includes(id)) continue;
        try {
          found = (JSON.parse(line) as Line).attempts.find((attempt) => attempt.id === id) ?? found;
        } catch {
          // Cut off by a kill: nothing points to it, and what it would have held is still in the state.
        }
      }
    } catch (error) {
      throw cannotRead(this.#path, error);
    }
    return found && freeze(found);
  }
}
