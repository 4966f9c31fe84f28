/** Handing a role over to SageMaker, for training and for compiling. */
import { AwsError } from './errors.ts';
import type { Iam } from './iam.ts';
import type { AwsCall } from './service.ts';

/** Rule of RoleArn. */
export const ROLE_ARN = {
  min: 20,
  max: 2048,
  pattern: 'arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+',
};

/** The caller needs the right to, and the role must be there. @throws AuthError, AwsError ValidationException */
export function passRole(iam: Iam, call: AwsCall, roleArn: string): void {
  iam.authorize(call.principal, 'iam:PassRole', [roleArn], call.region, {
    'iam:PassedToService': 'sagemaker.amazonaws.com',
  });
  if (iam.findRole(roleArn) === undefined) {
    throw new AwsError(
      'ValidationException',
      `Could not assume role ${roleArn}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.`,
    );
  }
}
