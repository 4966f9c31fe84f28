import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { childEnvironment, loadConfig } from '../../src/config.ts';
import { SAGEMAKER_NAMES } from '../../src/domain/providers.ts';
import { DEFAULT_RECIPE_TEMPLATE } from '../../src/domain/recipes.ts';
import { targetTable } from '../../src/domain/targets.ts';
import { AppError } from '../../src/ground/errors.ts';
import { testFolder } from '../fixtures/test-folder.ts';

const SLACK = { SLACK_BOT_TOKEN: 'xoxb-1-2-abc', SLACK_APP_TOKEN: 'xapp-1-A-b' };

const MINIMAL = `
storage: { dataDir: ./data }
useCases:
  - { id: bench, name: Bench, account: "123456789012", region: us-east-1, channels: [C0BENCH],
      access: { viewer: [channel-members] }, providers: { sagemaker: true } }
`;

/** Every section that a signalbox.yaml may have, also those of parts that are not built in yet. */
const WHOLE = `
storage: { dataDir: ./data }
events:  { queueUrl: https://sqs.eu-west-1.amazonaws.com/111122223333/signalbox-events, region: eu-west-1 }
viewer:  { publicUrl: https://signalbox.example.com, allowedOrigins: [https://dash.example.com], linksExpireAfter: 10m }
admins:  [U0ADMIN]
useCases:
  - id: line-3
    name: Line 3 defects
    account: "123456789012"
    region: eu-west-1
    roleArn: arn:aws:iam::123456789012:role/SignalboxAccess
    externalId: 6f1d0c0e
    channels: [C0LINE3]
    alertsChannel: C0ALERTS
    access:
      viewer: [channel-members]
      dataScientist: [S0SCIENCE]
      operator: [S0OPS]
      admin: [U0LEAD]
    onCall: { levels: [[S0ONCALL], [U0LEAD]], escalateAfter: 10m }
    logs: { delivery: channel, gzipAbove: 50MB }
    compile:
      roleArn: arn:aws:iam::123456789012:role/NeoExecution
      outputS3: s3://line-3-models/compiled
      framework: PYTORCH
      frameworkVersion: "1.8"
      dataInputConfig: { input: [1, 3, 224, 224] }
      targets: [jetson-xavier, x86_64-cpu]
      auto: true
      timeout: 1h
    components: { auto: true, namePrefix: model-, recipeTemplate: ./recipes/edge.yaml }
    providers:
      sagemaker: true
      local:  { baseUrl: "http://127.0.0.1:8700", tokenEnv: RUNNER_TOKEN }
      runpod: { apiKeyEnv: RUNPOD_API_KEY }
`;

const ROLE_AND_OUTPUT =
  'roleArn: arn:aws:iam::123456789012:role/NeoExecution, outputS3: s3://line-3-models/compiled';

/** One use case with the given sections. */
const withSections = (sections: string): string => `
useCases:
    - id: bench
      name: Bench
      account: "123456789012"
      region: us-east-1
      channels: [C0BENCH]
      access: { viewer: [channel-members] }${sections}
`;

/** @param recipe what stands in recipes/edge.yaml beside the file */
function load(
  yaml: string,
  env: Record<string, string> = {},
  requireSlack = false,
  recipe = DEFAULT_RECIPE_TEMPLATE,
) {
  const cwd = testFolder('config');
  writeFileSync(join(cwd, 'signalbox.yaml'), yaml);
  mkdirSync(join(cwd, 'recipes'));
  writeFileSync(join(cwd, 'recipes/edge.yaml'), recipe);
  const options = { env, cwd };
  return requireSlack ? loadConfig({ ...options, requireSlack: true }) : loadConfig(options);
}

function problems(
  yaml: string,
  env: Record<string, string> = {},
  requireSlack = false,
  recipe?: string,
): string {
  try {
    load(yaml, env, requireSlack, recipe);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe('invalid_input');
    return (error as AppError).message;
  }
  throw new Error('expected problems, and there were none');
}

