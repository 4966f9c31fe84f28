/**
 * CloudWatch Logs' read quotas, requests a second for each account and region. They cannot be raised.
 * Source: AWS General Reference, "CloudWatch Logs endpoints and quotas".
 */

export type ReadApi = 'GetLogEvents' | 'FilterLogEvents' | 'DescribeLogStreams' | 'DescribeLogGroups';

const USUAL: Readonly<Record<ReadApi, number>> = {
  GetLogEvents: 25,
  FilterLogEvents: 10,
  DescribeLogStreams: 25,
  DescribeLogGroups: 10,
};

const EXCEPTIONS: Readonly<Record<string, Partial<Record<ReadApi, number>>>> = {
  'us-east-1': { FilterLogEvents: 25 },
  'us-west-2': { GetLogEvents: 10 },
  'eu-west-1': { GetLogEvents: 10 },
  'eu-west-3': { GetLogEvents: 30 },
  'eu-central-1': { GetLogEvents: 10, FilterLogEvents: 5 },
  'ap-northeast-3': { GetLogEvents: 10, FilterLogEvents: 5 },
  'ap-southeast-3': { GetLogEvents: 10, FilterLogEvents: 5 },
  'ca-west-1': { GetLogEvents: 10, FilterLogEvents: 5 },
  'il-central-1': { GetLogEvents: 10, FilterLogEvents: 5 },
};

/** Requests a second. */
export function readQuota(region: string, api: ReadApi): number {
  return EXCEPTIONS[region]?.[api] ?? USUAL[api];
}
