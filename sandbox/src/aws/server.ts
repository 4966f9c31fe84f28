/**
 * One HTTP server for all AWS services: it passes each request to S3's door or to the door of the other services, and
 * lets no answer leave sooner than the latency allows.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../time.ts';
import type { Reply } from './protocols.ts';
import type { s3Door } from './s3.ts';
import { isForS3 } from './s3-request.ts';
import type { serviceDoor } from './service-door.ts';
import type { AwsSandboxSettings } from './settings.ts';
import type { Stores } from './stores.ts';
import type { Traffic } from './traffic.ts';

export interface AwsServerParts {
  s3: ReturnType<typeof s3Door>;
  service: ReturnType<typeof serviceDoor>;
  stores: Stores;
  clock: Clock;
  /** Read at each request, so that they may change while the sandbox runs. */
  settings: Pick<AwsSandboxSettings, 'latencyMs' | 'jitterMs'>;
  traffic: Traffic;
}

/** Not listening yet. */
export function awsServer({ s3, service, stores, clock, settings, traffic }: AwsServerParts): Server {
  async function answerS3(
    request: IncomingMessage,
    response: ServerResponse,
    latency: () => Promise<void>,
  ): Promise<void> {
    await stores.settle(clock.now());
    await s3(request, response, latency);
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    latency: () => Promise<void>,
  ): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const reply = await service(request, gone.signal);
    if (!reply.quick) await latency();
    send(response, reply);
  }

  function send(response: ServerResponse, reply: Reply): void {
    if (reply.drop) {
      response.destroy();
      return;
    }
    const length = reply.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    traffic.sent(length);
    response.writeHead(reply.status, {
      'content-type': reply.type,
      'content-length': length,
      'x-amzn-requestid': randomUUID(),
      ...(reply.errorType ? { 'x-amzn-errortype': reply.errorType } : {}),
      ...(reply.queryError ? { 'x-amzn-query-error': reply.queryError } : {}),
    });
    response.cork();
    for (const chunk of reply.chunks) response.write(chunk);
    response.end();
    response.uncork();
  }

  const server = createServer((request, response) => {
    const end = traffic.begin();
    const arrived = performance.now();
    const latency = async (): Promise<void> => {
      const wait = settings.latencyMs + Math.random() * settings.jitterMs - (performance.now() - arrived);
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    };
    const isS3 = isForS3(request, (name) => stores.objects.findBucket(name) !== undefined);
    (isS3 ? answerS3 : answer)(request, response, latency)
      .catch(() => response.destroy())
      .finally(end);
  });
  // Longer than SDK clients keep an idle connection: the side that sends should be the one that closes.
  server.keepAliveTimeout = 60_000;
  return server;
}
