/** What a service of the sandbox is to the dispatcher: operations by name, each with its right and its work. */
import type { EpochMs } from '../time.ts';
import type { Principal } from './iam.ts';
import type { RestRoute } from './rest-routes.ts';
import type { Input } from './validation.ts';

export interface AwsCall {
  account: string;
  region: string;
  principal: Principal;
  input: Input;
  now: EpochMs;
  /** Aborted when the client has gone before it was answered. */
  signal?: AbortSignal;
}

/** A body as a value, or as bytes that are JSON already (pages of log events). */
export type AwsAnswer = { body: Record<string, unknown> } | { chunks: Buffer[]; events: number };

export interface AwsOperation {
  /** The right it needs, `logs:GetLogEvents`; left out: everybody with valid credentials may. */
  action?: string;
  /** The ARNs a policy may name what it works on by; the first stands in the refusal. */
  resources?: (call: AwsCall) => string[];
  handle(call: AwsCall): AwsAnswer | Promise<AwsAnswer>;
}

export interface AwsService {
  /** Also the prefix in fault names: `logs:GetLogEvents`. */
  name: string;
  /** The service of the credential scope. */
  signingName: string;
  protocol: 'json' | 'query' | 'rest-json';
  /** JSON: the part of `X-Amz-Target` before the dot. Query: the API version. REST: none. */
  target: string;
  /** JSON only; default 1.1. */
  jsonVersion?: '1.0';
  /** JSON only: for clients of the service's older Query protocol, the codes that errors have there. */
  queryCodes?: Readonly<Record<string, string>>;
  /** Nothing that happens in the world by itself is to be seen here: requests do not look for it. */
  timeless?: boolean;
  /** REST only. */
  routes?: readonly RestRoute[];
  operations: Readonly<Record<string, AwsOperation>>;
}
