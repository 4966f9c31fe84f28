/** Who the bot is to AWS. */
import { awsErrorToAppError } from './errors.ts';

export interface Identity {
  /** 12 digits. */
  account: string;
  arn: string;
}

/** The owner of the bot's own credentials. @throws AppError by the table of AWS errors */
export async function callerIdentity(region: string): Promise<Identity> {
  const { GetCallerIdentityCommand, STSClient } = await import('@aws-sdk/client-sts');
  const client = new STSClient({
    region,
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 15_000 },
  });
  try {
    const { Account = '', Arn = '' } = await client.send(new GetCallerIdentityCommand({}));
    return { account: Account, arn: Arn };
  } catch (error) {
    throw awsErrorToAppError(error, {
      operation: "check the bot's own credentials",
      actions: ['sts:GetCallerIdentity'],
      region,
    });
  } finally {
    client.destroy();
  }
}
