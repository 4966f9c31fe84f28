/**
 * The one table from what AWS answers to what the house throws (L9). Every AWS adapter ends its calls here,
 * so a reader never meets AWS's own JSON: the service's words go to `adminHint` and to the cause.
 */
import { AppError, CancelledError, type ErrorCode } from '../ground/errors.ts';

export interface AwsErrorContext {
  /** What was being tried, as the reader would say it: `read the log of train-resnet`. */
  operation: string;
  /** The use case's id, named in refusals so that the reader knows whom to ask. */
  useCase?: string | undefined;
  /** Shown to admins only. */
  roleArn?: string | undefined;
  region?: string | undefined;
  /** The IAM actions the operation needs, for the checklist of a refusal: `logs:GetLogEvents`. */
  actions?: readonly string[] | undefined;
  /** The role that the operation hands to SageMaker, in words, and how to let it: lines of a checklist. */
  passes?: { role: string; fix: readonly string[] } | undefined;
  /** The log group that is read, and a pattern of its streams, for CloudWatch Logs Insights. */
  log?: { group: string; streams: string } | undefined;
}

/** The fields of an SDK error that matter; every one may be missing on a network failure. */
interface AwsErrorShape {
  name: string;
  message: string;
  code: string;
  status: number | undefined;
  retryAfterMs: number | undefined;
}

const EXPIRED_CREDENTIALS = new Set([
  'ExpiredToken',
  'ExpiredTokenException',
  'TokenRefreshRequired',
  'RequestExpired',
  'UnrecognizedClientException',
  'InvalidClientTokenId',
  'InvalidToken',
]);

const ACCESS_DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'NotAuthorized',
  'AuthFailure',
  'OptInRequired',
]);

const SIGNATURE = new Set([
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
]);

const THROTTLED = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'SlowDown',
  'ProvisionedThroughputExceededException',
  // Of the key, not of the service that was asked.
  'KMSThrottlingException',
  'KmsThrottled',
]);

const NOT_FOUND = new Set([
  'ResourceNotFoundException',
  'ResourceNotFound',
  'NotFoundException',
  'NoSuchBucket',
  'NoSuchKey',
  // HeadObject and HeadBucket answer without a body: the status is all that the SDK can name them by.
  'NotFound',
  'AWS.SimpleQueueService.NonExistentQueue',
  'QueueDoesNotExist',
]);

const INVALID = new Set([
  'ValidationException',
  'ValidationError',
  'InvalidParameterException',
  'InvalidParameterValue',
  'InvalidParameterCombination',
  'MalformedPolicyDocument',
  'PackedPolicyTooLarge',
  'SerializationException',
  'InvalidBucketName',
  'InvalidArgument',
]);

/** The bucket lives in another region than it was asked for in. */
const OTHER_REGION = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);

/** An earlier request with the same client token is still being worked on. */
const IN_PROGRESS = new Set(['RequestAlreadyInProgressException']);

const CONFLICT = new Set([
  'ConflictException',
  'ResourceInUse',
  'ResourceAlreadyExistsException',
  'OperationAbortedException',
]);

/** Per-resource limits, not request rates: waiting does not help. */
const LIMIT = new Set(['ResourceLimitExceeded', 'ServiceQuotaExceededException', 'LimitExceededException']);

/** As people report it of Infrequent Access and Delivery, by ValidationException and by InvalidOperationException. */
const OTHER_LOG_CLASS =
  /\bstandard log class\b|\blog[ -]group[ -]class\b|\bnot supported for this log class\b/i;

/** `KMSDisabledException` of most services, `KmsAccessDenied` of SQS, `KMS.NotFoundException` of S3. */
const KEY_ERROR = /^kms/i;
/** As services say it that have no error of their own for it, CloudWatch Logs among them. */
const KEY_REFUSAL =
  /\bnot authorized to perform: kms:|\bKMS key\b.*\b(?:does not exist|is not allowed|not accessible|disabled|pending)/i;

const NO_CREDENTIALS = new Set(['CredentialsProviderError', 'ProviderError', 'TokenProviderError']);

const NETWORK = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_INVALID_CONSTANT',
]);

function shape(error: unknown): AwsErrorShape {
  const e = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const meta = (e.$metadata ?? {}) as { httpStatusCode?: number };
  const headers = ((e.$response ?? {}) as { headers?: Record<string, string> }).headers ?? {};
  const retryAfter = Number(headers['retry-after']);
  return {
    name: typeof e.name === 'string' ? e.name : '',
    message: typeof e.message === 'string' ? e.message : String(error),
    code: typeof e.code === 'string' ? e.code : typeof e.Code === 'string' ? e.Code : '',
    status: meta.httpStatusCode,
    retryAfterMs: Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter * 1000 : undefined,
  };
}

const inTable = (table: ReadonlySet<string>, e: AwsErrorShape): boolean =>
  table.has(e.name) || table.has(e.code);

