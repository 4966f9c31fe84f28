import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsArn } from '../../src/domain/arns.ts';
import { commandWords } from '../../src/domain/command-words.ts';
import { kindLogUrl, kindPageUrl, trainingJobUrl, trainingLogUrl } from '../../src/domain/console-links.ts';
import {
  jobNameCandidates,
  parseJobName,
  parseTrainingName,
  pastedName,
} from '../../src/domain/job-names.ts';
import { fromThenOn, queryAt } from '../../src/domain/log-order.ts';
import { asksForHelp, parseLogOrder, parseLogQuery } from '../../src/domain/log-query.ts';
import { parseDuration } from '../../src/domain/log-times.ts';
import { readExecutionName } from '../../src/domain/pipeline-names.ts';
import { type KindName, PROVIDERS, SAGEMAKER_NAMES, type SageMakerName } from '../../src/domain/providers.ts';
import { SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';
import { AppError } from '../../src/ground/errors.ts';
import { quoted } from '../fixtures/quoted-words.ts';

const NOW = Date.UTC(2026, 10, 21, 9, 30);
const parse = (text: string) => parseLogQuery(commandWords(text), NOW);

function refusal(text: string): AppError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error(`“${text}” was accepted`);
}

describe('words of a command', () => {
  it('keeps quoted text together, with straight and with typographic quotes', () => {
    expect(commandWords('a --grep "CUDA out" b')).toEqual(['a', '--grep', 'CUDA out', 'b']);
    expect(commandWords('a --grep “CUDA out of memory”')).toEqual(['a', '--grep', 'CUDA out of memory']);
    expect(commandWords("a --grep ‘epoch 3’ --grep='epoch 4'")).toEqual([
      'a',
      '--grep',
      'epoch 3',
      '--grep=epoch 4',
    ]);
  });

  it('makes -- of the dashes that editors put, but not inside quotes', () => {
    expect(commandWords('a —last 2h –tail 5 "—x"')).toEqual(['a', '--last', '2h', '--tail', '5', '—x']);
  });

  it('takes an apostrophe and an unclosed quote as they are', () => {
    expect(commandWords('a --grep can\'t "b')).toEqual(['a', '--grep', "can't", '"b']);
  });

  it('keeps the backslashes of patterns', () => {
    expect(commandWords('--regex loss=\\d+ "\\d \\"x\\""')).toEqual(['--regex', 'loss=\\d+', '\\d "x"']);
  });

  it('reads any words that are quoted as they should be', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 })), (words) => {
        expect(commandWords(quoted(words))).toEqual(words);
      }),
      { numRuns: 300 },
    );
  });
});

