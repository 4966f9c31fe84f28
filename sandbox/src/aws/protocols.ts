/** AWS's wire protocols: what a request asks for, and how answers, errors and faults are worded. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Fault } from '../protocol.ts';
import { AuthError, AwsError, type Protocol } from './errors.ts';
import { findRoute } from './rest-routes.ts';
import type { AwsService } from './service.ts';
import { xmlError } from './xml.ts';

export const JSON_TYPE = 'application/x-amz-json-1.1';
export const REST_TYPE = 'application/json';

/** The statuses that the service model gives to errors which other protocols answer with 400. */
const REST_STATUS: Readonly<Record<string, number>> = {
  ThrottlingException: 429,
  AccessDeniedException: 403,
  ExpiredTokenException: 403,
  UnrecognizedClientException: 403,
  ResourceNotFoundException: 404,
  ConflictException: 409,
};

export interface Reply {
  status: number;
  type: string;
  chunks: Buffer[];
  errorType?: string;
  /** `x-amzn-query-error`: the error as the service's older Query protocol names it. */
  queryError?: string;
  /** Answered at once, whatever the latency: refusals come from the front door. */
  quick?: boolean;
  /** The connection is cut in place of an answer. */
  drop?: boolean;
}

export interface Target {
  service: AwsService;
  name: string;
  /** Parsed only when the signature is known to be right. @throws AwsError SerializationException */
  input(): Readonly<Record<string, unknown>>;
  region(): string;
  /** HTTP status of success. */
  status?: number;
}

export function readTarget(request: IncomingMessage, body: Buffer, services: readonly AwsService[]): Target {
  const region = () =>
    /Credential=[^/]*\/\d+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? 'us-east-1';
  const header = request.headers['x-amz-target'];
  if (typeof header === 'string') {
    const [prefix, name = ''] = header.split('.');
    const service = services.find(({ protocol, target }) => protocol === 'json' && target === prefix);
    if (!service)
      throw new AwsError('UnknownOperationException', `No service here answers to ${header}`, 404);
    return { service, name, input: () => parseJson(body), region };
  }
  for (const service of services) {
    const found = findRoute(service.routes ?? [], request.method ?? 'GET', request.url ?? '/');
    if (!found) continue;
    const { operation, status = 200 } = found.route;
    return {
      service,
      name: operation,
      input: () => ({ ...parseJson(body), ...found.input }),
      region,
      status,
    };
  }
  const form = new URLSearchParams(
    request.method === 'GET' ? (request.url ?? '').split('?')[1] : body.toString(),
  );
  const service = services.find(
    ({ protocol, target }) => protocol === 'query' && target === form.get('Version'),
  );
  if (!service) {
    throw new AwsError(
      'UnknownOperationException',
      'Neither X-Amz-Target, nor Action and Version, nor the path name a service that is here: STS, CloudWatch Logs, SageMaker, Greengrass v2, S3, SQS, EventBridge',
      404,
    );
  }
  // The rest are the operation's own: not what chooses it, nor a signature in the address.
  const own = [...form].filter(([key]) => key !== 'Action' && key !== 'Version' && !key.startsWith('X-Amz-'));
  return { service, name: form.get('Action') ?? '', input: () => Object.fromEntries(own), region };
}

/** The protocol that the caller expects its answer in, as far as the request shows it without a known service. */
export function spokenBy(request: IncomingMessage): Protocol {
  if (request.headers['x-amz-target'] !== undefined) return 'json';
  const form = /^application\/x-www-form-urlencoded\b/.test(request.headers['content-type'] ?? '');
  return form || /[?&]Action=/.test(request.url ?? '') ? 'query' : 'json';
}

function parseJson(body: Buffer): Record<string, unknown> {
  let input: unknown;
  try {
    input = body.length === 0 ? {} : JSON.parse(body.toString());
  } catch {
    throw new AwsError('SerializationException', 'The body is not JSON');
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new AwsError('SerializationException', 'Start of structure expected');
  }
  return input as Record<string, unknown>;
}

