/**
 * Requests to all services but S3. Reads the protocol, checks the signature, the quota and the rights, lets the service
 * work, and words answers and errors as the protocol does.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FaultPlan } from '../faults.ts';
import type { Clock } from '../time.ts';
import { AwsError, type Protocol } from './errors.ts';
import type { Iam, Principal } from './iam.ts';
import {
  asAwsError,
  errorReply,
  failure,
  faultReply,
  inDialect,
  JSON_TYPE,
  jsonReply,
  REST_TYPE,
  type Reply,
  readTarget,
  spokenBy,
  type Target,
  throttled,
  unknownOperation,
} from './protocols.ts';
import type { AwsAnswer, AwsService } from './service.ts';
import { checkMembers, isQuestion, watchReads } from './service-model.ts';
import { readClaim, verifySignature } from './sigv4.ts';
import type { Stores } from './stores.ts';
import type { Traffic } from './traffic.ts';
import { toXml } from './xml.ts';

const MAX_BODY_BYTES = 16 * 1_048_576;
const LOG_SETTLE_MS = 100;

export interface ServiceDoorOptions {
  services: readonly AwsService[];
  stores: Pick<Stores, 'settle'>;
  iam: Iam;
  clock: Clock;
  faults: FaultPlan | undefined;
  traffic: Traffic;
}

/** @returns works on one request. Does not reject: whatever goes wrong is a reply too. */
export function serviceDoor(
  options: ServiceDoorOptions,
): (request: IncomingMessage, signal: AbortSignal) => Promise<Reply> {
  const { services, stores, iam, clock, faults, traffic } = options;
  let settledAt = Number.NEGATIVE_INFINITY;

  async function answer(request: IncomingMessage, signal: AbortSignal): Promise<Reply> {
    const body = await readBody(request);
    const target = readTarget(request, body, services);
    return inDialect(await work(request, body, target, signal), target.service);
  }

  async function work(
    request: IncomingMessage,
    body: Buffer,
    target: Target,
    signal: AbortSignal,
  ): Promise<Reply> {
    const { service, name } = target;
    const { protocol } = service;
    try {
      const operation = service.operations[name];
      const fault = faults?.take(`${service.name}:${name}`);
      if (fault && fault.kind !== 'lost_answer') return faultReply(fault, protocol);
      const principal = authenticate(request, body, service);
      if (!operation) throw unknownOperation(service, name);
      const { account } = principal;
      const region = target.region();
      if (!traffic.admit(name, account, region)) return { ...errorReply(throttled(), protocol), quick: true };
      const given = target.input();
      const watched = watchReads(given);
      const call = { account, region, principal, input: watched.input, now: clock.now(), signal };
      if (operation.action !== undefined) {
        iam.authorize(principal, operation.action, operation.resources?.(call) ?? ['*'], call.region);
      }
      checkMembers(service, name, given);
      await settle(service, call.now);
      const worked = await operation.handle(call);
      if (isQuestion(name)) watched.checkAllRead(name);
      if ('chunks' in worked && worked.chunks.length > 0) traffic.page(worked.events);
      const reply = success(worked, protocol, name, target.status);
      return fault ? { ...reply, drop: true } : reply;
    } catch (error) {
      return errorReply(asAwsError(error, protocol), protocol);
    }
  }

  function authenticate(request: IncomingMessage, body: Buffer, service: AwsService): Principal {
    const signed = {
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      headers: request.headers,
      body,
    };
    const claim = readClaim(signed);
    const credential = iam.credential(claim.accessKeyId);
    // Clients sign with their machine's clock, whatever time the sandbox plays.
    verifySignature(signed, claim, credential.secret, service.signingName, Date.now());
    iam.checkToken(credential, claim.sessionToken);
    return credential.principal;
  }

  /** Reading logs is measured: there, what the clock has brought about is looked for now and then only. */
  async function settle(service: AwsService, now: number): Promise<void> {
    const recently = service.name === 'logs' && performance.now() - settledAt < LOG_SETTLE_MS;
    if (service.name === 'sts' || service.timeless || recently) return;
    settledAt = performance.now();
    await stores.settle(now);
  }

  return (request, signal) =>
    answer(request, signal).catch((error: unknown) => failure(error, spokenBy(request)));
}

function success(answer: AwsAnswer, protocol: Protocol, operation: string, status = 200): Reply {
  if (!('body' in answer)) return { status: 200, type: JSON_TYPE, chunks: answer.chunks };
  if (protocol === 'json') return jsonReply(200, answer.body);
  if (protocol === 'query') {
    const xml = toXml(operation, answer.body, randomUUID());
    return { status: 200, type: 'text/xml', chunks: [Buffer.from(xml)] };
  }
  return { ...jsonReply(status, answer.body), type: REST_TYPE, ...(status === 204 ? { chunks: [] } : {}) };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES)
      throw new AwsError('RequestEntityTooLargeException', 'The body is too large', 413);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
