/** ARNs of a use case's account and region. */
import type { AwsPlace } from './use-cases.ts';

type Place = Pick<AwsPlace, 'account' | 'region' | 'roleArn'>;

/** `arn:aws:sagemaker:eu-west-1:123456789012:training-job/x` */
export function awsArn(place: Place, service: string, resource: string): string {
  return `arn:${partition(place)}:${service}:${place.region}:${place.account}:${resource}`;
}

/** `arn:aws:s3:::bucket/key`: buckets belong to no account or region in their ARN. */
export function s3Arn(place: Place, resource: string): string {
  return `arn:${partition(place)}:s3:::${resource}`;
}

/** `arn:aws:iam::123456789012:role/x`: IAM has no region. */
export function iamArn(place: Place, resource: string): string {
  return `arn:${partition(place)}:iam::${place.account}:${resource}`;
}

/** `aws`, `aws-cn`, `aws-us-gov`: the role's is the account's; without a role the region tells. */
function partition({ roleArn, region }: Place): string {
  const ofRole = roleArn?.split(':')[1];
  if (ofRole) return ofRole;
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
