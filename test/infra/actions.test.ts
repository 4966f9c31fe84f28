/** What the policies allow is what the code asks AWS for, both ways, and what the documentation says. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SAGEMAKER_KINDS } from '../../src/domain/sagemaker-kinds.ts';
import { actionsIn, template } from '../fixtures/templates.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** IAM's name of each service whose client the program has. */
const SERVICES: Readonly<Record<string, string>> = {
  'cloudwatch-logs': 'logs',
  eventbridge: 'events',
  greengrassv2: 'greengrass',
  s3: 's3',
  sagemaker: 'sagemaker',
  sqs: 'sqs',
  sts: 'sts',
};

/** Operations that IAM knows under the name of another, by the Service Authorization Reference; '' needs no right. */
const CHECKED_AS: Readonly<Record<string, string>> = {
  'sqs:ChangeMessageVisibilityBatch': 'sqs:ChangeMessageVisibility',
  'sqs:SendMessageBatch': 'sqs:SendMessage',
  's3:HeadBucket': 's3:ListBucket',
  's3:HeadObject': 's3:GetObject',
  'sts:GetCallerIdentity': '',
};

/** Rights that no command of ours is named after. */
const BESIDES: Readonly<Record<string, string>> = {
  'iam:PassRole': 'CreateTrainingJob and CreateCompilationJob hand a role over',
  'sagemaker:AddTags': 'CreateTrainingJob with tags',
  'sqs:ReceiveMessage': 'sqs-consumer',
  'sqs:DeleteMessage': 'sqs-consumer',
  'iot:DescribeJob': 'ListEffectiveDeployments looks it up with the rights of whoever asks',
  'iot:DescribeJobExecution': 'the same',
  'iot:DescribeThing': 'the same',
  'iot:DescribeThingGroup': 'the same',
  'iot:GetThingShadow': 'the same',
};

/** Every AWS operation that a file of src/ names, as IAM checks it. */
async function called(): Promise<Map<string, string>> {
  const clients = new Map<string, Record<string, unknown>>();
  for (const name of Object.keys(SERVICES))
    clients.set(name, (await import(`@aws-sdk/client-${name}`)) as Record<string, unknown>);
  const found = new Map<string, string>();
  const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8');
    const imported = [...text.matchAll(/@aws-sdk\/client-([a-z0-9-]+)/g)].map(([, name]) => name!);
    for (const name of imported)
      expect(SERVICES, `${file} uses a client that is not listed`).toHaveProperty(name);
    const within = imported.length > 0 ? imported : [...clients.keys()];
    for (const [, operation = ''] of text.matchAll(/\b([A-Z]\w+)Command\b/g)) {
      const owners = new Set(within.filter((name) => `${operation}Command` in clients.get(name)!));
      expect(owners.size, `${operation} in ${file} belongs to one service`).toBeLessThan(2);
      for (const name of owners) {
        const action = `${SERVICES[name]}:${operation}`;
        const checked = CHECKED_AS[action] ?? action;
        if (checked !== '') found.set(checked, file);
      }
    }
  }
  return found;
}

const { ForwardingRole, ForwardingRule: _rule, ...access } = template('use-case-account.yaml').Resources;
const useCaseRole = actionsIn(access);
const bot = actionsIn(template('bot-account.yaml').Resources.BotPolicy);

describe('[O3] the policies', () => {
  it('allow every operation that the code asks for', async () => {
    const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    const setup = /^`signalbox events setup` creates .*?\n\n/ms.exec(page)![0];
    const forSetup = new Set([...setup.matchAll(/`((?:sqs|events):\w+)`/g)].map(([, action]) => action!));
    const operations = await called();
    expect(operations.size).toBeGreaterThan(50);
    // What is in the bot's account by the bot's own policy or that of whoever sets events up, the rest by the role.
    const missing = [...operations].filter(([action]) =>
      /^(sqs|events|sts):/.test(action)
        ? !bot.has(action) && !forSetup.has(action)
        : !useCaseRole.has(action),
    );
    expect(missing).toEqual([]);
    // And the page names nothing that the setup does not ask for.
    expect([...forSetup].filter((action) => !operations.has(action))).toEqual([]);
  });

  it('allow nothing that the code does not ask for', async () => {
    const operations = await called();
    const granted = new Set([...useCaseRole, ...bot]);
    expect([...granted].filter((action) => !operations.has(action)).toSorted()).toEqual(
      Object.keys(BESIDES).toSorted(),
    );
  });

  it('let events be forwarded, the image started, and nothing else', () => {
    for (const role of [ForwardingRole, template('use-case-region.yaml').Resources.Role])
      expect([...actionsIn(role)].toSorted()).toEqual(['events:PutEvents', 'sqs:SendMessage']);
    const { ExecutionRole, ...service } = template('bot-service.yaml').Resources;
    expect([...actionsIn(ExecutionRole)].toSorted()).toEqual([
      'ecr:BatchCheckLayerAvailability',
      'ecr:BatchGetImage',
      'ecr:GetAuthorizationToken',
      'ecr:GetDownloadUrlForLayer',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:GetSecretValue',
    ]);
    // The bot itself has what BotPolicy says.
    expect([...actionsIn(service)]).toEqual([]);
  });

  it('are the ones that docs/configuration.md lists', () => {
    const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8').split('## AWS access')[1]!;
    const listed = new Set(
      [...page.matchAll(/`((?:sagemaker|logs|s3|greengrass|iot|iam):[A-Z]\w+)`/g)].map(([, one]) => one!),
    );
    const ofKinds = Object.values(SAGEMAKER_KINDS).flatMap(({ actions }) => [
      ...actions.list,
      ...actions.look,
      ...actions.stop,
    ]);
    const unlisted = [...useCaseRole].filter((action) => !listed.has(action));
    expect(unlisted.filter((action) => !ofKinds.some((kind) => action === `sagemaker:${kind}`))).toEqual([]);
    expect([...listed].filter((action) => !useCaseRole.has(action) && action !== 'logs:Unmask')).toEqual([]);
  });
});
