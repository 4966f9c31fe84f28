/** Opens use cases' AWS accounts: a role session, and on it the jobs, their logs, compilations and components. */
import type { UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { Clock } from '../ground/time.ts';
import type { LogSource } from '../ports/log-source.ts';
import type { JobCatalog, TrainingProvider } from '../ports/training.ts';
import type { UseCaseGateway, UseCaseSession } from '../ports/use-case-session.ts';
import { createArtifactLinks } from './artifact-links.ts';
import { createGreengrass } from './greengrass.ts';
import { createCompiler } from './neo.ts';
import { COMPILATION_LOG_GROUP, TRAINING_LOG_GROUP } from './session-policies.ts';
import { type RoleSession, RoleSessions } from './sessions.ts';

export interface GatewayOptions {
  clock: Clock;
  /** The provider's view of an open session: `createSageMaker`. */
  createProvider: (session: RoleSession) => { jobs: JobCatalog; training: TrainingProvider };
  /** Default: sessions by STS and the SDK's own credentials. */
  sessions?: RoleSessions;
}

export function createUseCaseGateway(options: GatewayOptions): UseCaseGateway {
  const sessions = options.sessions ?? new RoleSessions({ clock: options.clock });
  // Clients keep connections: one set for each session, gone with it.
  const opened = new WeakMap<RoleSession, UseCaseSession>();

  return {
    async open(useCase, actor, operation) {
      requireSageMaker(useCase);
      // The SDK's client for logs is loaded while STS answers. All others are loaded with their first question.
      const [session, { createCloudWatchLogSource }] = await Promise.all([
        sessions.open(useCase, actor, operation),
        import('./cloudwatch-logs.ts'),
      ]);
      const known = opened.get(session);
      if (known) return known;

      const log = (group: string, job: string, ownStream: boolean): LogSource =>
        createCloudWatchLogSource({
          account: useCase.account,
          region: useCase.region,
          credentials: session.credentials,
          renewCredentials: async () => {
            session.renew();
            return session.credentials;
          },
          group,
          job,
          ownStream,
          secondLane: useCase.logs.secondLane,
          useCase: useCase.id,
          roleArn: useCase.roleArn,
          clientConfig: { customUserAgent: [['signalbox', session.sessionName]] },
        });
      const { components, devices } = createGreengrass(session);
      const fresh: UseCaseSession = {
        sessionName: session.sessionName,
        ...options.createProvider(session),
        trainingLog: (job) => log(TRAINING_LOG_GROUP, job, false),
        compilationLog: (job) => log(COMPILATION_LOG_GROUP, job, true),
        compiler: createCompiler(session),
        artifacts: createArtifactLinks(session, options.clock),
        components,
        devices,
      };
      opened.set(session, fresh);
      return fresh;
    },
  };
}

function requireSageMaker(useCase: UseCase): void {
  if (useCase.providers === undefined || useCase.providers.sagemaker) return;
  throw new AppError('invalid_input', `The use case ${useCase.name} does not train on SageMaker.`, {
    hint: 'If it does, an admin of Signalbox should set `providers: { sagemaker: true }` for it in signalbox.yaml.',
  });
}