/** The session's credentials ran out or are not known (any more): worth one try with fresh ones. */
export function isExpiredCredentials(error: unknown): boolean {
  return inTable(EXPIRED_CREDENTIALS, shape(error));
}

/** The service asks for fewer requests a second. */
export function isThrottled(error: unknown): boolean {
  const e = shape(error);
  return inTable(THROTTLED, e) || e.status === 429;
}

/** The SDK calls it an abort whatever the signal's reason was, and gives the reason as the cause (3.1169). */
const ranOutOfTime = (error: unknown): boolean =>
  ((error as { cause?: Partial<Error> } | null)?.cause?.name ?? '') === 'TimeoutError';

/** The log group is of a class whose events are not given out one by one. */
export function isOtherLogClass(error: unknown): boolean {
  return OTHER_LOG_CLASS.test(shape(error).message);
}

/** A broken connection, a time-out or the service's own trouble: worth trying again as it is. */
function isTransient(error: unknown): boolean {
  const e = shape(error);
  if (e.name === 'AbortError') return false;
  if ((e.status ?? 0) >= 500) return true;
  if (NETWORK.has(e.code) || e.name === 'TimeoutError' || e.name === 'RequestTimeout') return true;
  // A cut connection in the middle of a body has no code of its own in Node: `aborted`, `socket hang up`.
  if (/socket hang up|^aborted$|premature close|terminated/i.test(e.message)) return true;
  const cause = (error as { cause?: unknown } | null)?.cause;
  return cause !== undefined && cause !== error && isTransient(cause);
}

/**
 * @param error whatever an AWS SDK call threw
 * @returns an AppError to throw; an AppError is handed back as it is
 * @throws CancelledError when the call ended because its AbortSignal did, unless that was for lack of time
 */
