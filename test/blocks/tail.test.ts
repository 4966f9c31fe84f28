import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS, validateBlocks } from '#sandbox/block-kit';
import { TAIL_LINES, type TailFacts, tailMessage, tailSays } from '../../src/blocks/tail.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { type Tail, type TailEnd, tailId, watchedBy } from '../../src/domain/tails.ts';
import { textsOf } from '../slack/sandbox-client.ts';
import { LINE_3 } from '../slack/workspace.ts';

const AT = Date.UTC(2026, 0, 5, 12);
const place = {
  useCase: 'line-3',
  job: 'local:press-1',
  channel: 'C0LINE3',
  thread: 'card/line-3/local:press-1',
};
const tail: Tail = watchedBy(undefined, tailId(place, 1), place, { user: 'U0ADA', name: 'ada' }, AT);
const training: TrainingJob = {
  ...{ name: 'press-1', useCase: 'line-3', provider: 'local', state: 'running', status: 'running' },
  ...{ createdAt: AT, startedAt: AT },
};
const facts = (more: Partial<TailFacts> = {}): TailFacts => ({
  ...{ tail, useCase: LINE_3, training, lines: ['epoch 1', 'loss 0.4'], at: AT + 724_000, canOpen: true },
  ...more,
});
const words = (given: TailFacts): string => textsOf(tailMessage(given).blocks);
const ids = (given: TailFacts): string[] =>
  [...JSON.stringify(tailMessage(given).blocks).matchAll(/"action_id":"([^"]+)"/g)].map(([, id]) => id!);
const ended = (why: TailEnd['why'], by?: TailEnd['by']): Tail => ({
  ...tail,
  ended: { why, at: AT + 1, by },
});