describe('what a configuration gives', () => {
  it('gives providers their settings, and the secrets that these name, which reach no log and no JSON', () => {
    const yaml = MINIMAL.replace(
      '{ sagemaker: true }',
      '{ local: { baseUrl: "http://127.0.0.1:8700", tokenEnv: RUNNER_TOKEN }, sagemaker: true }',
    );
    const config = load(yaml, { RUNNER_TOKEN: 'hush-hush-token' });
    const local = config.useCases[0]?.providers?.local;
    expect(local).toMatchObject({ baseUrl: 'http://127.0.0.1:8700', token: { variable: 'RUNNER_TOKEN' } });
    expect(local?.token?.read()).toBe('hush-hush-token');
    expect(config.secrets).toContain('hush-hush-token');
    expect(JSON.stringify(config.useCases)).not.toContain('hush-hush-token');
    expect(load(yaml).useCases[0]?.providers?.local?.token?.read()).toBeUndefined();
  });

  it('[K1] knows which kinds of SageMaker’s jobs a use case shows, in the order of the table', () => {
    const kinds = (given: string) =>
      load(MINIMAL.replace('sagemaker: true', `sagemaker: ${given}`)).useCases[0]?.providers?.sagemaker;
    expect(kinds('{ kinds: all }')).toEqual({ kinds: SAGEMAKER_NAMES });
    expect(kinds('{ kinds: [tuning, training, tuning] }')).toEqual({ kinds: ['sagemaker', 'tuning'] });
    expect(kinds('{ kinds: [processing] }')).toEqual({ kinds: ['processing'] });
    // As in every earlier version.
    expect(kinds('{ kinds: [training] }')).toBe(true);
    for (const [wrong, words] of [
      [
        '{ kinds: [processsing] }',
        /kinds: expected all, or some of training, processing, .*, but got \["processsing"\]/,
      ],
      ['{ kind: all }', /there is no such key.*Did you mean "kinds"/],
      [
        'sometimes',
        /expected true \(training jobs alone\), false, or the kinds of its jobs, but got "sometimes"/,
      ],
    ] as const)
      expect(problems(MINIMAL.replace('sagemaker: true', `sagemaker: ${wrong}`))).toMatch(words);
  });

  it('fills in what is left out', () => {
    const config = load(MINIMAL);
    expect(config.useCases).toEqual([
      {
        id: 'bench',
        name: 'Bench',
        aws: { account: '123456789012', region: 'us-east-1' },
        channels: ['C0BENCH'],
        access: { viewer: ['channel-members'] },
        discoverable: false,
        logs: { delivery: 'channel', gzipAbove: 50_000_000, secondLane: 'auto' },
        providers: { sagemaker: true },
        stuckAfterMs: 30 * 60_000,
      },
    ]);
    expect(config.slack).toBeUndefined();
    expect(config.port).toBeUndefined();
    expect(config.logLevel).toBe('info');
    expect(config.dataDir).toBe(resolve(config.path, '../data'));
  });

  it('accepts every section, those of later parts too', () => {
    const [useCase] = load(WHOLE).useCases;
    expect(useCase).toMatchObject({
      aws: { roleArn: 'arn:aws:iam::123456789012:role/SignalboxAccess', externalId: '6f1d0c0e' },
      alertsChannel: 'C0ALERTS',
      access: { dataScientist: ['S0SCIENCE'], admin: ['U0LEAD'] },
    });
    expect(useCase?.compile).toEqual({
      roleArn: 'arn:aws:iam::123456789012:role/NeoExecution',
      outputS3: 's3://line-3-models/compiled',
      framework: 'PYTORCH',
      frameworkVersion: '1.8',
      dataInputConfig: { input: [1, 3, 224, 224] },
      targets: ['jetson-xavier', 'x86_64-cpu'],
      auto: true,
      timeoutSeconds: 3600,
    });
    expect(useCase?.components).toEqual({
      auto: true,
      namePrefix: 'model-',
      recipeTemplate: DEFAULT_RECIPE_TEMPLATE,
    });
  });

  it('[O1] takes how long logs of runs stay and how much of the disk they may have', () => {
    expect(load(MINIMAL).runs).toEqual({ keepFor: 30 * 86_400_000, disk: 10e9 });
    const storage = (keys: string) => MINIMAL.replace('dataDir: ./data', `dataDir: ./data, ${keys}`);
    expect(load(storage('keepRuns: 36h, runsDisk: 2GB')).runs).toEqual({
      keepFor: 36 * 3_600_000,
      disk: 2e9,
    });
    expect(load(storage('keepRuns: forever')).runs.keepFor).toBeUndefined();
    expect(problems(storage('keepRuns: 30, runsDisk: 1MB'))).toMatch(
      /storage\.keepRuns: expected a duration of a minute or more, or 'forever'(.|\n)*storage\.runsDisk: expected a size of 512 MiB or more/,
    );
  });

  it('[L11] takes how much is kept of logs that were read, and for how long, or that nothing is', () => {
    expect(load(MINIMAL).library).toEqual({ keepFor: 30 * 86_400_000, disk: 10e9 });
    const logs = (section: string): string => `logs: ${section}\n${MINIMAL}`;
    expect(load(logs('{ library: { disk: 500MB, keep: 12h } }')).library).toEqual({
      keepFor: 12 * 3_600_000,
      disk: 500e6,
    });
    expect(load(logs('{ library: { keep: 1d } }')).library).toEqual({ keepFor: 86_400_000, disk: 10e9 });
    expect(load(logs('{ library: off }')).library).toBeUndefined();
    expect(problems(logs('{ library: on }'))).toMatch(/logs\.library: expected a section, or 'off'/);
    expect(problems(logs('{ library: { disk: much, keep: 30 } }'))).toMatch(/logs\.library/);
  });

  it('[W5] takes where runs are opened, whose links hold for five minutes and which needs a port', () => {
    expect(load(WHOLE)).toMatchObject({
      viewer: {
        publicUrl: 'https://signalbox.example.com',
        allowedOrigins: ['https://dash.example.com'],
        linkFor: 600_000,
      },
      port: 3000,
    });
    const plain = `viewer: { publicUrl: "http://127.0.0.1:8080/signalbox/" }\n${MINIMAL}`;
    expect(load(plain, { PORT: '8080' })).toMatchObject({
      viewer: { publicUrl: 'http://127.0.0.1:8080/signalbox/', allowedOrigins: [], linkFor: 300_000 },
      port: 8080,
    });
    expect(load(MINIMAL).viewer).toBeUndefined();
    expect(load(MINIMAL).host).toBeUndefined();
    expect(load(MINIMAL, { SIGNALBOX_HOST: '127.0.0.1' }).host).toBe('127.0.0.1');
  });

  it.each([
    ['publicUrl: signalbox.example.com', 'viewer.publicUrl: expected the http or https URL'],
    ['publicUrl: "https://a.example.com/?x=1"', 'viewer.publicUrl: expected the http or https URL'],
    ['allowedOrigins: []', 'viewer.publicUrl: expected the http or https URL'],
    [
      'publicUrl: https://a.example.com, allowedOrigins: ["*"]',
      'viewer.allowedOrigins[0]: expected the origin',
    ],
    [
      'publicUrl: https://a.example.com, allowedOrigins: [https://b.example.com/]',
      'viewer.allowedOrigins[0]: expected the origin',
    ],
    [
      'publicUrl: https://a.example.com, linksExpireAfter: 5s',
      'viewer.linksExpireAfter: expected a duration of a minute or more',
    ],
    ['publicUrl: https://a.example.com, linkMinutes: 5', 'viewer.linkMinutes: there is no such key'],
  ])('[W5] says what is wrong with a viewer: %s', (viewer, words) => {
    expect(problems(`viewer: { ${viewer} }\n${MINIMAL}`)).toContain(words);
  });

  it('fills in what compile and components leave out, and takes targets of its own', () => {
    const [useCase] = load(
      withSections(`
      compile: { ${ROLE_AND_OUTPUT}, framework: pytorch, dataInputConfig: "input=1x3x224x224", targets: [camera-box],
        customTargets: { camera-box: { platform: { os: LINUX, arch: ARM64 }, options: { mcpu: cortex-a72 } } } }
      components: {}`),
    ).useCases;
    expect(useCase?.compile).toMatchObject({ framework: 'PYTORCH', auto: false, timeoutSeconds: 900 });
    expect(targetTable(useCase?.compile?.customTargets).get('camera-box')).toMatchObject({
      neo: { platform: { os: 'LINUX', arch: 'ARM64' } },
      architecture: 'aarch64',
    });
    expect(useCase?.components).toEqual({ auto: false });
  });

  it('accepts the example file as it is', () => {
    const example = readFileSync(resolve(import.meta.dirname, '../../signalbox.example.yaml'), 'utf8');
    expect(load(example).useCases.map(({ id }) => id)).toEqual(['line-3']);
  });

  it.each([
    ['50MB', 50_000_000],
    ['1.5GiB', 1_610_612_736],
    ['200 kB', 200_000],
    ['123', 123],
  ])('reads the size %s', (size, bytes) => {
    const yaml = MINIMAL.replace('providers:', `logs: { gzipAbove: ${size} }, providers:`);
    expect(load(yaml).useCases[0]?.logs.gzipAbove).toBe(bytes);
  });

  it('takes Socket Mode when there is an app-level token, else HTTP mode', () => {
    expect(load(MINIMAL, { ...SLACK, SLACK_SIGNING_SECRET: 's' }).slack?.connection.mode).toBe('socket');
    const http = load(MINIMAL, { SLACK_BOT_TOKEN: 'xoxb-1-2-abc', SLACK_SIGNING_SECRET: 's', PORT: '8080' });
    expect(http.slack?.connection).toEqual({ mode: 'http', signingSecret: 's', port: 8080 });
  });

  it('ends the API address with a slash, since method names follow', () => {
    expect(load(MINIMAL, { ...SLACK, SLACK_API_URL: 'http://127.0.0.1:1/api' }).slack?.apiUrl).toBe(
      'http://127.0.0.1:1/api/',
    );
  });

  it('lets the environment choose file and data folder', () => {
    const cwd = testFolder('config');
    writeFileSync(join(cwd, 'other.yaml'), MINIMAL);
    const config = loadConfig({
      cwd,
      env: { SIGNALBOX_CONFIG: 'other.yaml', SIGNALBOX_DATA_DIR: 'elsewhere' },
    });
    expect(config.path).toBe(join(cwd, 'other.yaml'));
    expect(config.dataDir).toBe(join(cwd, 'elsewhere'));
  });

  it('counts an empty variable as not set', () => {
    expect(load(MINIMAL, { PORT: '', SLACK_BOT_TOKEN: ' ', LOG_LEVEL: '' })).toMatchObject({
      port: undefined,
      slack: undefined,
      logLevel: 'info',
    });
  });
});

