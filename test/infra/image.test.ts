/** The image: what its Dockerfile says, what that makes, and that it runs as nobody in particular in a read-only root. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DemoSandbox } from '../../src/demo/sandbox.ts';
import { botEnvironment, startSandboxOnly } from '../e2e/bot.ts';
import { until } from '../e2e/jobs.ts';
import { ignoredBy, parseDockerfile } from '../fixtures/dockerfile.ts';
import { endProcess } from '../fixtures/end-process.ts';
import { freePort } from '../fixtures/free-port.ts';
import { canEnterRoots, type Image, makeImage, only, stages } from '../fixtures/image.ts';
import { startPostgres, whyNoPostgres } from '../fixtures/postgres.ts';
import { template } from '../fixtures/templates.ts';
import { slackClient } from '../slack/sandbox-client.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const LARGEST_MB = 16;
const JOB = 'defects-resnet101-ddp';

const noPostgres = await whyNoPostgres();
if (noPostgres) console.log(noPostgres);
const last = stages.at(-1)!;
const health = only(last, 'HEALTHCHECK').exec!;

describe('[O1] the Dockerfile', () => {
  it('is built on bases of one exact version', () => {
    for (const { from } of stages) expect(from).toMatch(/^node:\d+\.\d+\.\d+-\w+-slim$/);
  });

  it('copies only what is there and .dockerignore lets through', () => {
    const ignored = ignoredBy(readFileSync(join(ROOT, '.dockerignore'), 'utf8'));
    const copied = stages.flatMap(({ instructions }) =>
      instructions
        .filter(({ word }) => word === 'COPY')
        .flatMap(({ text, flags }) =>
          text
            .split(' ')
            .slice(0, -1)
            .map((path) => (flags.from === undefined ? path : path.replace(/^\/src\//, ''))),
        ),
    );
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied.filter((one) => one !== 'dist')) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(ignored(path), path).toBe(false);
    }
    for (const secret of [
      '.env',
      'signalbox.yaml',
      'data/state.json',
      '.git/config',
      'node_modules/x',
      'sandbox/node_modules/x',
    ])
      expect(ignored(secret), secret).toBe(true);
  });

  it('names a user by number after everything that needs root, and words that no shell reads', () => {
    const words = last.instructions.map(({ word }) => word);
    expect(only(last, 'USER').text).toBe('1000:1000');
    expect(words.indexOf('USER')).toBeGreaterThan(words.lastIndexOf('RUN'));
    expect(words.indexOf('VOLUME')).toBeGreaterThan(words.lastIndexOf('RUN'));
    for (const word of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK'])
      expect(only(last, word).exec, word).toBeDefined();
    expect(last.instructions.some(({ text }) => /xox[bp]-|xapp-|SECRET=|TOKEN=|PASSWORD=/.test(text))).toBe(
      false,
    );
  });

  it('is read as Docker reads it: continued lines, flags, both forms', () => {
    expect(
      parseDockerfile(
        // biome-ignore lint/suspicious/noTemplateCurlyInString: Docker's placeholder
        'ARG A=b:1\n# no\nFROM ${A} AS x\nRUN a \\\n  && b\nHEALTHCHECK --interval=3s CMD ["c", "d"]\n',
      ),
    ).toEqual([
      {
        from: 'b:1',
        name: 'x',
        instructions: [
          { word: 'RUN', flags: {}, text: 'a && b', exec: undefined },
          { word: 'HEALTHCHECK', flags: { interval: '3s' }, text: 'CMD ["c", "d"]', exec: ['c', 'd'] },
        ],
      },
    ]);
    expect(() => parseDockerfile('FROM a\nCOPPY b c')).toThrow('no instruction: COPPY b c');
  });
});

describe.skipIf(!canEnterRoots)('[O1, O5] what the Dockerfile makes', () => {
  let folder: string;
  let image: Image;
  let sandbox: DemoSandbox;
  let sandboxData: string;
  let bot: ChildProcess | undefined;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-image-'));
    image = makeImage(folder);
    ({ sandbox, dataDir: sandboxData } = await startSandboxOnly());
    await copyFile(sandbox.configPath, join(image.root, 'config/signalbox.yaml'));
    const { SIGNALBOX_CONFIG: _theirs, ...rest } = botEnvironment(sandbox);
    env = { ...rest, PORT: String(await freePort()), LOG_LEVEL: 'info' };
  });
  afterEach(() => endProcess(bot));
  afterAll(async () => {
    await sandbox?.close();
    await rm(folder, { recursive: true, force: true });
    if (sandboxData) await rm(sandboxData, { recursive: true, force: true });
  });

  const program = [...only(last, 'ENTRYPOINT').exec!];

  async function isReady(child: ChildProcess): Promise<void> {
    let log = '';
    await new Promise<void>((done, reject) => {
      child.stderr!.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes('"ready"')) done();
      });
      child.once('exit', (code) => reject(new Error(`it ended with ${code}:\n${log}`)));
    });
    child.removeAllListeners('exit');
  }

  async function deliversLog(): Promise<void> {
    const client = slackClient(sandbox.url);
    const since = (await client.messages('C0LINE3')).length;
    await client.command('ada', 'C0LINE3', JOB);
    const message = await until(
      async () =>
        (await client.messages('C0LINE3'))
          .slice(since)
          .find((one) => one.files && JSON.stringify(one).includes(`Log of \`${JOB}\`* ·`)),
      `the log of ${JOB}`,
    );
    const text = (await client.content(message.files![0]!)).toString();
    expect(text).toMatch(/^# events +[\d,]+$/m);
  }

  it('is small and has no packages, tests or secrets', () => {
    const files = readdirSync(join(image.root, 'app'), { recursive: true, withFileTypes: true }).filter(
      (one) => one.isFile(),
    );
    expect(files.map(({ name }) => name).filter((name) => /\.(map|test\.\w+)$|^\.env/.test(name))).toEqual(
      [],
    );
    expect(readdirSync(join(image.root, 'app')).toSorted()).toEqual(
      [
        'LICENSE',
        'dist',
        'manifest.yml',
        'package.json',
        'rds-global-bundle.pem',
        'signalbox.example.yaml',
      ].toSorted(),
    );
    const size = spawnSync('du', ['-sb', join(image.root, 'app')], { encoding: 'utf8' });
    expect(Number.parseInt(size.stdout, 10)).toBeLessThan(LARGEST_MB * 1e6);
  });

  it('runs as its user, who may write in the data folder and /tmp alone', async () => {
    const tried = ['/app', '/app/dist', '/config', '/etc', '/', '/data', '/tmp'];
    const { output } = await image.run([
      ...[
        'sh',
        '-c',
        'id -u; for one in "$@"; do touch "$one/x" 2>/dev/null && echo "$one"; done; exit 0',
        'sh',
      ],
      ...tried,
    ]);
    expect(output.trim().split('\n')).toEqual(['1000', '/data', '/tmp']);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await image.run([...program, '--version'])).toEqual({ code: 0, output: `${version}\n` });
  });

  it('delivers a log, says that it is well while it runs, and ends when asked to', async () => {
    expect((await image.run(health, env)).code).toBe(1);
    bot = image.start([...program, ...only(last, 'CMD').exec!], env);
    await isReady(bot);
    expect(await image.run(health, env)).toEqual({ code: 0, output: '' });
    await deliversLog();
    expect((await stat(join(image.root, 'data/journal.jsonl'))).uid).toBe(1000);
    const ended = once(bot, 'close');
    let said = '';
    bot.stderr!.on('data', (bytes: Buffer) => {
      said += bytes;
    });
    bot.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(said).toContain('"stopped"');
    expect(said).not.toContain('goes on after the stop');
    expect((await image.run(health, env)).code).toBe(1);
  });

  it.skipIf(noPostgres)(
    'started as infra/bot-service.yaml starts it, keeps its state in a PostgreSQL whose certificate it checks',
    async () => {
      const { Task, DatabaseUrl } = template('bot-service.yaml').Resources;
      const [container] = Task!.Properties.ContainerDefinitions as [
        { EntryPoint: string[]; Command: string[]; Environment: { Name: string; Value: string }[] },
      ];
      const [, asked] = /(\?.*)$/.exec(DatabaseUrl!.Properties.SecretString as string)!;
      const keys = await certificate(folder);
      await copyFile(keys.cert, join(image.root, 'app/rds-global-bundle.pem'));
      const settings = ['ssl=on', `ssl_cert_file=${keys.cert}`, `ssl_key_file=${keys.key}`];
      const postgres = await startPostgres({ settings });
      try {
        const url = await postgres.database();
        const { SLACK_BOT_TOKEN, SLACK_APP_TOKEN, ...rest } = env;
        const words = [...container.EntryPoint, ...container.Command];
        const surroundings = {
          ...rest,
          ...Object.fromEntries(container.Environment.map(({ Name, Value }) => [Name, Value])),
          SIGNALBOX_YAML: readFileSync(sandbox.configPath, 'utf8'),
          SIGNALBOX_ENV: `SLACK_BOT_TOKEN=${SLACK_BOT_TOKEN}\nSLACK_APP_TOKEN=${SLACK_APP_TOKEN}\n`,
          DATABASE_URL: `${url}${asked}`,
        };
        bot = image.start(words, surroundings);
        await isReady(bot);
        await deliversLog();
        const [{ kept }] = (await postgres.query<{ kept: string }>(
          url,
          'select count(*) as kept from signalbox.audit',
        )) as [{ kept: string }];
        expect(Number(kept)).toBeGreaterThan(0);
        const [{ ssl }] = (await postgres.query<{ ssl: boolean }>(
          url,
          "select bool_and(ssl) as ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name like 'signalbox%'",
        )) as [{ ssl: boolean }];
        expect(ssl).toBe(true);
        expect((await stat(join(image.root, 'data/.env'))).mode & 0o777).toBe(0o600);
        // The doctor beside it, as docs/install.md runs it.
        const doctor = await image.run(words, { ...surroundings, SIGNALBOX_COMMAND: 'doctor' });
        expect(doctor.output).toMatch(/ok +bot token/);
        expect(doctor.output).toMatch(/ 0 failed/);
        expect(doctor.code).toBe(0);
        await endProcess(bot, 'SIGTERM');
        // A certificate that the bundle does not have is refused.
        await writeFile(join(image.root, 'app/rds-global-bundle.pem'), '');
        const refused = await image.run(words, surroundings);
        expect(refused.code).not.toBe(0);
        expect(refused.output).toMatch(/certificate/);
      } finally {
        await endProcess(bot);
        await postgres.dispose();
      }
    },
  );
});

/** A server's certificate that is its own authority, readable for PostgreSQL's user. */
async function certificate(place: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(place, 'cert.pem'), join(place, 'key.pem')];
  const { status, stderr } = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=database', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
  ]);
  if (status !== 0) throw new Error(String(stderr));
  // As PostgreSQL wants it: root's, and readable for its group alone, or its user's own.
  await chmod(place, 0o755);
  await chmod(cert, 0o644);
  const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  const [uid, gid] = [id('-u'), id('-g')];
  await chown(key, uid, gid);
  await chmod(key, 0o600);
  return { cert, key };
}

/** Where there is no engine, the Dockerfile is read and carried out as above, but no image is built. */
const hasDocker = spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0;
if (!hasDocker) console.log('skipped: no Docker engine answers, so no image is built');

describe.skipIf(!hasDocker)('[O1] the image that Docker builds', () => {
  const docker = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync('docker', words, { cwd: ROOT, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    return stdout;
  };

  it('runs as its user with a root file system that is read-only, and is small', () => {
    docker('build', '--quiet', '--tag', 'signalbox:test', '.');
    const [made] = JSON.parse(docker('image', 'inspect', 'signalbox:test')) as [
      { Size: number; Config: { User: string; Healthcheck: object } },
    ];
    expect(made.Config).toMatchObject({ User: '1000:1000', Healthcheck: { Test: ['CMD', ...health] } });
    expect(made.Size).toBeLessThan(300e6);
    const run = [
      'run',
      '--rm',
      '--read-only',
      '--cap-drop',
      'ALL',
      '--entrypoint',
      'sh',
      'signalbox:test',
      '-c',
    ];
    expect(docker(...run, 'id -u && touch /data/x && node /app/dist/cli.js --version')).toMatch(/^1000\n\d/);
  });
});
