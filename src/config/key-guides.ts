/** What each key of signalbox.yaml wants. */

import { METRIC_GUIDES } from './metric-settings.ts';
import { PROVIDER_GUIDES } from './provider-settings.ts';
import { TRAIN_GUIDES } from './train-guides.ts';

/** What a key wants, and a line that is right. Keyed by path; `[]` stands for every entry of a list. */
export interface KeyGuide {
  expected: string;
  example: string;
}

const people = 'a list of users (U…), user groups (S…) or channel-members';

export const KEY_GUIDES: Readonly<Record<string, KeyGuide>> = {
  '': { expected: 'keys such as storage and useCases', example: 'useCases: [{ id: line-3, … }]' },
  storage: { expected: 'a section', example: 'storage: { dataDir: ./data }' },
  'storage.dataDir': { expected: 'a folder', example: 'dataDir: ./data' },
  'storage.keepRuns': {
    expected: "a duration of a minute or more, or 'forever'",
    example: 'keepRuns: 30d',
  },
  'storage.runsDisk': {
    expected: 'a size of 512 MiB or more: bytes, or a number with MB, GB …',
    example: 'runsDisk: 10GB',
  },
  logs: { expected: 'a section', example: 'logs: { library: { disk: 10GB, keep: 30d } }' },
  'logs.library': {
    expected: "a section, or 'off'",
    example: 'logs: { library: { disk: 10GB, keep: 30d } }',
  },
  'logs.library.disk': {
    expected: 'a size: bytes, or a number with MB, GB …',
    example: 'disk: 10GB',
  },
  'logs.library.keep': {
    expected: 'a duration of a minute or more: a number with s, m, h or d',
    example: 'keep: 30d',
  },
  admins: { expected: 'a list of Slack user ids', example: 'admins: [U0ADMIN]' },
  'admins[]': { expected: 'a Slack user id (U…)', example: 'admins: [U0ADMIN]' },
  events: {
    expected: 'a section',
    example: 'events: { queueUrl: https://sqs.…/signalbox-events, region: eu-west-1 }',
  },
  'events.queueUrl': {
    expected: 'the URL of an SQS queue',
    example: 'queueUrl: https://sqs.eu-west-1.amazonaws.com/111122223333/signalbox-events',
  },
  'events.region': { expected: 'an AWS region', example: 'region: eu-west-1' },
  'events.rule': {
    expected: 'the name of an EventBridge rule, 1 to 64 letters, digits and ._-',
    example: 'rule: signalbox-events',
  },
  viewer: { expected: 'a section', example: 'viewer: { publicUrl: https://signalbox.example.com }' },
  'viewer.publicUrl': {
    expected: 'the http or https URL at which browsers reach Signalbox, without ? and #',
    example: 'publicUrl: https://signalbox.example.com',
  },
  'viewer.allowedOrigins': {
    expected: 'a list of origins',
    example: 'allowedOrigins: [https://dash.example.com]',
  },
  'viewer.allowedOrigins[]': {
    expected:
      'the origin of pages that may read logs: http or https, host and maybe port, no path or slash behind it',
    example: 'allowedOrigins: [https://dash.example.com]',
  },
  'viewer.linksExpireAfter': {
    expected: 'a duration of a minute or more: a number with s, m, h or d',
    example: 'linksExpireAfter: 5m',
  },
  useCases: { expected: 'a list of one use case or more', example: 'useCases: [{ id: line-3, … }]' },
  'useCases[]': {
    expected: 'a use case',
    example: '- { id: line-3, name: Line 3, account: "123456789012", … }',
  },
  'useCases[].id': {
    expected: '1 to 40 lower-case letters, digits and hyphens, unique',
    example: 'id: line-3',
  },
  'useCases[].name': { expected: 'a name of 1 to 80 characters', example: 'name: Line 3 defects' },
  'useCases[].account': {
    expected: 'an AWS account number: 12 digits, in quotes',
    example: 'account: "123456789012"',
  },
  'useCases[].region': { expected: 'an AWS region', example: 'region: eu-west-1' },
  'useCases[].roleArn': {
    expected: "the ARN of a role in the use case's account",
    example: 'roleArn: arn:aws:iam::123456789012:role/SignalboxAccess',
  },
  'useCases[].externalId': {
    expected: '2 to 1224 characters of letters, digits and _+=,.@:/- (in quotes when all are digits)',
    example: 'externalId: 6f1d0c0e',
  },
  'useCases[].channels': {
    expected: 'a list of one Slack channel id or more',
    example: 'channels: [C0LINE3]',
  },
  'useCases[].channels[]': {
    expected: 'a Slack channel id (C…, or G… for old private ones), not a name',
    example: 'channels: [C0LINE3]',
  },
  'useCases[].alertsChannel': { expected: 'a Slack channel id', example: 'alertsChannel: C0ALERTS' },
  'useCases[].access': {
    expected: 'who may do what; nobody else gets in',
    example: 'access: { viewer: [channel-members], admin: [U0LEAD] }',
  },
  ...roleGuides(),
  'useCases[].discoverable': { expected: 'true or false', example: 'discoverable: true' },
  'useCases[].logs': { expected: 'a section', example: 'logs: { delivery: channel, gzipAbove: 50MB }' },
  'useCases[].logs.delivery': { expected: '"channel" or "dm"', example: 'delivery: channel' },
  'useCases[].logs.gzipAbove': {
    expected: 'a size: bytes, or a number with kB, MB, GB, KiB, MiB or GiB',
    example: 'gzipAbove: 50MB',
  },
  'useCases[].logs.secondLane': { expected: '"auto", "on" or "off"', example: 'secondLane: auto' },
  ...PROVIDER_GUIDES,
  'useCases[].onCall': {
    expected: 'a section',
    example: 'onCall: { levels: [[S0ONCALL], [U0LEAD]], escalateAfter: 10m }',
  },
  'useCases[].onCall.levels': {
    expected: 'a list of levels, each a list of users (U…), user groups (S…) or rotations',
    example: 'levels: [[S0ONCALL], [U0LEAD]]',
  },
  'useCases[].onCall.levels[]': {
    expected: 'a list of one or more users (U…), user groups (S…) or rotations',
    example: 'levels: [[S0ONCALL], [U0LEAD]]',
  },
  'useCases[].onCall.levels[][]': {
    expected:
      'a user (U…), a user group (S…), or a rotation: a list of users, the date it begins, and a time zone such as Europe/Berlin',
    example: '{ rotation: [U0ADA, U0BEN], since: "2026-01-05", handover: "09:00", timeZone: Europe/Berlin }',
  },
  'useCases[].onCall.escalateAfter': {
    expected: 'a duration of a minute or more: a number with s, m, h or d',
    example: 'escalateAfter: 10m',
  },
  ...METRIC_GUIDES,
  'useCases[].alerts': { expected: 'a section', example: 'alerts: { stuckAfter: 30m }' },
  'useCases[].alerts.stuckAfter': {
    expected: '"off", or a duration of a minute or more: a number with s, m, h or d',
    example: 'stuckAfter: 30m',
  },
  ...TRAIN_GUIDES,
  'useCases[].compile': {
    expected: 'a section',
    example: 'compile: { roleArn: arn:aws:iam::…:role/NeoExecution, outputS3: s3://bucket/compiled }',
  },
  'useCases[].compile.roleArn': {
    expected: "the ARN of Neo's execution role",
    example: 'roleArn: arn:aws:iam::123456789012:role/NeoExecution',
  },
  'useCases[].compile.outputS3': {
    expected: 'an S3 location in the region of the use case',
    example: 'outputS3: s3://line-3-models/compiled',
  },
  'useCases[].compile.framework': { expected: 'a Neo framework', example: 'framework: PYTORCH' },
  'useCases[].compile.frameworkVersion': {
    expected: 'a version in quotes (1.10 without quotes is the number 1.1)',
    example: 'frameworkVersion: "1.8"',
  },
  'useCases[].compile.dataInputConfig': {
    expected: 'input names with their shapes',
    example: 'dataInputConfig: { input: [1, 3, 224, 224] }',
  },
  'useCases[].compile.targets': {
    expected: 'a list of targets',
    example: 'targets: [jetson-xavier, x86_64-cpu]',
  },
  'useCases[].compile.targets[]': { expected: "a target's name", example: 'targets: [jetson-xavier]' },
  'useCases[].compile.customTargets': {
    expected: 'targets of your own by name, or changes to built-in ones',
    example: 'customTargets: { camera-box: { platform: { os: LINUX, arch: ARM64 } } }',
  },
  'useCases[].compile.customTargets.*': {
    expected: 'a target: a platform or a device, and options where it needs some',
    example: 'camera-box: { platform: { os: LINUX, arch: ARM64 } }',
  },
  'useCases[].compile.customTargets.*.description': {
    expected: 'what it is, 1 to 200 characters',
    example: 'description: Camera box on line 3',
  },
  'useCases[].compile.customTargets.*.device': {
    expected: 'a TargetDevice of Neo',
    example: 'device: rasp4b',
  },
  'useCases[].compile.customTargets.*.platform': {
    expected: 'os, arch and maybe accelerator as Neo names them',
    example: 'platform: { os: LINUX, arch: ARM64, accelerator: NVIDIA }',
  },
  'useCases[].compile.customTargets.*.options': {
    expected: 'compiler options, as keys or as JSON text',
    example: 'options: { gpu-code: sm_87, trt-ver: "8.5.2", cuda-ver: "11.4" }',
  },
  'useCases[].compile.customTargets.*.architecture': {
    expected: 'a Greengrass architecture',
    example: 'architecture: aarch64',
  },
  'useCases[].compile.auto': { expected: 'true or false', example: 'auto: true' },
  'useCases[].compile.timeout': {
    expected: 'a duration: a number with s, m, h or d',
    example: 'timeout: 15m',
  },
  'useCases[].components': {
    expected: 'a section',
    example: 'components: { auto: true, namePrefix: model- }',
  },
  'useCases[].components.auto': { expected: 'true or false', example: 'auto: true' },
  'useCases[].components.namePrefix': {
    expected: 'a text of 1 to 64 characters',
    example: 'namePrefix: model-',
  },
  'useCases[].components.recipeTemplate': {
    expected: 'the path of a recipe template, relative to this file',
    example: 'recipeTemplate: ./recipes/edge.yaml',
  },
};

function roleGuides(): Record<string, KeyGuide> {
  const guides: Record<string, KeyGuide> = {};
  for (const [role, example] of [
    ['viewer', 'channel-members'],
    ['dataScientist', 'S0SCIENCE'],
    ['operator', 'S0OPS'],
    ['admin', 'U0LEAD'],
  ] as const) {
    guides[`useCases[].access.${role}`] = { expected: people, example: `${role}: [${example}]` };
    guides[`useCases[].access.${role}[]`] = {
      expected: 'a user (U…), a user group (S…) or channel-members',
      example: `${role}: [${example}]`,
    };
  }
  return guides;
}
