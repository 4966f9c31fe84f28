/** `PutTargets`: which targets a rule may have, each judged by itself. */
import { AwsError } from './errors.ts';
import { isEventPath, type TargetInput } from './event.ts';
import type { EventBuses, Rule, RuleTarget } from './event-buses.ts';
import type { Iam } from './iam.ts';
import type { AwsAnswer, AwsCall } from './service.ts';
import { Parameters } from './validation.ts';

const INVALID = 'ValidationException';

export function putTargets(buses: EventBuses, iam: Iam, rule: Rule, call: AwsCall): AwsAnswer {
  const read = new Parameters(call.input, INVALID);
  const targets = read.list('Targets', { min: 1, max: 100 });
  if (targets === undefined) read.need('Targets');
  read.check();
  const FailedEntries: Record<string, unknown>[] = [];
  for (const given of (targets ?? []) as Record<string, unknown>[]) {
    const target = readTarget(given, rule, iam, call);
    try {
      buses.putTarget(rule, target);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      FailedEntries.push({ TargetId: target.Id, ErrorCode: error.code, ErrorMessage: error.message });
    }
  }
  return { body: { FailedEntryCount: FailedEntries.length, FailedEntries } };
}

/** @throws AwsError ValidationException; AuthError when the caller may not hand the role over */
function readTarget(given: Record<string, unknown>, rule: Rule, iam: Iam, call: AwsCall): RuleTarget {
  const read = new Parameters(given, INVALID);
  const Id = read.need('Id', { min: 1, max: 64, pattern: '[\\.\\-_A-Za-z0-9]+' });
  const Arn = read.need('Arn', { min: 1, max: 1600 });
  const RoleArn = read.text('RoleArn', { min: 1, max: 1600 });
  const Input = read.text('Input', { max: 8192 });
  const InputPath = read.text('InputPath', { max: 256 });
  read.check();
  checkPlace(Arn, Id, rule, RoleArn);
  if (RoleArn !== undefined) {
    iam.authorize(call.principal, 'iam:PassRole', [RoleArn], call.region);
    if (iam.findRole(RoleArn) === undefined)
      throw invalid(`RoleArn ${RoleArn} of target ${Id} does not exist.`);
  }
  const InputTransformer = given.InputTransformer as TargetInput['InputTransformer'];
  const inputs = [Input, InputPath, InputTransformer].filter((one) => one !== undefined);
  if (inputs.length > 1) {
    throw invalid(`Only one of Input, InputPath, or InputTransformer must be provided for target ${Id}.`);
  }
  const paths = [InputPath ?? '$', ...Object.values(InputTransformer?.InputPathsMap ?? {})];
  const wrongPath = paths.find((path) => !isEventPath(path));
  if (wrongPath !== undefined) throw invalid(`Invalid JSONPath ${wrongPath} for target ${Id}.`);
  if (Input !== undefined && !isJson(Input)) throw invalid(`JSON syntax error in input for target ${Id}.`);
  if (InputTransformer !== undefined && !InputTransformer.InputTemplate) {
    throw invalid(`InputTemplate for target ${Id} is missing or empty.`);
  }
  const DeadLetterConfig = given.DeadLetterConfig as RuleTarget['DeadLetterConfig'];
  if (DeadLetterConfig?.Arn !== undefined && !DeadLetterConfig.Arn.startsWith('arn:aws:sqs:')) {
    throw invalid(`The Arn in DeadLetterConfig of target ${Id} is not that of an SQS queue.`);
  }
  const RetryPolicy = readRetryPolicy(given.RetryPolicy);
  return {
    Id,
    Arn,
    ...(RoleArn === undefined ? {} : { RoleArn }),
    ...(Input === undefined ? {} : { Input }),
    ...(InputPath === undefined ? {} : { InputPath }),
    ...(InputTransformer === undefined ? {} : { InputTransformer }),
    ...(DeadLetterConfig === undefined ? {} : { DeadLetterConfig }),
    ...(RetryPolicy === undefined ? {} : { RetryPolicy }),
  };
}

function checkPlace(arn: string, id: string, rule: Rule, roleArn: string | undefined): void {
  const [, , service, region, account] = arn.split(':');
  if (!/^arn:aws:(sqs:[\w-]+:\d{12}:[\w-]+|events:[\w-]+:\d{12}:event-bus\/.+)$/.test(arn)) {
    throw invalid(
      `Provided Arn is not in correct format for target ${id}, or not of a queue or an event bus: the sandbox has no other targets.`,
    );
  }
  const { bus } = rule;
  if (service === 'sqs' && region !== bus.region) {
    throw invalid(`Target ${id} is in another region: only event buses may be.`);
  }
  if ((service === 'events' || account !== bus.account) && roleArn === undefined) {
    throw invalid(`RoleArn is required for target ${arn}.`);
  }
}

function readRetryPolicy(given: unknown): RuleTarget['RetryPolicy'] {
  if (typeof given !== 'object' || given === null) return undefined;
  const read = new Parameters(given as Record<string, unknown>, INVALID);
  const attempts = read.number('MaximumRetryAttempts', { min: 0, max: 185 });
  const age = read.number('MaximumEventAgeInSeconds', { min: 60, max: 86_400 });
  read.check();
  return {
    ...(attempts === undefined ? {} : { MaximumRetryAttempts: attempts }),
    ...(age === undefined ? {} : { MaximumEventAgeInSeconds: age }),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const invalid = (message: string) => new AwsError(INVALID, message);