export function awsErrorToAppError(error: unknown, context: AwsErrorContext): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof CancelledError) throw error;
  const e = shape(error);
  const where = context.useCase ? ` in use case ${context.useCase}` : '';
  if (e.name === 'AbortError') {
    if (!ranOutOfTime(error)) throw new CancelledError('Cancelled', { cause: error });
    return new AppError('timeout', `AWS did not answer in time; could not ${context.operation}${where}.`, {
      hint: 'It may have been done all the same: look before trying again.',
      cause: error,
    });
  }

  const make = (code: ErrorCode, message: string, hint: string, retryAfterMs?: number): AppError =>
    new AppError(code, message, {
      hint,
      adminHint: adminHint(e, context),
      cause: error,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });

  if (isThrottled(error)) {
    return make(
      'rate_limited',
      `AWS is limiting requests; could not ${context.operation}${where}.`,
      'Others are using the same account at the same time. Wait a minute and try again.',
      e.retryAfterMs ?? 30_000,
    );
  }
  if (inTable(EXPIRED_CREDENTIALS, e)) {
    return make(
      'permission_denied',
      `AWS did not accept the session's credentials, also not after renewing them; could not ${context.operation}${where}.`,
      "Try again. If it stays: an admin should check the bot's own AWS credentials with `signalbox doctor`.",
    );
  }
  if (/not authorized to perform: sts:AssumeRole/i.test(e.message)) {
    return make(
      'permission_denied',
      `The role of ${context.useCase ? `use case ${context.useCase}` : 'this use case'} cannot be assumed.`,
      [
        'An admin of the use case can fix it:',
        "• the role's trust policy must allow the bot's own identity (sts:AssumeRole)",
        '• the external id in signalbox.yaml must be the one in the trust policy',
        '• the role ARN in signalbox.yaml must exist in that account',
      ].join('\n'),
    );
  }
  if (/not authorized to perform: iam:PassRole/i.test(e.message)) {
    return make(
      'permission_denied',
      `AWS refused to ${context.operation}${where}: the role that Signalbox works with may not hand ${context.passes?.role ?? 'a role'} to SageMaker (iam:PassRole).`,
      [
        'An admin of the use case can fix it:',
        ...(context.passes?.fix ?? ['the role of the use case needs iam:PassRole on it']).map(
          (line) => `• ${line}`,
        ),
      ].join('\n'),
    );
  }
  if (isOtherLogClass(error)) {
    const { group, streams } = context.log ?? {};
    return make(
      'conflict',
      `AWS gives out no logs of ${group ? `the log group ${group}` : 'this log group'}, because it is not of the Standard class; could not ${context.operation}${where}.`,
      [
        ...(group
          ? [
              'If it is of the class Infrequent Access, CloudWatch Logs Insights in the AWS console can still search it. Choose the group and the time, and run:',
              `filter @logStream like ${streams} | sort @timestamp | limit 10000`,
            ]
          : []),
        'The class of a log group cannot be changed. For the logs of later jobs, an admin can delete the group, and all logs in it: the next job makes it again, in the Standard class.',
      ].join('\n'),
    );
  }
  if (KEY_ERROR.test(e.name) || KEY_ERROR.test(e.code) || KEY_REFUSAL.test(e.message)) {
    const right = /\bkms:[A-Z]\w+/.exec(e.message)?.[0] ?? 'kms:Decrypt';
    return make(
      'permission_denied',
      `AWS refused to ${context.operation}${where}, because the KMS key that it is encrypted with may not be used.`,
      [
        'An admin of the use case can fix it:',
        '• the key must exist and be enabled',
        ...(context.log
          ? [
              `• the key's policy must allow ${right} to CloudWatch Logs (logs.${context.region ?? 'REGION'}.amazonaws.com)`,
              `• if the key asks for the rights of whoever reads, its policy and the role's must allow ${right} too`,
            ]
          : [`• the key's policy and the role's must allow ${right}`]),
      ].join('\n'),
    );
  }
  if (inTable(OTHER_REGION, e) || e.status === 301) {
    return make(
      'invalid_input',
      `The bucket is in another region than the use case; could not ${context.operation}${where}.`,
      "Models and compiled models must lie in the use case's own region, because Neo and Greengrass ask for it.",
    );
  }
  if (inTable(IN_PROGRESS, e)) {
    return make(
      'unavailable',
      `AWS is still working on the same request; could not ${context.operation}${where} yet.`,
      'Try again in some seconds.',
      5_000,
    );
  }
  if (inTable(ACCESS_DENIED, e) || e.status === 403 || e.status === 401 || inTable(SIGNATURE, e)) {
    const signature = inTable(SIGNATURE, e);
    return make(
      'permission_denied',
      `AWS refused to ${context.operation}${where}.`,
      signature
        ? "The request's signature was refused. An admin should check the bot's access key, its secret and this machine's clock."
        : [
            'An admin of the use case can fix it:',
            `• the role's policy must allow ${context.actions?.join(', ') ?? 'this operation'}`,
            '• no permission boundary or organisation policy may forbid it',
            '• account and region in signalbox.yaml must be the ones the job ran in',
          ].join('\n'),
    );
  }
  if (inTable(NO_CREDENTIALS, e)) {
    return make(
      'permission_denied',
      `The bot has no AWS credentials of its own; could not ${context.operation}${where}.`,
      'An admin should give the bot an instance role, a profile or AWS_ACCESS_KEY_ID, then run `signalbox doctor`.',
    );
  }
  // SageMaker says "not found" with a ValidationException, so this stands before the invalid ones.
  if (
    inTable(NOT_FOUND, e) ||
    /requested resource not found|could not find|does not exist|\bRecordNotFound\b/i.test(e.message)
  ) {
    return make(
      'not_found',
      `AWS does not know it; could not ${context.operation}${where}.`,
      'Check the name, and that the job belongs to this use case (its account and region).',
    );
  }
  if (inTable(CONFLICT, e)) {
    return make(
      'conflict',
      `Something with that name exists or is in use already; could not ${context.operation}${where}.`,
      'Look at what is there first; then try again.',
    );
  }
  if (inTable(LIMIT, e)) {
    return make(
      'rate_limited',
      `A limit of the AWS account is reached; could not ${context.operation}${where}.`,
      'Wait until running work ends, or ask an admin to raise the quota.',
    );
  }
  if (inTable(INVALID, e)) {
    return make(
      'invalid_input',
      `AWS did not accept the request to ${context.operation}${where}: ${oneLine(e.message)}`,
      'Correct the value that is named and try again.',
    );
  }
  if (isTransient(error)) {
    return make(
      'unavailable',
      `AWS could not be reached or had trouble of its own; could not ${context.operation}${where}.`,
      'This usually passes by itself. Try again in a minute.',
      e.retryAfterMs,
    );
  }
  return make(
    e.status !== undefined && e.status < 500 ? 'invalid_input' : 'internal',
    `Could not ${context.operation}${where}: AWS answered with something unexpected.`,
    'Try again. If it happens again, give the reference to whoever runs Signalbox: it is in its log.',
  );
}

/** The service's own words, for people who may see account details. */
function adminHint(e: AwsErrorShape, context: AwsErrorContext): string {
  const lines = [
    `AWS: ${e.name || e.code || 'Error'}${e.status === undefined ? '' : ` (HTTP ${e.status})`}: ${oneLine(e.message)}`,
  ];
  if (context.roleArn) lines.push(`Role: ${context.roleArn}`);
  if (context.region) lines.push(`Region: ${context.region}`);
  return lines.join('\n');
}

/** AWS puts whole JSON documents and stack hints into messages: the first line, kept short, says it. */
function oneLine(message: string): string {
  const line = message.split('\n', 1)[0]?.trim() ?? '';
  return line.length <= 300 ? line : `${line.slice(0, 300)}… (cut at 300 of ${line.length} characters)`;
}