describe('[W6] the message that shows a run', () => {
  it('says what runs, for how long, who watches and until when, and what can be done', () => {
    const said = words(facts());
    expect(said).toContain(
      ':eyes: *Watching `press-1`* · Line 3 defects\n⏳ *Training running* on the local runner · for 12 min 4 s',
    );
    expect(said).toContain('*The last 2 lines*\n```\nepoch 1\nloss 0.4\n```');
    expect(said).toMatch(/As of <!date\^\d+\^[^>]+> · for ada · stops by itself <!date/);
    expect(ids(facts())).toEqual(['watch.stop', 'logs.live', 'logs.get']);
    expect(ids(facts({ canOpen: false }))).not.toContain('logs.live');
  });

  it('says what keeps the log from going on, and that nothing was printed', () => {
    expect(words(facts({ lines: [] }))).toContain('Nothing has been printed yet.');
    const note = 'The local runner does not answer.';
    const said = words(facts({ lines: [], note }));
    expect(said).toContain(`:warning: ${note}`);
    expect(said).not.toContain('Nothing has been printed yet');
  });

  it('says what it leaves out: the middle of long lines, and lines for which there is no room', () => {
    const long = `start${'x'.repeat(1_000)}end`;
    expect(words(facts({ lines: [long] }))).toMatch(
      /\*The last line\*, a long one is shortened\n```\nstartx+ … 768 characters left out … x+end\n```/,
    );
    const many = Array.from({ length: 90 }, (_, n) => `${n} ${'y'.repeat(400)}`);
    const said = words(facts({ lines: many }));
    expect(said).toMatch(/\*The last \d+ lines\*, more do not fit, \d+ long ones are shortened/);
    expect(said).toContain('89 y');
    const short = Array.from({ length: 90 }, (_, n) => `line ${n}`);
    expect(words(facts({ lines: short }))).toContain(`*The last ${TAIL_LINES} lines*\n\`\`\`\nline 70\n`);
  });

  it('ends with how the run ended, and with what comes next', () => {
    const end = { exitCode: 3, signal: null, at: AT + 60_000 } as const;
    const failed = facts({
      tail: ended('run'),
      training: { ...training, state: 'failed', status: 'failed' },
      end: { ...end, state: 'failed' },
    });
    expect(words(failed)).toContain('❌ *Training failed*: `press-1` · exit code 3 · took 1 min');
    expect(ids(failed)).toEqual(['logs.live', 'logs.get', 'train.again', 'compile.details']);
    const killed = facts({
      tail: ended('run'),
      end: { ...end, state: 'failed', exitCode: null, signal: 'SIGKILL' },
    });
    expect(words(killed)).toContain('ended by `SIGKILL`');
    const completed = facts({ tail: ended('run'), end: { ...end, state: 'completed', exitCode: 0 } });
    expect(words(completed)).toContain('✅ *Training completed*: `press-1` · exit code 0');
    expect(words(facts({ tail: ended('run'), end: { ...end, state: 'stopped' } }))).toContain(
      '⏹️ *Training stopped*',
    );
    expect(words(facts({ tail: ended('run'), end: { ...end, state: 'lost' } }))).toContain(
      'Nobody saw how `press-1` ended',
    );
    // A pushed run cannot be started from here; only what a run has left in S3 can be compiled.
    expect(ids({ ...failed, training: { ...failed.training!, provider: 'push' } })).not.toContain(
      'train.again',
    );
    const compiling = { ...completed, useCase: { ...LINE_3, compile: {} as never } };
    expect(ids(compiling)).not.toContain('compile.open');
    const { name } = completed.training!;
    expect(ids({ ...compiling, tail: { ...compiling.tail, job: name } })).toContain('compile.open');
  });

  it('says why it ended before the run, with the way to go on, and without a line for whom it is not', () => {
    const time = facts({ tail: ended('time') });
    expect(words(time)).toContain('*Not watching `press-1` any more*: two hours have passed');
    expect(ids(time)).toEqual(['watch.resume', 'logs.live', 'logs.get', 'compile.details']);
    expect(words(facts({ tail: ended('stopped', { user: 'U0BEN', name: 'ben' }) }))).toContain(
      'ben has stopped it',
    );
    const withdrawn = words(facts({ tail: ended('rights') }));
    expect(withdrawn).toContain('nobody who asked for it may read this log here any more');
    expect(withdrawn).not.toContain('loss 0.4');
  });

  it('tells news from lines: only news comes before other messages', () => {
    expect(tailSays(facts({ lines: ['other'], at: AT }))).toBe(tailSays(facts()));
    expect(tailSays(facts({ note: 'down' }))).not.toBe(tailSays(facts()));
    expect(tailSays(facts({ training: { ...training, state: 'stopping' } }))).not.toBe(tailSays(facts()));
  });

  it('is within Slack’s limits and calls nobody, whatever is printed', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.string({
        unit: fc.constantFrom('<!channel>', '<@U0ADA>', '&', '`', '```', 'x', '😀', '@here '),
        maxLength: 900,
      }),
    );
    const why = fc.constantFrom(...(['run', 'time', 'stopped', 'rights', 'gone'] as const));
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 30 }),
        fc.option(text),
        text,
        fc.option(why),
        (lines, note, name, end) => {
          const of = end === null ? tail : ended(end, { user: 'U0BEN', name });
          const given = facts({
            lines: lines.map((line) => line.replace(/\n/g, ' ')),
            note: note ?? undefined,
            tail: { ...of, watchers: [{ user: 'U0ADA', name }] },
            training: { ...training, secondaryStatus: name },
          });
          const { blocks = [], text: fallback } = tailMessage(given);
          expect(validateBlocks(blocks, 'message')).toEqual([]);
          expect(fallback.length).toBeLessThanOrEqual(LIMITS.messageText.recommended);
          const all = JSON.stringify([fallback, blocks]);
          expect(all).not.toMatch(/<[!@](?!date)/);
          // Of code Slack reads no names.
          expect(all.replace(/```[\s\S]*```/g, '')).not.toContain('@here');
        },
      ),
      { numRuns: 300 },
    );
  });
});