describe('[L6] narrowing by flags', () => {
  it('reads every flag', () => {
    expect(
      parse(
        'train-x --last 2h --tail 500 --stream algo-1,algo-2 --grep "loss 0" --raw --dm --fresh --use-case line-3',
      ),
    ).toEqual({
      job: 'train-x',
      since: NOW - 7_200_000,
      span: 7_200_000,
      tail: 500,
      streams: ['algo-1', 'algo-2'],
      match: { kind: 'text', pattern: 'loss 0' },
      form: 'raw',
      dm: true,
      fresh: true,
      useCase: 'line-3',
    });
  });

  it('takes --regex with a pattern, and as a switch for --grep', () => {
    expect(parse('train-x --regex loss=.*').match).toEqual({ kind: 'regex', pattern: 'loss=.*' });
    expect(parse('train-x --grep loss=.* --regex').match).toEqual({ kind: 'regex', pattern: 'loss=.*' });
    expect(parse('--grep loss=.* --regex train-x')).toMatchObject({
      job: 'train-x',
      match: { kind: 'regex' },
    });
  });

  it.each([
    ['14:02', Date.UTC(2026, 10, 20, 14, 2), '2026-11-20 14:02'],
    ['a time today', Date.UTC(2026, 10, 21, 8, 2, 5), '08:02:05'],
    ['a date', Date.UTC(2026, 10, 20), '2026-11-20'],
    ['an ISO time without a zone', Date.UTC(2026, 10, 20, 14, 2), '2026-11-20T14:02'],
    ['an ISO time in UTC', Date.UTC(2026, 10, 20, 14, 2, 3, 456), '2026-11-20T14:02:03.456Z'],
    ['an ISO time with an offset', Date.UTC(2026, 10, 20, 12, 2), '2026-11-20T14:02+02:00'],
    ['milliseconds since the epoch', 1_763_000_000_123, '1763000000123'],
    ['a duration ago', NOW - 5_400_000, '1h30m'],
  ])('takes %s as --since', (_, expected, text) => {
    expect(parse(`train-x --since ${text}`).since).toBe(expected);
  });

  it.each([
    ['2h ago', NOW - 7_200_000],
    ['-2h', NOW - 7_200_000],
    ['30 minutes ago', NOW - 1_800_000],
    ['an hour ago', NOW - 3_600_000],
    ['1 hour 30 minutes ago', NOW - 5_400_000],
    ['today', Date.UTC(2026, 10, 21)],
    ['yesterday', Date.UTC(2026, 10, 20)],
    ['yesterday 14:02', Date.UTC(2026, 10, 20, 14, 2)],
    ['yesterday at 14:02', Date.UTC(2026, 10, 20, 14, 2)],
    ['2026-11-20 14:02', Date.UTC(2026, 10, 20, 14, 2)],
    ['08:02 UTC', Date.UTC(2026, 10, 21, 8, 2)],
    // 2026-11-21 is a Saturday.
    ['saturday', Date.UTC(2026, 10, 21)],
    ['last saturday', Date.UTC(2026, 10, 14)],
    ['last monday 9:30', Date.UTC(2026, 10, 16, 9, 30)],
    ['Mon', Date.UTC(2026, 10, 16)],
  ])('takes --since %s without quotes, before and after the name', (text, expected) => {
    expect(parse(`train-x --since ${text}`)).toMatchObject({ job: 'train-x', since: expected });
    expect(parse(`--since ${text} train-x --tail 5`)).toMatchObject({
      job: 'train-x',
      since: expected,
      tail: 5,
    });
    expect(parse(`train-x --since="${text}"`).since).toBe(expected);
  });

  it('takes --last over several words', () => {
    expect(parse('--last 2 hours train-x')).toMatchObject({ job: 'train-x', span: 7_200_000 });
    expect(parse('train-x --last hour --raw')).toMatchObject({ span: 3_600_000, form: 'raw' });
    expect(parse('train-x --last 1h 30m').span).toBe(5_400_000);
  });

  it.each(['-n 50', '-n50', '-n=50', '-50', '--n 50', '–n 50', '--tail=50'])(
    'takes %s as --tail 50',
    (flag) => {
      expect(parse(`train-x ${flag}`)).toMatchObject({ job: 'train-x', tail: 50 });
    },
  );

  it('asks for the same from a moment on, whatever range was asked for before', () => {
    const since = Date.UTC(2026, 10, 19, 8);
    for (const text of [
      '--last 2 hours',
      '--since=2 days ago --until yesterday',
      '--since yesterday 14:02',
      '',
    ]) {
      const order = fromThenOn(parseLogOrder(commandWords(`train-x ${text} --grep "CUDA out"`)), since);
      expect(queryAt(order, NOW)).toEqual({
        job: 'train-x',
        since,
        span: NOW - since,
        streams: [],
        match: { kind: 'text', pattern: 'CUDA out' },
        form: 'lines',
        dm: false,
      });
    }
  });
});

const CONSOLE = 'https://eu-west-1.console.aws.amazon.com';
const LOG_GROUP = `${CONSOLE}/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FTrainingJobs`;

