/** Opens use cases' AWS accounts: a role session, and on it the jobs and their logs. */
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../errors.ts';
import type { Clock, JobCatalog, UseCaseGateway } from '../ports.ts';
import { TRAINING_LOG_GROUP } from './session-policies.ts';
import { type RoleSession, RoleSessions } from './sessions.ts';

export interface GatewayOptions {
  clock: Clock;
  /** The provider's view of an open session: `createSageMakerCatalog`. */
  createJobCatalog: (session: RoleSession) => JobCatalog;
  /** Default: sessions by STS and the SDK's own credentials. */
  sessions?: RoleSessions;
}

export function createUseCaseGateway(options: GatewayOptions): UseCaseGateway {
  const sessions = options.sessions ?? new RoleSessions({ clock: options.clock });
  // Clients keep connections: one catalog for each session, gone with it.
  const catalogs = new WeakMap<RoleSession, JobCatalog>();

  return {
    async open(useCase, actor, operation) {
      requireSageMaker(useCase);
      // The SDK's client for logs is loaded while STS answers.
      const [session, { createCloudWatchLogSource }] = await Promise.all([
        sessions.open(useCase, actor, operation),
        import('./cloudwatch-logs.ts'),
      ]);
      let jobs = catalogs.get(session);
      if (!jobs) {
        jobs = options.createJobCatalog(session);
        catalogs.set(session, jobs);
      }
      return {
        sessionName: session.sessionName,
        jobs,
        trainingLog: (job) =>
          createCloudWatchLogSource({
            account: useCase.account,
            region: useCase.region,
            credentials: session.credentials,
            renewCredentials: async () => {
              session.renew();
              return session.credentials;
            },
            group: TRAINING_LOG_GROUP,
            job,
            secondLane: useCase.logs.secondLane,
            useCase: useCase.id,
            roleArn: useCase.roleArn,
            clientConfig: { customUserAgent: [['signalbox', session.sessionName]] },
          }),
      };
    },
  };
}

function requireSageMaker(useCase: UseCase): void {
  if (useCase.providers === undefined || useCase.providers.sagemaker) return;
  throw new AppError('invalid_input', `The use case ${useCase.name} does not train on SageMaker.`, {
    hint: 'If it does, an admin of Signalbox should set `providers: { sagemaker: true }` for it in signalbox.yaml.',
  });
}
