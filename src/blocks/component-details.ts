/** One version of a component: where it comes from, its other versions, and which devices have it. */

import type { Component } from '../domain/components.ts';
import { compilationJobUrl, componentUrl, inConsole, trainingPage } from '../domain/console-links.ts';
import type { AppError } from '../ground/errors.ts';
import type { CoreDevice, EffectiveDeployment, InstalledComponent } from '../ports/device-fleet.ts';
import { COMPILE } from './compile-ids.ts';
import {
  COMPONENTS,
  type ComponentVersion,
  chainWords,
  componentFailure,
  componentModal,
  componentStateWords,
} from './component-words.ts';
import { writeRef } from './job-facts.ts';
import type { Block, Modal } from './message.ts';
import { actions, button, code, context, divider, linkButton, moment, plain, section } from './text.ts';

interface DeviceRow {
  device: CoreDevice;
  installed: readonly InstalledComponent[];
  deployments: readonly (EffectiveDeployment & { version?: string | undefined })[];
  problem?: string | undefined;
}

export type DevicesFacts =
  | { kind: 'asking'; done: number; total: number }
  | { kind: 'known'; asOf: number; total: number; failed: number; rows: readonly DeviceRow[] }
  | { kind: 'failed'; error: Pick<AppError, 'message' | 'hint' | 'ref'> };

export interface ComponentFacts extends ComponentVersion {
  message?: string | undefined;
  errors: Readonly<Record<string, string>>;
  versions: readonly { version: string; component?: Component | undefined }[];
  devices: DevicesFacts;
  /** Whether the use case packages models, so that this one can be packaged again. */
  packages: boolean;
}

const VERSIONS_SHOWN = 10;
const DEVICES_SHOWN = 60;
/** Device rows in one section; each takes at most about 500 characters. */
const DEVICES_PER_SECTION = 5;

export function componentView(metadata: string, facts: ComponentFacts): Modal {
  const { component, useCase } = facts;
  const chain = component?.chain;
  const ref = chain && writeRef({ useCase: useCase.id, job: chain.trainingJob, target: chain.target });
  const failed = facts.state?.toUpperCase() === 'FAILED';
  return componentModal(metadata, 'Component', [
    section(
      [
        `*${code(facts.name)}* ${code(facts.version)}`,
        `${componentStateWords(facts.state ?? component?.state)}${facts.createdAt === undefined ? '' : ` · created ${moment(facts.createdAt)}`}`,
        facts.arn ? code(facts.arn, 600) : '_no ARN yet_',
      ].join('\n'),
    ),
    ...(failed ? [section(componentFailure(facts).join('\n'))] : []),
    section(
      component
        ? `*Where it comes from*\n${chainWords(component)}`
        : '*Where it comes from:* it was added outside Signalbox, which leaves no trace of its training job.',
    ),
    ...actions(
      chain
        ? button('Training job', COMPILE.details, writeRef({ useCase: useCase.id, job: chain.trainingJob }))
        : undefined,
      ref ? button('Compilation history', COMPILE.history, ref) : undefined,
      ref && facts.packages ? button('Package again…', COMPONENTS.package, ref) : undefined,
      linkButton('Component in AWS', `${COMPILE.link}:1`, inConsole(useCase, componentUrl, facts.name)),
      chain
        ? linkButton(
            'Compilation in AWS',
            `${COMPILE.link}:2`,
            inConsole(useCase, compilationJobUrl, chain.compilationJob),
          )
        : undefined,
      chain
        ? linkButton('Training job in AWS', `${COMPILE.link}:3`, trainingPage(useCase, chain.trainingJob))
        : undefined,
    ),
    ...versions(facts),
    divider(),
    ...devices(facts.devices, facts.version),
  ]);
}

function versions({ versions: all, version }: ComponentFacts): Block[] {
  if (all.length < 2) return [];
  const shown = all.slice(0, VERSIONS_SHOWN);
  return [
    section(
      [
        `*${all.length} versions*, newest first`,
        shown
          .map(({ version: one, component }) => {
            const from = component ? ` from ${code(component.chain.trainingJob, 70)}` : '';
            return `${code(one, 40)}${one === version ? ' (this one)' : ''}${from}`;
          })
          .join(' · ') + (all.length > shown.length ? ` · … ${all.length - shown.length} older` : ''),
      ].join('\n'),
    ),
  ];
}

function devices(facts: DevicesFacts, version: string): Block[] {
  switch (facts.kind) {
    case 'asking':
      return [
        section(
          `*Devices*\n:hourglass_flowing_sand: ${facts.total === 0 ? 'asking which devices there are' : `asked ${facts.done} of ${facts.total} devices`}`,
        ),
      ];
    case 'failed':
      return [
        section(
          `*Devices*\n:warning: ${plain(facts.error.message, 1000)}\n${plain(facts.error.hint ?? '', 800)}`,
        ),
        context(`Reference \`${facts.error.ref}\``),
      ];
    case 'known':
      return knownDevices(facts, version);
  }
}

function knownDevices(facts: Extract<DevicesFacts, { kind: 'known' }>, version: string): Block[] {
  const having = facts.rows.filter(({ installed }) => installed.length > 0).length;
  const exactly = facts.rows.filter(({ installed }) =>
    installed.some((one) => one.version === version),
  ).length;
  const shown = facts.rows.slice(0, DEVICES_SHOWN);
  const blocks: Block[] = [
    section(
      [
        `*Devices:* ${having} of ${facts.total} have this component now${having > 0 ? `, ${exactly === 0 ? 'none' : exactly} of them in version ${code(version, 40)}` : ''}${facts.failed > 0 ? `; ${facts.failed} could not be asked` : ''}`,
        ...(facts.rows.length === 0 ? ['No deployment includes it either.'] : []),
      ].join('\n'),
    ),
  ];
  for (let at = 0; at < shown.length; at += DEVICES_PER_SECTION)
    blocks.push(
      section(
        shown
          .slice(at, at + DEVICES_PER_SECTION)
          .map(deviceWords)
          .join('\n'),
      ),
    );
  return [
    ...blocks,
    ...(facts.rows.length > shown.length
      ? [context(`… ${facts.rows.length - shown.length} more devices`)]
      : []),
    context(`Asked ${moment(facts.asOf)}. Each device shows what it last reported, which may be a day old.`),
  ];
}

const HEALTH: Readonly<Record<string, string>> = { HEALTHY: '🟢', UNHEALTHY: '🔴' };

function deviceWords({ device, installed, deployments, problem }: DeviceRow): string {
  const health = device.health.toUpperCase();
  const head = `${HEALTH[health] ?? '❔'} *${plain(device.name, 80)}* ${plain(health.toLowerCase(), 40)} · as of ${device.reportedAt === undefined ? 'never' : moment(device.reportedAt)}`;
  const has = installed
    .slice(0, 3)
    .map(({ version, state }) => `has ${code(version, 40)} ${plain(state.toLowerCase(), 40)}`);
  const meant = deployments
    .slice(0, 2)
    .map(
      ({ version, status, name, id }) =>
        `deployment ${code(name ?? id, 60)} installs ${version === undefined ? 'it' : code(version, 40)}: ${plain(status.toLowerCase(), 40)}`,
    );
  const rest = [...has, ...meant, ...(problem ? [`:warning: ${plain(problem, 120)}`] : [])];
  return [head, rest.length === 0 ? '' : `      ${rest.join(' · ')}`]
    .filter((line) => line !== '')
    .join('\n');
}
