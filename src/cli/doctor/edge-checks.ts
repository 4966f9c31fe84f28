/** What compiling and Greengrass need in a use case's account, as far as it can be checked without changing anything. */

import type { SessionOperation } from '../../domain/session-name.ts';
import type { UseCase } from '../../domain/use-cases.ts';
import type { Actor } from '../../ground/actor.ts';
import { toAppError } from '../../ground/errors.ts';
import type { AwsServices } from '../../ports/aws-account.ts';
import { type Check, failure, type Subject } from './checks.ts';

/** A name that no compilation or object has. */
const NOTHING = 'signalbox-doctor-looks-for-nothing';
const LINK = { expiresSeconds: 60, fileName: NOTHING };

interface OpensAws {
  open(useCase: UseCase, actor: Actor, operation: SessionOperation): Promise<AwsServices>;
}

/** Checks only what is configured. The role itself is known to be assumable: that was checked before. */
export async function checkEdge(
  useCase: UseCase,
  about: Subject,
  accounts: OpensAws,
  actor: Actor,
): Promise<Check[]> {
  const look = async (
    title: string,
    operation: SessionOperation,
    check: (session: AwsServices) => Promise<Check>,
  ): Promise<Check> => {
    try {
      return await check(await accounts.open(useCase, actor, operation));
    } catch (error) {
      return failure(about, title, error);
    }
  };
  const { compile, components } = useCase;
  return Promise.all([
    ...(compile
      ? [
          look('compilations', 'comp', async ({ compiler }) => {
            await compiler.describe(NOTHING);
            // Whether iam:PassRole is granted only shows when SageMaker is given the role, at a real start.
            return about.ok(
              'compilations',
              `can be read; the first compilation will show whether SageMaker may use ${compile.roleArn}`,
            );
          }),
          look('compiled models', 'comp', async ({ artifacts }) => {
            const place = `${compile.outputS3.replace(/\/+$/, '')}/${NOTHING}`;
            try {
              await artifacts.presign(place, LINK);
            } catch (thrown) {
              const error = toAppError(thrown);
              // "Nothing there" means that we may read; a missing bucket gives a different answer.
              if (error.code !== 'not_found' || !error.message.includes(place)) throw error;
            }
            return about.ok('compiled models', `${compile.outputS3} can be read`);
          }),
        ]
      : []),
    ...(components
      ? [
          look('components', 'pkg', async (session) => {
            const found = await session.components.list();
            return about.ok('components', `${found.length} can be listed`);
          }),
          look('devices', 'dev', async ({ devices }) => {
            const [first, ...others] = await devices.coreDevices();
            if (!first) return about.ok('devices', 'can be listed; there are none yet');
            await Promise.all([devices.installedOn(first.name), devices.deploymentsOn(first.name)]);
            return about.ok('devices', `${others.length + 1} can be listed and read`);
          }),
        ]
      : []),
  ]);
}
