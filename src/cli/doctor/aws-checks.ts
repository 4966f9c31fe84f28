/** A use case's AWS account as the doctor sees it: the bot's identity, the role, what compiling and Greengrass need. */

import { callerIdentity } from '../../aws/identity.ts';
import { type AwsPlace, awsOf, type UseCase } from '../../domain/use-cases.ts';
import type { Actor } from '../../ground/actor.ts';
import { toAppError } from '../../ground/errors.ts';
import type { AwsAccounts } from '../../ports/aws-account.ts';
import { type Check, failure, type Subject } from './checks.ts';
import { checkEdge } from './edge-checks.ts';

export interface AwsFindings {
  checks: Check[];
  /** Whether the account lets us in; undefined: there is none. */
  open: boolean | undefined;
}

export async function checkAws(
  useCase: UseCase,
  about: Subject,
  accounts: AwsAccounts,
  actor: Actor,
): Promise<AwsFindings> {
  const { aws } = useCase;
  if (!aws) return { checks: [about.skipped('AWS', 'this use case has no AWS account')], open: undefined };
  const identity = await checkIdentity(aws, about);
  if (identity.status === 'failed') return { checks: [identity], open: false };
  let sessionName: string;
  try {
    ({ sessionName } = await accounts.open(useCase, actor, 'logs'));
  } catch (error) {
    return { checks: [identity, failure(about, 'role', error)], open: false };
  }
  const access = await Promise.all([
    aws.roleArn === undefined ? [] : checkRole(useCase, about, accounts, actor, sessionName),
    checkEdge(useCase, about, accounts, actor),
  ]);
  return { checks: [identity, ...access.flat()], open: true };
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
  accounts: AwsAccounts,
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
    await accounts.open({ ...useCase, aws: { ...awsOf(useCase), externalId: undefined } }, actor, 'logs');
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
