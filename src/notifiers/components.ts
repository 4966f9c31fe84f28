/** Components that Greengrass made or refused, deployments, and devices' reports about components. */

import {
  componentAnnouncement,
  deploymentAnnouncement,
  installedAnnouncement,
} from '../blocks/announcements.ts';
import type { Success } from '../domain/alerts.ts';
import {
  type DeploymentEvent,
  type InstalledComponent,
  type InstalledComponentEvent,
  thingsOf,
} from '../domain/aws-events.ts';
import { type Component, isSettled } from '../domain/components.ts';
import { componentUrl, coreDeviceUrl, inConsole } from '../domain/console-links.ts';
import { adviceForComponent, adviceForDeployment, adviceForDevice } from '../domain/failure-guidance.ts';
import { pipelineOf } from '../domain/job-keys.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Failure } from '../operations/alert-manager.ts';
import {
  alertsChannelOf,
  announce,
  isStale,
  NEWS_FOR,
  type Notifier,
  type NotifierDeps,
  type ReportDeps,
} from './notifier.ts';

const FAILED_DEPLOYMENT = new Set(['FAILED', 'REJECTED']);
const DONE_DEPLOYMENT = new Set(['SUCCEEDED', 'COMPLETED']);
const BROKEN_COMPONENT = new Set(['ERRORED', 'BROKEN']);
const WORKING_COMPONENT = new Set(['RUNNING', 'FINISHED']);

export function componentNotifier(deps: NotifierDeps): Notifier {
  const { store, clock, alerts } = deps;

  async function settled(component: Component, useCase: UseCase): Promise<void> {
    const { trainingJob, target, component: made } = component.chain;
    const state = component.state.toUpperCase();
    if (state !== 'DEPLOYABLE' && state !== 'FAILED') return;
    const failed = state === 'FAILED';
    const at = component.lastCheckedAt ?? component.createdAt;
    const pipeline = pipelineOf(trainingJob);
    const key = `component/${useCase.id}/${made.name}/${made.version}/${state}`;
    if (!failed) await alerts.succeeded(useCase, { kind: 'component', pipeline, target, at });
    const alert = failed
      ? await alerts.raise(useCase, {
          kind: 'component',
          title: 'Packaging failed',
          cause: component.message ?? '',
          scope: pipeline,
          subject: {
            id: key,
            name: `${made.name} ${made.version}`,
            job: trainingJob,
            pipeline,
            target,
            at,
            console: inConsole(useCase, componentUrl, made.name),
          },
          startedBy: component.publishedBy,
          advice: adviceForComponent(component.message, component.errors),
          job: trainingJob,
        })
      : undefined;
    await announce(
      deps,
      {
        useCase: useCase.id,
        kind: 'component',
        name: made.name,
        outcome: failed ? 'failed' : 'succeeded',
      },
      key,
      componentAnnouncement(component, useCase),
      { except: alert && alertsChannelOf(useCase) },
    );
  }

  return {
    async onChange(change, useCase) {
      if (change.kind === 'component' && isSettled(change.component))
        await settled(change.component, useCase);
    },
    async recover(useCase) {
      for (const component of await store.listComponents({ useCase: useCase.id, settled: true }))
        if (clock.now() - (component.lastCheckedAt ?? component.createdAt) < NEWS_FOR)
          await settled(component, useCase);
    },
  };
}

/** Events from devices, which are the only source for this. */
export function deviceNotifier(deps: ReportDeps): {
  onDeployment(event: DeploymentEvent, useCase: UseCase): Promise<void>;
  onInstalled(event: InstalledComponentEvent, useCase: UseCase): Promise<void>;
} {
  const { alerts, store } = deps;

  return {
    async onDeployment(event, useCase) {
      const { deployment, device, status, at } = event;
      const key = `deployment/${deployment}/${device}/${status}`;
      const failed = FAILED_DEPLOYMENT.has(status);
      if (DONE_DEPLOYMENT.has(status))
        await alerts.succeeded(useCase, { kind: 'deployment', pipeline: `device ${device}`, at });
      if (await isStale(store, thingsOf(event), at)) return;
      const alert = failed
        ? await alerts.raise(useCase, {
            kind: 'deployment',
            title: `Deployment ${status.toLowerCase()}`,
            cause: event.reason ?? '',
            // A deployment that fails on forty devices is one alert.
            scope: deployment,
            subject: {
              id: key,
              name: device,
              pipeline: `device ${device}`,
              at,
              console: inConsole(useCase, coreDeviceUrl, device),
            },
            advice: adviceForDeployment(event.reason),
          })
        : undefined;
      await announce(
        deps,
        {
          useCase: useCase.id,
          kind: 'deployment',
          name: device,
          outcome: failed ? 'failed' : DONE_DEPLOYMENT.has(status) ? 'succeeded' : 'stopped',
        },
        `${useCase.id}/${key}`,
        deploymentAnnouncement(event, useCase),
        { except: alert && alertsChannelOf(useCase) },
      );
    },

    async onInstalled(event, useCase) {
      const { device, at } = event;
      const things = thingsOf(event);
      const failures: Failure[] = [];
      const good: Success[] = [];
      for (const [index, component] of event.components.entries()) {
        const { name, version, status } = component;
        const pipeline = `component ${name} on ${device}`;
        if (WORKING_COMPONENT.has(status)) good.push({ kind: 'deployment', pipeline, at });
        if (!BROKEN_COMPONENT.has(status) || (await isStale(store, [things[index]!], at))) continue;
        failures.push({
          kind: 'deployment',
          title: `Component ${status.toLowerCase()} on a device`,
          cause: causeOf(component, event.reason),
          scope: `${name} ${version ?? ''}`,
          subject: {
            id: `installed/${device}/${name}/${version ?? ''}/${status}/${at}`,
            name: `${name}${version === undefined ? '' : ` ${version}`} on ${device}`,
            pipeline,
            at,
            console: inConsole(useCase, coreDeviceUrl, device),
            // A failing component is restarted three times, and reported each time.
            lasting: true,
          },
          advice: adviceForDevice(component, event.reason),
        });
      }
      await Promise.all(good.map((success) => alerts.succeeded(useCase, success)));
      const raised = await alerts.raiseAll(useCase, failures);
      const alerted = raised.some((alert) => alert !== undefined);
      if (await isStale(store, things, at)) return;
      const failed = event.components.some(({ status }) => BROKEN_COMPONENT.has(status));
      await announce(
        deps,
        {
          useCase: useCase.id,
          kind: 'deployment',
          name: device,
          outcome: failed ? 'failed' : 'milestone',
        },
        `installed/${useCase.id}/${device}/${at}/${event.components.map(({ name, status }) => `${name}:${status}`).join(',')}`.slice(
          0,
          400,
        ),
        installedAnnouncement(event, useCase),
        { except: alerted ? alertsChannelOf(useCase) : undefined },
      );
    },
  };
}

/** The device's own words; just its codes if it has no words, or words that say less. */
function causeOf({ codes = [], details }: InstalledComponent, reason: string | undefined): string {
  const words = details ?? reason ?? '';
  return [codes.join(', '), words].filter((part) => part !== '').join(': ');
}