describe('a job’s name out of what people paste', () => {
  const forms: readonly [what: string, paste: (name: string) => string][] = [
    ['in backticks', (name) => `\`${name}\``],
    ['in bold', (name) => `*${name}*`],
    ['in quotes', (name) => `“${name}”`],
    ['in brackets, with a full stop', (name) => `(${name}).`],
    ['with non-breaking hyphens', (name) => name.replaceAll('-', '\u2011')],
    ['with en dashes', (name) => name.replaceAll('-', '–')],
    ['with zero-width characters', (name) => `\ufeff${[...name].join('\u200b')}\u200d`],
    ['with soft hyphens', (name) => [...name].join('\u00ad')],
    ['its ARN', (name) => `arn:aws:sagemaker:eu-west-1:123456789012:training-job/${name}`],
    ['its ARN in China', (name) => `arn:aws-cn:sagemaker:cn-north-1:123456789012:training-job/${name}`],
    ['a stream', (name) => `${name}/algo-1-1731312000`],
    ['a stream with its group', (name) => `/aws/sagemaker/TrainingJobs/${name}/algo-1-1731312000`],
    ['its model', (name) => `s3://line-3-models/training/${name}/output/model.tar.gz`],
    ['its page', (name) => `${CONSOLE}/sagemaker/home?region=eu-west-1#/jobs/${name}`],
    [
      'its page in GovCloud',
      (name) => `https://us-gov-west-1.console.amazonaws-us-gov.com/sagemaker/home#/jobs/${name}`,
    ],
    [
      'its page as Slack writes links',
      (name) => `<${CONSOLE}/sagemaker/home?region=eu-west-1#/jobs/${name}|look>`,
    ],
    ['a stream’s page', (name) => `${LOG_GROUP}/log-events/${name}$252Falgo-1-1731312000`],
    [
      'a stream’s page, decoded once',
      (name) =>
        `${CONSOLE}/cloudwatch/home#logsV2:log-groups/log-group/%252Faws%252Fsagemaker%252FTrainingJobs/log-events/${name}%252Falgo-1-1731312000`,
    ],
    ['the list of its streams', (name) => `${LOG_GROUP}$3FlogStreamNameFilter$3D${name}$252F`],
    [
      'a stream’s page of the old console',
      (name) =>
        `${CONSOLE}/cloudwatch/home?region=eu-west-1#logEventViewer:group=/aws/sagemaker/TrainingJobs;stream=${name}/algo-1-1731312000`,
    ],
    ['the links of the cards', (name) => trainingJobUrl('eu-west-1', name)],
    ['the log links of the cards', (name) => trainingLogUrl('cn-north-1', name)],
  ];
  const name = fc.stringMatching(/^[a-zA-Z0-9](?:-?[a-zA-Z0-9]){2,30}$/);

  it.each(forms)('%s', (_, paste) => {
    fc.assert(
      fc.property(name, (job) => {
        const pasted = paste(job);
        expect(parseJobName(pasted)).toBe(job);
        expect(parse(`${pasted} --tail 5`)).toMatchObject({ job, tail: 5 });
        // In a sentence a name without digits and hyphens is a word like any other.
        if (/[-\d]/.test(job)) expect(jobNameCandidates(`Why did ${pasted} fail`)).toContain(job);
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['processing', (name) => `arn:aws:sagemaker:eu-west-1:123456789012:processing-job/${name}`],
    ['processing', (name) => kindPageUrl('processing', 'eu-west-1', name)!],
    ['processing', (name) => kindLogUrl('processing', 'eu-west-1', name)!],
    ['transform', (name) => `TransformJobs/${name}/i-0a1b2c3d4e5f67890-1731312000`],
    ['tuning', (name) => kindPageUrl('tuning', 'us-gov-west-1', name)!],
    ['compilation', (name) => kindPageUrl('compilation', 'eu-west-1', name)!],
    ['endpoint', (name) => kindLogUrl('endpoint', 'eu-west-1', name)!],
    ['endpoint', (name) => `arn:aws:sagemaker:eu-west-1:123456789012:endpoint/${name}`],
    ['notebook', (name) => kindPageUrl('notebook', 'eu-west-1', name)!],
    ['job', (name) => `arn:aws:sagemaker:eu-west-1:123456789012:job/AgentRFT/${name}`],
  ] satisfies [KindName, (name: string) => string][])(
    '[K1] means a job of its own kind: %s',
    (kind, paste) => {
      fc.assert(
        fc.property(name, (job) => {
          expect(parseJobName(paste(job))).toBe(`${kind}:${job}`);
          expect(() => parseTrainingName(paste(job))).toThrow(
            `is a ${PROVIDERS[kind].thing}, not a training job`,
          );
        }),
        { numRuns: 100 },
      );
    },
  );

  /** What is pasted of a kind's job: its ARN in each partition, its page and its log where they have an address. */
  const pastedOf: Readonly<Record<SageMakerName, (job: string) => (string | undefined)[]>> =
    Object.fromEntries(
      SAGEMAKER_NAMES.map((kind) => [
        kind,
        (job: string) => {
          const [resource = ''] = SAGEMAKER_KINDS[kind].resources;
          const { pipeline, id } = readExecutionName(job) ?? { pipeline: job, id: '' };
          const name =
            { pipeline: `${pipeline}/execution/${id}`, job: `AgentRFT/${job}` }[kind as string] ?? job;
          return ['eu-west-1', 'cn-north-1', 'us-gov-west-1'].flatMap((region) => [
            awsArn({ account: '123456789012', region }, 'sagemaker', `${resource}/${name}`),
            kindPageUrl(kind, region, job),
            kindLogUrl(kind, region, job),
          ]);
        },
      ]),
    ) as never;

  it.each(SAGEMAKER_NAMES)('[K1] is the same job of the same kind again: %s', (kind) => {
    fc.assert(
      fc.property(name, (some) => {
        const job = kind === 'pipeline' ? `${some}-abc123def456` : some;
        for (const pasted of pastedOf[kind](job).filter((one) => one !== undefined)) {
          const key = kind === 'sagemaker' ? job : `${kind}:${job}`;
          expect(parseJobName(pasted)).toBe(key);
          expect(parseJobName(`processing:${pasted}`)).toBe(kind === 'sagemaker' ? `processing:${job}` : key);
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['cluster', '/aws/sagemaker/Clusters/weld-1/abc123def456'],
    [
      'cluster',
      `${CONSOLE}/cloudwatch/home#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FClusters$252Fweld-1$252Fabc123def456`,
    ],
    ['endpoint', '/aws/sagemaker/Endpoints/weld-1'],
    ['endpoint', 'Endpoints/weld-1/AllTraffic/i-0a1b2c3d4e5f67890'],
    ['job', '/aws/sagemaker/Job/AgentRFT/weld-1/training-2026-11-29T10-00-00'],
    [
      'job',
      `${CONSOLE}/cloudwatch/home#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FJob$252FAgentRFT/log-events/weld-1$252Ftraining-2026`,
    ],
    ['notebook', 'NotebookInstances/weld-1/jupyter.log'],
  ])('[K1] means a %s out of its group and stream: %s', (kind, pasted) => {
    expect(parseJobName(pasted)).toBe(`${kind}:weld-1`);
  });

  it('[K1] may be as long as a pipeline’s, and no other is', () => {
    const long = `${'a'.repeat(256)}-abc123def456`;
    expect(parseJobName(long)).toBe(long);
    expect(parseJobName(`pipeline:${long}`)).toBe(`pipeline:${long}`);
    expect(() => parseJobName(`a${long}`)).toThrow('at most 120 characters');
    expect(() => parseJobName('a'.repeat(121))).toThrow('at most 120 characters');
  });

  it('[K1] of a pipeline’s execution is made of both its parts', () => {
    const arn = 'arn:aws:sagemaker:eu-west-1:123456789012:pipeline/weld/execution/abc123def456';
    expect(parseJobName(arn)).toBe('pipeline:weld-abc123def456');
  });

  it('is taken for a part of a name too, where nothing else may be meant', () => {
    expect(pastedName(`${CONSOLE}/sagemaker/home#/jobs/train-x`)).toBe('train-x');
    expect(pastedName('train\u2011x')).toBe('train-x');
    for (const text of ['resnet', '*-v2', 'line 3']) expect(pastedName(text)).toBe(text);
  });

  it.each([
    [
      'arn:aws:sagemaker:eu-west-1:123456789012:model-package/weld/3',
      /leads to a model package, “weld\/3”, not to a job/,
    ],
    ['arn:aws:sagemaker:eu-west-1:123456789012:pipeline/weld', /leads to a pipeline, “weld”/],
    [`${CONSOLE}/s3/buckets/models`, /no job in the link/],
    ['https://evil.example/sagemaker/home#/jobs/train-x', /no job in the link/],
  ])('says what %s is instead', (text, message) => {
    expect(refusal(text).message).toMatch(message);
  });
});

describe('bad arguments are answered with what was expected and what came', () => {
  it.each([
    ['--last 2h', /No job was named/],
    ['train-x --last banana', /duration.*banana/],
    ['train-x --last', /--last needs a value/],
    ['train-x --since --until 2h', /--since needs a value.*--until/],
    ['train-x --since 2026-02-31', /--since expects a time/],
    ['train-x --since 25:00', /--since expects a time/],
    ['train-x --since 10:00', /future/],
    ['train-x --since lastish', /--since expects a time, and “lastish”/],
    ['train-x --since last', /--since expects a time/],
    ['train-x --since yesterday 25:00', /Expected one job name/],
    ['train-x -n', /--tail needs a value/],
    ['train-x -n many', /whole number/],
    ['train-x --since 1h --until 2h', /not before/],
    ['train-x --last 1h --since 2h', /--last was given together/],
    ['train-x --tail banana', /whole number/],
    ['train-x --tail 0', /whole number/],
    ['train-x --raw --plain', /both/],
    ['train-x --grep a --regex b', /both/],
    ['train-x --regex', /needs a pattern/],
    ['train-x --grep ""', /empty/],
    ['train-x train-y', /but got 2/],
    ['train-x 2h', /but got 2/],
    ['../../etc/passwd', /cannot be a job name/],
    ['train`x`y', /cannot be a job name/],
    ['@channel', /cannot be a job name/],
    [`train-${'x'.repeat(300)}`, /at most 120 characters/],
  ])('%s', (text, message) => {
    const error = refusal(text);
    expect(error.code).toBe('invalid_input');
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
    expect(error.message.length + error.hint!.length).toBeLessThan(600);
  });

  it('names what can stand before a colon', () => {
    expect(refusal('banana:train-x').hint).toMatch(/training, processing, transform, tuning.*local, runpod/);
  });

  it('names the nearest flag for a mistyped one', () => {
    expect(refusal('train-x --sinse 2h').hint).toContain('Did you mean --since?');
    expect(refusal('train-x -tail 5').hint).toContain('Did you mean --tail?');
  });

  it('refuses or accepts any text, and never fails otherwise', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '--last',
        '--since',
        '--until',
        '--tail',
        '--grep',
        '--regex',
        '--stream',
        '—raw',
        '2h',
        '14:02',
        '"',
        '=',
      ),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          const query = parse(words.join(' '));
          expect(query.job).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
          expect((error as AppError).code).toBe('invalid_input');
        }
      }),
      { numRuns: 500 },
    );
  });
});

it('knows when help is asked for', () => {
  for (const words of [[], ['help'], ['HELP'], ['--help'], ['train-x', '--help'], ['?']])
    expect(asksForHelp(words)).toBe(true);
  expect(asksForHelp(['train-x'])).toBe(false);
});

it('reads durations', () => {
  expect(parseDuration('90s')).toBe(90_000);
  expect(parseDuration('1.5h')).toBe(5_400_000);
  expect(parseDuration('2 hours')).toBe(7_200_000);
  for (const text of ['', '2', 'h', '2x', '-2h', '0h', '2h3']) expect(parseDuration(text)).toBeUndefined();
});

it('finds what may be a job’s name in a message, likeliest first', () => {
  expect(jobNameCandidates('Why did train-resnet-0731 fail? see the follow-up')).toEqual([
    'train-resnet-0731',
    'follow-up',
  ]);
});

it('finds no job name, and takes no long time over it, in texts that nobody types', () => {
  for (const part of ['a', '─', 'a.', '/', ' ', '(`']) {
    const text = part.repeat(300_000);
    expect(jobNameCandidates(text)).toEqual([]);
    expect(() => parseJobName(`x${text}x`)).toThrow(AppError);
  }
});
