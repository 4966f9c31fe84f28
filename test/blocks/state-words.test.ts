/** One word for one state, wherever people read it: AWS's own words are shown only where we have none. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trainingAnnouncement } from '../../src/blocks/announcements.ts';
import { jobCard } from '../../src/blocks/job-card.ts';
import { jobDetails, TABS } from '../../src/blocks/job-details.ts';
import { type JobFacts, standingInList } from '../../src/blocks/job-facts.ts';
import { jobOption } from '../../src/blocks/logs.ts';
import { logsDelivered, logsNoneYet } from '../../src/blocks/logs-result.ts';
import { tailMessage } from '../../src/blocks/tail.ts';
import { requireCompleted } from '../../src/domain/compile-request.ts';
import { jobKey } from '../../src/domain/job-keys.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { logHeader } from '../../src/domain/log-files.ts';
import { SAGEMAKER_NAMES, type SageMakerName } from '../../src/domain/providers.ts';
import { kindState, SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';
import { tailId, watchedBy } from '../../src/domain/tails.ts';
import { trainingLabel } from '../../src/domain/training-states.ts';
import { sageMaker } from '../../src/providers/sagemaker.ts';
import { LINE_3 } from '../slack/workspace.ts';

const AT = Date.UTC(2026, 0, 5, 12);
/** As AWS writes them, of which we have another word: `InProgress`, not `Failed`. */
const WORDS: Readonly<Record<string, string>> = {
  ...{ inprogress: 'InProgress', executing: 'Executing', succeeded: 'Succeeded', creating: 'Creating' },
  ...{ inservice: 'InService', outofservice: 'OutOfService', deleting: 'Deleting', updating: 'Updating' },
};
const shown = (value: unknown): string => JSON.stringify(value);

function job(provider: SageMakerName, status: string, second?: string): TrainingJob {
  const times = { createdAt: AT, startedAt: AT, endedAt: AT + 1_000 };
  return { name: 'press-1', useCase: 'line-3', provider, ...kindState(provider, status, second), ...times };
}

function everywhere(one: TrainingJob): string[] {
  const log = logOf(one);
  const { links } = log;
  const place = { useCase: 'line-3', job: jobKey(one), channel: 'C0LINE3', thread: 'card' };
  const tail = watchedBy(undefined, tailId(place, 1), place, { user: 'U0ADA', name: 'ada' }, AT);
  const facts: JobFacts = {
    ...{ useCase: LINE_3, job: one, attempts: [], targets: [], components: [], usual: new Map() },
    ...{ lastCheckedAt: AT, now: AT + 5_000, compiles: true, packages: true, shows: SAGEMAKER_NAMES },
  };
  let refused = '';
  try {
    requireCompleted(one);
  } catch (error) {
    refused = (error as Error).message;
  }
  return [
    shown(jobCard(facts)),
    ...TABS.map((tab) => shown(jobDetails('{}', tab, { ...facts, links }))),
    standingInList(one),
    shown(jobOption(one, LINE_3)),
    shown(logsDelivered(log)),
    shown(
      logsNoneYet({
        ...log,
        order: { job: one.name, useCase: 'line-3', range: {}, streams: [], form: 'lines', dm: false },
      }),
    ),
    shown(tailMessage({ tail, useCase: LINE_3, training: one, lines: [], at: AT, canOpen: false })),
    shown(trainingAnnouncement(one, LINE_3)),
    refused,
    logHeader({ ...log, narrowed: '', streams: [], downloadedAt: AT, by: 'ada', loss: undefined }),
  ];
}

describe('a job’s state', () => {
  const states = SAGEMAKER_NAMES.flatMap((kind) =>
    Object.keys(SAGEMAKER_KINDS[kind].states).map((word) => [kind, WORDS[word] ?? word] as const),
  );

  it.each(states)('of %s that AWS calls %s is shown in our word, and in one', (kind, word) => {
    const { word: ours } = trainingLabel(job(kind, word));
    for (const said of everywhere(job(kind, word, word)))
      for (const [, theirs] of said.matchAll(/\b([A-Z][a-z]+(?:[A-Z][a-z]+)*)\b/g))
        if (ours.toLowerCase() !== theirs!.toLowerCase()) expect(Object.values(WORDS)).not.toContain(theirs);
    expect(shown(jobOption(job(kind, word), LINE_3))).toContain(ours);
    expect(shown(logsDelivered(logOf(job(kind, word))))).toContain(` · ${ours} · `);
  });

  it('keeps AWS’s second word where it says more, and the first where we have none', () => {
    expect(everywhere(job('sagemaker', 'InProgress', 'Downloading')).join()).toContain(
      'running, Downloading',
    );
    expect(everywhere(job('sagemaker', 'Sleeping')).join()).toContain('Sleeping');
  });

  it('is put into words in one place: nothing that people read takes the provider’s word by itself', () => {
    const files = ['src/blocks', 'src/commands', 'src/notifiers', 'src/cli'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => join(folder, name)),
    );
    expect(files.length).toBeGreaterThan(100);
    const raw = files.filter((file) =>
      /\$\{[^}]*\b(?:job|training|one)\.(?:status|secondaryStatus)\b|plain\((?:job|training)\.(?:status|secondaryStatus)/.test(
        readFileSync(file, 'utf8'),
      ),
    );
    expect(raw).toEqual([]);
  });
});

function logOf(one: TrainingJob): Parameters<typeof logsDelivered>[0] {
  const query = { job: one.name, until: AT, streams: [], form: 'lines', dm: false } as never;
  const counts = { events: 1, textBytes: 9, streams: 1, parts: 1, gzipped: false };
  return {
    ...{ job: one, useCase: LINE_3, links: sageMaker.links(LINE_3, one.name), by: 'ada' },
    ...{ ...counts, query, to: AT, notes: [], resumed: false },
  };
}