export function unknownOperation(service: AwsService, name: string): AwsError {
  return service.protocol === 'query'
    ? new AwsError('InvalidAction', `Could not find operation ${name} for version ${service.target}`)
    : new AwsError('UnknownOperationException', `The sandbox has no operation ${name}`);
}

export const throttled = () => new AwsError('ThrottlingException', 'Rate exceeded');

export function asAwsError(error: unknown, protocol: Protocol): AwsError {
  if (error instanceof AwsError) return error;
  if (error instanceof AuthError) return error.forProtocol(protocol);
  throw error;
}

export function errorReply(error: AwsError, protocol: Protocol): Reply {
  // Query services have no `Exception` in their names.
  if (protocol === 'query') {
    const code = error.code.replace(/Exception$/, '');
    const xml = xmlError(code, error.message, error.status, randomUUID());
    return { status: error.status, type: 'text/xml', chunks: [Buffer.from(xml)] };
  }
  const { code, message, status, details } = error;
  if (protocol === 'rest-json') {
    // The code is in a header only.
    return {
      ...jsonReply(REST_STATUS[code] ?? status, { message, ...details }),
      type: REST_TYPE,
      errorType: code,
    };
  }
  return { ...jsonReply(status, { __type: code, message }), errorType: code };
}

export function faultReply(fault: Fault, protocol: Protocol): Reply {
  if (fault.kind === 'drop') return { status: 0, type: '', chunks: [], drop: true };
  if (fault.kind === '429') return { ...errorReply(throttled(), protocol), quick: true };
  if (fault.kind === '500') {
    return errorReply(
      new AwsError('InternalFailure', 'The request processing has failed because of an unknown error.', 500),
      protocol,
    );
  }
  const [status, message] = FAULT_WORDS[fault.kind] ?? [400, `${fault.kind} (a fault of the sandbox)`];
  return errorReply(new AwsError(fault.kind, message, status), protocol);
}

const FAULT_WORDS: Record<string, readonly [number, string]> = {
  ThrottlingException: [400, 'Rate exceeded'],
  ExpiredTokenException: [400, 'The security token included in the request is expired'],
  ExpiredToken: [403, 'The security token included in the request is expired'],
  AccessDeniedException: [400, 'User is not authorized to perform this action'],
  AccessDenied: [403, 'User is not authorized to perform this action'],
  ServiceUnavailableException: [503, 'The service cannot complete the request.'],
  ServiceUnavailable: [503, 'The service cannot complete the request.'],
  InternalFailure: [500, 'The request processing has failed because of an unknown error.'],
  ResourceNotFoundException: [400, 'The specified log group does not exist.'],
  UnrecognizedClientException: [400, 'The security token included in the request is invalid.'],
};

/** What a JSON service has of its own: its version of the protocol, the codes of the protocol it had before. */
export function inDialect(reply: Reply, { jsonVersion, queryCodes }: AwsService): Reply {
  const type = jsonVersion === undefined ? reply.type : reply.type.replace(/1\.1$/, jsonVersion);
  const { errorType, status } = reply;
  if (queryCodes === undefined || errorType === undefined) return { ...reply, type };
  const queryError = `${queryCodes[errorType] ?? errorType};${status >= 500 ? 'Receiver' : 'Sender'}`;
  return { ...reply, type, queryError };
}

/** What went wrong before the service was known, or a fault of the sandbox itself. */
export function failure(error: unknown, protocol: Protocol): Reply {
  if (error instanceof AwsError) return errorReply(error, protocol);
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return errorReply(new AwsError('InternalFailure', `The sandbox itself failed: ${words}`, 500), protocol);
}

export function jsonReply(status: number, body: Record<string, unknown>): Reply {
  return { status, type: JSON_TYPE, chunks: [Buffer.from(JSON.stringify(body))] };
}
