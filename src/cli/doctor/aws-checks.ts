/** AWS as the doctor sees it: the bot's identity; for each use case its role, log access and jobs. */

import { callerIdentity } from '../../aws/identity.ts';
import { TRAINING_LOG_GROUP } from '../../domain/log-groups.ts';
import { type AwsPlace, awsOf, type UseCase } from '../../domain/use-cases.ts';
import type { Actor } from '../../ground/actor.ts';
import { toAppError } from '../../ground/errors.ts';
import { providerNamed } from '../../operations/job-places.ts';
import type { UseCaseGateway, UseCaseSession } from '../../ports/use-case-session.ts';
import { type Check, failure, type Subject, subject } from './checks.ts';
import { checkEdge } from './edge-checks.ts';

/** A name that nobody gives a job: what is looked for under it is not there. */
const NO_JOB = 'signalbox-doctor-looks-for-nothing';

export async function checkAws(
  useCases: readonly UseCase[],
  gateway: UseCaseGateway,
  actor: Actor,
): Promise<Check[]> {
  const checks = await Promise.all(useCases.map((useCase) => checkUseCase(useCase, gateway, actor)));
  return checks.flat();
}

async function checkUseCase(useCase: UseCase, gateway: UseCaseGateway, actor: Actor): Promise<Check[]> {
  const about = subject(`use case ${useCase.id}`);
  const { aws } = useCase;
  if (!aws) return [about.skipped('AWS', 'this use case has no AWS account')];
  if (useCase.providers && !useCase.providers.sagemaker)
    return [about.skipped('AWS', 'it does not use SageMaker')];

  const identity = await checkIdentity(aws, about);
  if (identity.status === 'failed') return [identity];
  let session: UseCaseSession;
  try {
    session = await gateway.open(useCase, actor, 'logs');
  } catch (error) {
    return [identity, failure(about, 'role', error)];
  }
  const access = await Promise.all([
    ...(aws.roleArn === undefined ? [] : [checkRole(useCase, about, gateway, actor, session.sessionName)]),
    checkLogs(useCase, about, session),
    checkJobs(about, session),
    checkEdge(useCase, about, gateway, actor),
  ]);
  return [identity, ...access.flat()];
}

/** Who the bot is to AWS, and, without a role, whether that is in the use case's account. */
async function checkIdentity(place: AwsPlace, about: Subject): Promise<Check> {
  const title = 'credentials';
  try {
    const { account, arn } = await callerIdentity(place.region);
    if (place.roleArn === undefined && account !== place.account)
      return about.failed(
        title,
        `the bot runs as ${arn} in account ${account}; the use case is in ${place.account}`,
        `Give the use case a roleArn in account ${place.account} (infra/use-case-account.yaml makes one), or correct its account.`,
      );
    return about.ok(title, `the bot runs as ${arn}`);
  } catch (error) {
    return failure(about, title, error);
  }
}

async function checkRole(
  useCase: UseCase,
  about: Subject,
  gateway: UseCaseGateway,
  actor: Actor,
  sessionName: string,
): Promise<Check[]> {
  const role = about.ok('role', `assumed as ${sessionName}`);
  if (useCase.aws?.externalId === undefined)
    return [
      role,
      about.warning(
        'external id',
        'none is configured',
        'Add a condition on sts:ExternalId to the trust policy, and the same externalId to signalbox.yaml. Without it, another customer of a shared bot could use your role.',
      ),
    ];
  try {
    await gateway.open({ ...useCase, aws: { ...awsOf(useCase), externalId: undefined } }, actor, 'logs');
    return [
      role,
      about.warning(
        'external id',
        'the role can be assumed without it',
        'Add the condition "sts:ExternalId" to the trust policy of the role (infra/use-case-account.yaml has it).',
      ),
    ];
  } catch (error) {
    const { code, message } = toAppError(error);
    return [
      role,
      code === 'permission_denied'
        ? about.ok('external id', 'accepted, and required by the trust policy')
        : about.skipped('external id', `could not tell whether the trust policy requires it: ${message}`),
    ];
  }
}

/** Reads what cannot be there: "not found" is the answer of somebody who may read. */
async function checkLogs(useCase: UseCase, about: Subject, session: UseCaseSession): Promise<Check[]> {
  const title = 'log access';
  const source = providerNamed(session, 'sagemaker').log(NO_JOB);
  try {
    await source.listStreams();
  } catch (error) {
    return [failure(about, title, error)];
  }
  for (const lane of [source, source.secondLane]) {
    try {
      await lane?.readPage({ stream: `${NO_JOB}/algo-1-0`, direction: 'forward', from: 0, to: 1, limit: 1 });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'not_found') return [failure(about, title, error)];
      if (/log group does not exist/i.test(error.adminHint ?? ''))
        return [
          about.warning(
            title,
            `there is no log group ${TRAINING_LOG_GROUP} in ${useCase.aws?.account} ${useCase.aws?.region} yet`,
            'It appears with the first training job. If jobs have already run, check the account and the region.',
          ),
        ];
    }
  }
  return [about.ok(title, 'streams can be listed and read')];
}

async function checkJobs(about: Subject, session: UseCaseSession): Promise<Check[]> {
  const title = 'training jobs';
  try {
    const [newest] = await providerNamed(session, 'sagemaker').jobs.list({ limit: 1 });
    await providerNamed(session, 'sagemaker').jobs.find(newest?.name ?? NO_JOB);
    return [
      about.ok(
        title,
        newest ? `can be listed; the newest is ${newest.name}` : 'can be listed; there are none yet',
      ),
    ];
  } catch (error) {
    return [failure(about, title, error)];
  }
}
