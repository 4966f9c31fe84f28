/** Opens AWS accounts: a role session, and on it all that a use case has there. */
import { COMPILATION_LOG_GROUP } from '../domain/log-groups.ts';
import { awsOf } from '../domain/use-cases.ts';
import type { Clock } from '../ground/time.ts';
import type { AwsAccount, AwsAccounts } from '../ports/aws-account.ts';
import type { Budgets } from '../ports/budgets.ts';
import { createArtifactLinks } from './artifact-links.ts';
import { createGreengrass } from './greengrass.ts';
import { LogGroups } from './log-groups.ts';
import { createCompiler } from './neo.ts';
import { type RoleSession, RoleSessions } from './sessions.ts';

export interface AccountsOptions {
  clock: Clock;
  /** Default: sessions by STS and the SDK's own credentials. */
  sessions?: RoleSessions;
  /** Of how often an account is asked, kept with whoever else asks for the same bot. Left out: as often as it comes. */
  budgets?: Budgets | undefined;
}

export function createAwsAccounts(options: AccountsOptions): AwsAccounts {
  const { clock, budgets } = options;
  const sessions = options.sessions ?? new RoleSessions({ clock, ...(budgets ? { budgets } : {}) });
  const groups = new LogGroups(options.clock);
  // Clients keep connections: one set for each session, gone with it.
  const opened = new WeakMap<RoleSession, AwsAccount>();

  return {
    async open(useCase, actor, operation) {
      const { account, region, roleArn } = awsOf(useCase);
      // The SDK's client for logs is loaded while STS answers. All others are loaded with their first question.
      const [session, { createCloudWatchLogSource }] = await Promise.all([
        sessions.open(useCase, actor, operation),
        import('./cloudwatch-logs.ts'),
      ]);
      const known = opened.get(session);
      if (known) return known;

      const log: AwsAccount['log'] = (group, job, { ownStream = false, prefix } = {}) =>
        createCloudWatchLogSource({
          account,
          region,
          credentials: session.credentials,
          renewCredentials: async () => {
            session.renew();
            return session.credentials;
          },
          group,
          job,
          ownStream,
          prefix,
          groups,
          secondLane: useCase.logs.secondLane,
          useCase: useCase.id,
          roleArn,
          budgets: options.budgets,
          clientConfig: { customUserAgent: [['signalbox', session.sessionName]] },
        });
      const { components, devices } = createGreengrass(session);
      const fresh: AwsAccount = {
        useCase,
        sessionName: session.sessionName,
        clientConfig: (maxAttempts) => session.clientConfig(maxAttempts),
        paced: (client) => session.paced(client),
        call: (context, run) => session.call(context, run),
        log,
        compilationLog: (job) => log(COMPILATION_LOG_GROUP, job, { ownStream: true }),
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
