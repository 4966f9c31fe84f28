/**
 * What infra/use-case-account.yaml and docs/sagemaker-kinds.md have of SageMaker's kinds of jobs, made of
 * src/domain/sagemaker-kinds.ts: run it after a change there. Tests say where one of them differs.
 *
 *     npx tsx scripts/sagemaker-kinds.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROVIDERS, type SageMakerName } from '../src/domain/providers.ts';
import { KIND_NAMES, kindWord, SAGEMAKER_KINDS, type SageMakerKind } from '../src/domain/sagemaker-kinds.ts';

const TEMPLATE = resolve(import.meta.dirname, '../infra/use-case-account.yaml');
export const PAGE = resolve(import.meta.dirname, '../docs/sagemaker-kinds.md');
type Part = 'parameters' | 'conditions' | 'policies';

const parameter = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** The template with its parts as they have to be. */
export function withKinds(template: string): string {
  const parts: Record<Part, string> = { parameters: '', conditions: '', policies: '' };
  for (const name of KIND_NAMES) {
    const { actions, resources, logGroups } = SAGEMAKER_KINDS[name];
    const stops = actions.stop.length > 0;
    const named = parameter(name);
    const things = `${PROVIDERS[name].thing}s`;
    const list = (items: readonly string[], indent: string) =>
      items.map((one) => `${indent}- ${one}\n`).join('');
    const sagemaker = (which: readonly string[]) =>
      list(
        which.map((one) => `sagemaker:${one}`),
        '              ',
      );
    const arns = (service: string, paths: readonly string[]) =>
      list(
        paths.map((path) => `!Sub "arn:\${AWS::Partition}:${service}:*:\${AWS::AccountId}:${path}"`),
        '              ',
      );
    parts.parameters += `  ${named}:
    Type: String
    Default: look
    AllowedValues: ["no", look${stops ? ', stop' : ''}]
    Description: Whether Signalbox shows ${things} and their logs${stops ? ', and whether it may stop them' : ''}.
`;
    parts.conditions += `  LooksAt${named}: !Not [!Equals [!Ref ${named}, "no"]]\n`;
    if (stops) parts.conditions += `  Stops${named}: !Equals [!Ref ${named}, stop]\n`;
    parts.policies += `  LookAt${named}Policy:
    Type: AWS::IAM::RolePolicy
    Condition: LooksAt${named}
    Properties:
      RoleName: !Ref AccessRole
      PolicyName: LookAt${named}
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: List
            Effect: Allow
            Action:
${sagemaker(actions.list)}            Resource: "*" # lists have no resource level
          - Sid: Look
            Effect: Allow
            Action:
${sagemaker(actions.look)}            Resource:
${arns(
  'sagemaker',
  resources.map((one) => `${one}/*`),
)}          - Sid: ReadLogStreams
            Effect: Allow
            Action:
              - logs:DescribeLogStreams
              - logs:GetLogEvents
              - logs:FilterLogEvents
            Resource:
${arns(
  'logs',
  logGroups.flatMap((group) => [`log-group:${group}`, `log-group:${group}:*`]),
)}
`;
    if (stops)
      parts.policies += `  Stop${named}Policy:
    Type: AWS::IAM::RolePolicy
    Condition: Stops${named}
    Properties:
      RoleName: !Ref AccessRole
      PolicyName: Stop${named}
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Sid: Stop
            Effect: Allow
            Action:
${sagemaker(actions.stop)}            Resource:
${arns('sagemaker', [`${resources[0]}/*`])}
`;
  }
  return Object.entries(parts).reduce((text, [part, made]) => {
    const marked = new RegExp(
      `( *# kinds: ${part}, made by scripts/sagemaker-kinds.ts\n)[^]*?( *# kinds: end\n)`,
    );
    if (!marked.test(text))
      throw new Error(`infra/use-case-account.yaml has no place for the kinds' ${part}`);
    return text.replace(marked, (_, begin: string, end: string) => `${begin}${made}${end}`);
  }, template);
}

const BEGIN = '<!-- made by scripts/sagemaker-kinds.ts -->';
const END = '<!-- end -->';

/** @returns the page with its table as it has to be */
export function withKindTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`docs/sagemaker-kinds.md has no ${BEGIN} … ${END}`);
  const code = (items: readonly string[]) => items.map((one) => `\`${one}\``).join(' ');
  const rows = (Object.keys(SAGEMAKER_KINDS) as SageMakerName[]).map((name) => {
    const { logGroups, streams, actions, detailType } = SAGEMAKER_KINDS[name];
    const cells = [
      code([kindWord(name)]),
      `${PROVIDERS[name].thing}s`,
      `${code(logGroups)}${STREAMS[streams]}`,
      code([...actions.list, ...actions.look]),
      actions.stop.length === 0 ? '–' : code(actions.stop),
      detailType ?? 'none',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = ['kind', 'what', 'its log', 'asked with `sagemaker:`', 'stopped with', 'events'];
  const table = [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows].join('\n');
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`;
}

const STREAMS: Readonly<Record<SageMakerKind['streams'], string>> = {
  below: ', streams `<name>/…`',
  own: ', streams `<name>` and `<name>/…`',
  group: ', all streams',
  elsewhere: ', where its description says',
};

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(TEMPLATE, withKinds(readFileSync(TEMPLATE, 'utf8')));
  writeFileSync(PAGE, withKindTable(readFileSync(PAGE, 'utf8')));
}
