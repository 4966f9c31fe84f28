/** Model packages and endpoint deployments: told where somebody subscribed to them. They are not jobs, and have no card. */
import { endpointDeploymentAnnouncement, modelPackageAnnouncement } from '../blocks/model-announcements.ts';
import { type EndpointDeploymentEvent, type ModelPackageEvent, thingsOf } from '../domain/aws-events.ts';
import type { Outcome } from '../domain/subscriptions.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { announce, isStale, NEWS_FOR, type ReportDeps } from './notifier.ts';

const FAILED_PACKAGE: ReadonlySet<string> = new Set(['failed', 'deletefailed']);
const FAILED_ENDPOINT: ReadonlySet<string> = new Set(['failed', 'updaterollbackfailed', 'rollingback']);

export function modelNotifier(deps: ReportDeps): {
  onModelPackage(event: ModelPackageEvent, useCase: UseCase): Promise<void>;
  onEndpointDeployment(event: EndpointDeploymentEvent, useCase: UseCase): Promise<void>;
} {
  const { store, clock } = deps;

  /** What an archive replays, and what a newer event has overtaken, is no news. */
  async function isOld(event: ModelPackageEvent | EndpointDeploymentEvent): Promise<boolean> {
    const { replayed, at } = event;
    return replayed || clock.now() - at > NEWS_FOR || (await isStale(store, thingsOf(event), at));
  }

  return {
    async onModelPackage(event, useCase) {
      if (await isOld(event)) return;
      const { model, status, approval, resource, at } = event;
      const outcome = packageOutcome(status, approval);
      await announce(
        deps,
        { useCase: useCase.id, kind: 'model', name: model, outcome },
        `model/${useCase.id}/${resource}/${at}/${status}/${approval ?? ''}/${event.stage?.name ?? ''}/${event.stage?.status ?? ''}`,
        modelPackageAnnouncement(event, useCase, outcome),
      );
    },

    async onEndpointDeployment(event, useCase) {
      if (await isOld(event)) return;
      const { endpoint, status, stage, resource, at } = event;
      const outcome = FAILED_ENDPOINT.has(status.toLowerCase()) ? 'failed' : 'milestone';
      await announce(
        deps,
        { useCase: useCase.id, kind: 'endpoint', name: endpoint, outcome },
        `endpoint/${useCase.id}/${resource}/${at}/${status}/${stage?.name ?? ''}`,
        endpointDeploymentAnnouncement(event, useCase, outcome),
      );
    },
  };
}

function packageOutcome(status: string, approval: string | undefined): Outcome {
  if (FAILED_PACKAGE.has(status.toLowerCase())) return 'failed';
  const decided = approval?.toLowerCase();
  if (decided === 'approved') return 'succeeded';
  return decided === 'rejected' ? 'stopped' : 'milestone';
}
