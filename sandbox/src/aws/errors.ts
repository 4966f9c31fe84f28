/** An answer of AWS that is an error; the dispatcher renders it in the caller's protocol. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number;
  /** Further members of the error, as its service has them. */
  readonly details: Readonly<Record<string, string | number>> | undefined;

  constructor(
    code: string,
    message: string,
    status = 400,
    details?: Readonly<Record<string, string | number>>,
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

/** In SageMaker's words. @param what a training job, …; @param arn of the one that has the name */
export function nameTaken(what: string, arn: string): AwsError {
  const names = what.charAt(0).toUpperCase() + what.slice(1);
  return new AwsError(
    'ResourceInUse',
    `${names} names must be unique within an AWS account and region, and a ${what} with this name already exists (${arn})`,
  );
}

export type Protocol = 'json' | 'query' | 'rest-json' | 'rest-xml';

/**
 * AWS gives one failure different names and statuses by protocol: the JSON services end them in
 * `Exception` and answer 400, those of REST-JSON answer 403; the Query services (STS) use the short names
 * and answer 403; S3 (REST-XML) has names of its own.
 */
export type AuthFailure =
  | 'missing_token'
  | 'incomplete'
  | 'unknown_key'
  | 'bad_signature'
  | 'expired_token'
  | 'access_denied';

const AUTH_CODES: Record<Protocol, Record<AuthFailure, readonly [string, number]>> = {
  json: {
    missing_token: ['MissingAuthenticationTokenException', 400],
    incomplete: ['IncompleteSignatureException', 400],
    unknown_key: ['UnrecognizedClientException', 400],
    bad_signature: ['InvalidSignatureException', 400],
    expired_token: ['ExpiredTokenException', 400],
    access_denied: ['AccessDeniedException', 400],
  },
  query: {
    missing_token: ['MissingAuthenticationToken', 403],
    incomplete: ['IncompleteSignature', 400],
    unknown_key: ['InvalidClientTokenId', 403],
    bad_signature: ['SignatureDoesNotMatch', 403],
    expired_token: ['ExpiredToken', 403],
    access_denied: ['AccessDenied', 403],
  },
  'rest-json': {
    missing_token: ['MissingAuthenticationTokenException', 403],
    incomplete: ['IncompleteSignatureException', 403],
    unknown_key: ['UnrecognizedClientException', 403],
    bad_signature: ['InvalidSignatureException', 403],
    expired_token: ['ExpiredTokenException', 403],
    access_denied: ['AccessDeniedException', 403],
  },
  'rest-xml': {
    missing_token: ['AccessDenied', 403],
    incomplete: ['AuthorizationHeaderMalformed', 400],
    unknown_key: ['InvalidAccessKeyId', 403],
    bad_signature: ['SignatureDoesNotMatch', 403],
    expired_token: ['ExpiredToken', 400],
    access_denied: ['AccessDenied', 403],
  },
};

/** Who the caller is, or what it may do, could not be established. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly failure: AuthFailure;

  constructor(failure: AuthFailure, message: string) {
    super(message);
    this.failure = failure;
  }

  forProtocol(protocol: Protocol): AwsError {
    const [code, status] = AUTH_CODES[protocol][this.failure];
    return new AwsError(code, this.message, status);
  }
}