describe('what is wrong with a configuration', () => {
  it('says everything at once, each with its key, what was expected, what it got and an example', () => {
    const message = problems(
      `
storage: { dataDir: 5 }
admins: [ada]
useCases:
  - id: Line 3
    account: 123456789012
    region: europe
    channels: ["#line-3"]
    access: { viewer: everybody, owner: [U0LEAD] }
    logs: { delivery: email, gzipAbove: much }
    onCall: { levels: [[S0ONCALL]], escalateAfter: soon }
    compile: { roleArn: NeoExecution, outputS3: /tmp }
`,
      { PORT: 'http', LOG_LEVEL: 'loud', SLACK_BOT_TOKEN: 'secret-of-something-else' },
      true,
    );
    for (const key of [
      'storage.dataDir',
      'admins[0]',
      'useCases[0].id',
      'useCases[0].name',
      'useCases[0].account',
      'useCases[0].region',
      'useCases[0].channels[0]',
      'useCases[0].access.viewer',
      'useCases[0].access.owner',
      'useCases[0].logs.delivery',
      'useCases[0].logs.gzipAbove',
      'useCases[0].onCall.escalateAfter',
      'useCases[0].compile.roleArn',
      'useCases[0].compile.outputS3',
      'PORT',
      'LOG_LEVEL',
      'SLACK_BOT_TOKEN',
      'SLACK_APP_TOKEN',
    ]) {
      const line = message.split('\n').find((text) => text.includes(`• ${key}`));
      expect(line, `a line for ${key} in:\n${message}`).toBeDefined();
    }
    expect(message).toContain(
      'useCases[0].region: expected an AWS region, but got "europe". Example: region: eu-west-1',
    );
    expect(message).toContain('useCases[0].name: expected a name of 1 to 80 characters, but it is missing.');
    expect(message).toContain('18 problems');
  });

  const elsewhere = (more = '') =>
    `useCases: [{ id: lab, name: Lab, channels: [C0LAB], access: {}, providers: { runpod: {} }${more} }]`;

  it('wants no AWS account of a use case that has nothing there', () => {
    const [useCase] = load(elsewhere()).useCases;
    expect(useCase).toMatchObject({ id: 'lab', providers: { sagemaker: false } });
    expect(useCase?.aws).toBeUndefined();
  });

  it.each([
    ['it trains on SageMaker', ', discoverable: true', 'providers: { sagemaker: true }'],
    [
      'it compiles',
      ', compile: { roleArn: "arn:aws:iam::123456789012:role/Neo", outputS3: "s3://models/x" }',
    ],
    ['it packages', ', components: { auto: false }'],
    ['a role is given', ', roleArn: "arn:aws:iam::123456789012:role/Signalbox"'],
  ])('wants account and region where %s', (_, more, providers = 'providers: { runpod: {} }') => {
    const message = problems(elsewhere(more).replace('providers: { runpod: {} }', providers));
    expect(message).toContain('useCases[0].account: expected an AWS account number');
    expect(message).toContain('useCases[0].region: expected an AWS region, but it is missing');
    expect(message).toContain('2 problems');
  });

  describe('the secrets that providers name', () => {
    const base = 'local: { baseUrl: "http://127.0.0.1:8700", tokenEnv: LAB_TOKEN }';
    const yaml = elsewhere().replace(
      'providers: { runpod: {} }',
      `providers: { runpod: { apiKeyEnv: RUNPOD_KEY }, ${base}, push: { tokenEnv: PUSH_TOKEN } }`,
    );
    const slack = { SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' };
    const strong = '0123456789abcdef';

    it('must be there to start, each under its own key; to check the file they need not', () => {
      expect(load(yaml).useCases).toHaveLength(1);
      const message = problems(yaml, slack, true);
      expect(message).toContain(
        'useCases[0].providers.local.tokenEnv: expected LAB_TOKEN in the environment, the RUNNER_TOKEN of the runner, but it is not set. Example: LAB_TOKEN=…',
      );
      expect(message).toContain(
        'useCases[0].providers.push.tokenEnv: expected PUSH_TOKEN in the environment',
      );
      // That provider is not used yet.
      expect(message).not.toContain('RUNPOD_KEY');
      expect(message).toContain('2 problems');
    });

    it('are refused where they are too weak to keep strangers out, and not shown', () => {
      const message = problems(yaml, { ...slack, LAB_TOKEN: 'abc', PUSH_TOKEN: 'short one' }, true);
      expect(message).toContain('useCases[0].providers.push.tokenEnv: expected PUSH_TOKEN to be at least 16');
      expect(message).not.toContain('short one');
      expect(message).toContain('1 problem ');
      expect(load(yaml, { ...slack, LAB_TOKEN: 'abc', PUSH_TOKEN: strong }, true).useCases).toHaveLength(1);
    });
  });

  it('wants the region of an account', () => {
    expect(problems(elsewhere(', account: "123456789012"'))).toContain('useCases[0].region: expected');
  });

  it('names the nearest key for one that does not exist', () => {
    const message = problems(
      MINIMAL.replace('region:', 'regoin:').replace('storage: {', 'storage: { datadir: x,'),
    );
    expect(message).toContain(
      'useCases[0].regoin: there is no such key (its value is "us-east-1"). Did you mean "region"?',
    );
    expect(message).toContain(
      'storage.datadir: there is no such key (its value is "x"). Did you mean "dataDir"?',
    );
    expect(message).toContain('useCases[0].region: expected an AWS region, but it is missing');
  });

  it('lists the known keys when none is near', () => {
    expect(problems(`colour: red\n${MINIMAL}`)).toMatch(
      /colour: there is no such key \(its value is "red"\)\. Known here: storage,/,
    );
  });

  it('never repeats what stands in a token variable', () => {
    expect(problems(MINIMAL, { SLACK_BOT_TOKEN: 'hunter2-hunter2' })).not.toContain('hunter2');
  });

  it('names line and column of broken YAML, and a key given twice', () => {
    expect(problems('useCases: [\n  { id: a\n')).toMatch(/line \d+, column \d+: this is not valid YAML/);
    expect(problems(`${MINIMAL}\nstorage: {}\n`)).toMatch(/line \d+, column \d+: .*unique/i);
  });

  it.each([
    ['empty', ''],
    ['a list', '- a\n'],
    ['a word', 'hello'],
    ['null use cases', 'useCases:\n'],
  ])('answers a file that is %s in words', (_, yaml) => {
    expect(problems(yaml)).toMatch(/expected/);
  });

  it('finds what does not go together', () => {
    const twice = `${MINIMAL}  - { id: bench, name: Other, account: "210987654321", region: us-east-1, channels: [C0B], access: {},
      roleArn: "arn:aws:iam::123456789012:role/R" }
  - { id: third, name: Third, account: "210987654321", region: us-east-1, channels: [C0C], access: {}, externalId: abc }
`;
    const message = problems(twice);
    expect(message).toContain('useCases[1].id: expected an id of its own, but useCases[0] is "bench" too');
    expect(message).toContain("useCases[1].roleArn: expected a role in the use case's account 210987654321");
    expect(message).toContain('useCases[2].externalId: expected a roleArn beside it');
  });

  it('says what is wrong with compile settings, with what would be right', () => {
    const message = problems(
      withSections(`
      compile: { roleArn: "arn:aws:iam::210987654321:role/Neo", outputS3: s3://models/c, framework: PYTROCH,
        frameworkVersion: latest, dataInputConfig: { input: [1, x] }, targets: [jetson-xavir], timeout: 30s,
        customTargets: { other: { divice: rasp4b } } }`),
    );
    for (const text of [
      "compile.roleArn: expected a role in the use case's account 123456789012",
      'compile.customTargets.other.divice: there is no such key (its value is "rasp4b"). Did you mean "device"?',
      'compile.framework: Neo knows no framework “PYTROCH”. Did you mean PYTORCH?',
      'compile.frameworkVersion: Expected a framework version of 3 to 10 characters',
      'compile.dataInputConfig: Expected each input’s name',
      'compile.targets[0]: There is no target “jetson-xavir”. Did you mean jetson-xavier',
      'compile.timeout: expected at least one minute',
    ])
      expect(message).toContain(text);
    expect(
      problems(
        withSections(`
      compile: { ${ROLE_AND_OUTPUT}, customTargets: { camera-box: { platform: { os: LINUX, arch: ARM46 } } } }`),
      ),
    ).toMatch(
      /compile\.customTargets: Target “camera-box”: platform\.arch “ARM46” is not a known value: did you mean ARM64/,
    );
  });

  it('says what is wrong with component settings and the recipe template, before anything is packaged', () => {
    const template = '\n      components: { recipeTemplate: ./recipes/edge.yaml }';
    expect(problems(withSections('\n      components: { namePrefix: "aws.greengrass." }'))).toContain(
      'components.namePrefix: expected letters, digits',
    );
    expect(problems(withSections('\n      components: { recipeTemplate: ./nowhere.yaml }'))).toMatch(
      /components\.recipeTemplate: expected the path of a recipe template.*nowhere\.yaml cannot be read \(ENOENT\)/,
    );
    expect(problems(withSections(template), {}, false, 'ComponentName: {{nmae}}\n')).toContain(
      'The recipe template names {{nmae}}, which is not known. Did you mean {{name}}?',
    );
    expect(problems(withSections(template), {}, false, 'ComponentName: {{name}}\n')).toContain(
      'The recipe is not one that Greengrass accepts',
    );
  });

  it('says where it looked when there is no file', () => {
    const cwd = testFolder('config');
    expect(() => loadConfig({ cwd, env: {} })).toThrow(join(cwd, 'signalbox.yaml'));
  });
});

it('gives a child process the environment with changes', () => {
  const env = childEnvironment({ SIGNALBOX_TEST_ADDED: '1', PATH: undefined });
  expect(env.SIGNALBOX_TEST_ADDED).toBe('1');
  expect('PATH' in env).toBe(false);
});
