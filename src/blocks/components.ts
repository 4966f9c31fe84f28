/** What `/components` says: the list, one component with its chain and devices, and packaging. */

import { LIMITS } from '#sandbox/block-kit';
import { type Component, componentStateLabel, isSettled } from '../domain/components.ts';
import { compilationJobUrl, componentUrl, inConsole, trainingJobUrl } from '../domain/console-links.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../ground/errors.ts';
import type { CoreDevice, EffectiveDeployment, InstalledComponent } from '../ports/device-fleet.ts';
import { COMPILE } from './compile-ids.ts';
import { COMPONENTS, chainWords, componentFailure, componentLines } from './component-words.ts';
import { verbatim, writeRef } from './job-facts.ts';
import type { Block, Message, Modal } from './message.ts';
import {
  actions,
  button,
  code,
  codeBlock,
  context,
  divider,
  linkButton,
  moment,
  plain,
  section,
} from './text.ts';

export { COMPONENTS, readComponentRef } from './component-words.ts';

export function componentsUsage(command: string): Message {
  return {
    text: `${command} lists the Greengrass components of this channel’s use case.`,
    blocks: [
      section(
        [
          `*${code(command)} lists the components of this channel’s use case*`,
          `• ${code(command)} all, newest first`,
          `• ${code(`${command} resnet`)} those with a part of the component’s, job’s or target’s name`,
          '*Details* shows where a component comes from and which devices have it.',
        ].join('\n'),
      ),
    ],
  };
}

// --- The list ----------------------------------------------------------------------------------------

export const COMPONENTS_PAGE = 8;

/** One version, as far as it is known. */
interface ComponentRow {
  useCase: Pick<UseCase, 'id' | 'name' | 'aws'>;
  name: string;
  version: string;
  arn?: string | undefined;
  state?: string | undefined;
  createdAt?: number | undefined;
  component?: Component | undefined;
  /** How many of the use case's devices have this very version now, and another; left out: they were not asked. */
  devices?: { have: number; others: number; of: number } | undefined;
}

export interface ComponentsFacts {
  rows: readonly ComponentRow[];
  match: string;
  total: number;
  page: number;
  pages: number;
  useCases: readonly Pick<UseCase, 'name'>[];
  /** Greengrass could not be asked, in words. */
  incomplete?: string | undefined;
  /** Why nobody knows which devices have what, in words. */
  devicesUnknown?: string | undefined;
}

/** What was asked for, and the page, as a block id. */
function writeComponentsState(match: string, page: number): string {
  return `${page} ${match}`.slice(0, LIMITS.id);
}

export function readComponentsState(block: string): { match: string; page: number } {
  const found = /^(\d{1,6}) ([\s\S]*)$/.exec(block);
  return found ? { match: found[2]!, page: Number(found[1]) } : { match: '', page: 0 };
}

export function componentsList(facts: ComponentsFacts): Message {
  const { rows, total, page, pages } = facts;
  const found = `${total} ${total === 1 ? 'component version' : 'component versions'}${facts.match === '' ? '' : ` with ${code(facts.match, 100)}`}`;
  const turns = [
    page > 0 ? button('‹ Newer', `${COMPONENTS.page}:0`, String(page - 1)) : undefined,
    page + 1 < pages ? button('Older ›', `${COMPONENTS.page}:1`, String(page + 1)) : undefined,
  ].filter((one) => one !== undefined);
  return {
    text: `${found}${
      rows.length > 0
        ? `: ${rows
            .slice(0, 3)
            .map(({ name, version }) => code(`${name} ${version}`, 100))
            .join(', ')}`
        : ''
    }`,
    blocks: [
      section(
        `*Components* of ${plain(facts.useCases.map(({ name }) => name).join(', '), 300)}\n${found}, newest first`,
      ),
      ...(facts.incomplete
        ? [
            context(
              `:warning: Only components made with Signalbox are listed: ${plain(facts.incomplete, 500)}`,
            ),
          ]
        : []),
      ...(rows.length === 0
        ? [
            section(
              facts.match === ''
                ? 'No component yet: one is made from a compiled model, by *Package…* on its job’s card.'
                : 'Nothing matches. Give a shorter part of the component’s, job’s or target’s name.',
            ),
          ]
        : rows.map(rowSection)),
      ...(facts.devicesUnknown
        ? [context(`Device counts are missing: ${plain(facts.devicesUnknown, 500)}`)]
        : []),
      ...(turns.length > 0
        ? [
            {
              type: 'actions' as const,
              block_id: writeComponentsState(facts.match, page),
              elements: turns,
            },
          ]
        : []),
    ],
  };
}

function rowSection(row: ComponentRow, index: number): Block {
  const { devices, component, createdAt } = row;
  const chain = component?.chain;
  const from = chain
    ? `from ${code(chain.trainingJob, 100)} for *${plain(chain.target, 60)}*`
    : 'added outside Signalbox';
  return section(
    [
      [
        `${stateWords(row.state)} ${code(`${row.name} ${row.version}`)}`,
        ...(devices ? [deviceCount(devices)] : []),
      ].join(' · '),
      [from, ...(createdAt === undefined ? [] : [`created ${moment(createdAt)}`])].join(' · '),
    ].join('\n'),
    button('Details', `${COMPONENTS.details}:${index}`, `${row.useCase.id} ${row.name} ${row.version}`),
  );
}

function deviceCount({ have, others, of }: NonNullable<ComponentRow['devices']>): string {
  if (of === 0) return 'no devices yet';
  const on = `on ${have} of ${of} ${of === 1 ? 'device' : 'devices'}`;
  return others === 0 ? on : `${on}, another version on ${others}`;
}

function stateWords(state: string | undefined): string {
  if (state === undefined) return '❔ *state unknown*';
  const label = componentStateLabel(state);
  return `${label.symbol} *${plain(label.word, 60)}*`;
}

// --- One component -----------------------------------------------------------------------------------

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

export interface ComponentFacts extends Omit<ComponentRow, 'devices'> {
  message?: string | undefined;
  errors: Readonly<Record<string, string>>;
  versions: readonly { version: string; component?: Component | undefined }[];
  devices: DevicesFacts;
  /** The use case packages, so that it can be packaged again. */
  packages: boolean;
}

const VERSIONS_SHOWN = 10;
const DEVICES_SHOWN = 60;
/** Device rows of one section: each has at most about 500 characters. */
const DEVICES_PER_SECTION = 5;

export function componentView(metadata: string, facts: ComponentFacts): Modal {
  const { component, useCase } = facts;
  const chain = component?.chain;
  const ref = chain && writeRef({ useCase: useCase.id, job: chain.trainingJob, target: chain.target });
  const failed = facts.state?.toUpperCase() === 'FAILED';
  return modal(metadata, 'Component', [
    section(
      [
        `*${code(facts.name)}* ${code(facts.version)}`,
        `${stateWords(facts.state ?? component?.state)}${facts.createdAt === undefined ? '' : ` · created ${moment(facts.createdAt)}`}`,
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
        ? linkButton(
            'Training job in AWS',
            `${COMPILE.link}:3`,
            inConsole(useCase, trainingJobUrl, chain.trainingJob),
          )
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

// --- Packaging ---------------------------------------------------------------------------------------

export interface PreviewFacts {
  job: string;
  target: string;
  name: string;
  version: string;
  recipe: string;
  template: 'built-in' | 'use case';
  /** Made from the same compilation before. */
  existing: readonly Component[];
}

/** Of a recipe in a modal: the rest is cut, and says so. */
const RECIPE_SHOWN = 2900;

export function packageForm(metadata: string, facts: PreviewFacts): Modal {
  const again = facts.existing.length > 0;
  return {
    ...modal(metadata, again ? 'Package again' : 'Package a model', [
      section(
        [
          `${code(facts.job)} compiled for *${plain(facts.target, 60)}* becomes`,
          `component ${code(facts.name)} version ${code(facts.version)}`,
        ].join('\n'),
      ),
      ...(again
        ? [
            section(
              [
                'Packaged before, and left as it is:',
                ...facts.existing.slice(-5).map((component) => `• ${componentLines(component)[0]}`),
              ].join('\n'),
            ),
          ]
        : []),
      section(
        `*Recipe*, from the ${facts.template === 'built-in' ? 'built-in template' : 'use case’s template'}`,
      ),
      section(codeBlock(facts.recipe, RECIPE_SHOWN)),
      context('When you publish, it gets the version that is the next free one then.'),
    ]),
    callback_id: COMPONENTS.publish,
    submit: { type: 'plain_text', text: 'Publish' },
  };
}

export interface PublishFacts {
  useCase: Pick<UseCase, 'id' | 'aws'>;
  target: string;
  outcome: 'published' | 'already' | 'pending' | 'refused';
  component?: Component | undefined;
  error?: Pick<AppError, 'message' | 'hint' | 'ref'> | undefined;
}

const OUTCOMES: Readonly<Record<PublishFacts['outcome'], string>> = {
  published: 'Greengrass has accepted it and is checking it.',
  already: 'It is packaged already, so nothing new was made.',
  pending: 'Greengrass gave no clear answer. Signalbox asks again by itself and makes nothing twice.',
  refused: 'Greengrass did not take it.',
};

export function publishView(metadata: string, facts: PublishFacts): Modal {
  const { component, error } = facts;
  const settled = component && isSettled(component);
  return modal(metadata, 'Packaging', [
    section(
      [
        `*${plain(facts.target, 60)}*${settled ? '' : ` · ${OUTCOMES[facts.outcome]}`}`,
        ...(component ? componentLines(component) : []),
      ].join('\n'),
    ),
    ...(error && !component
      ? [
          section([verbatim(error.message, 1500).block, plain(error.hint ?? '', 800)].join('\n')),
          context(`Reference \`${error.ref}\``),
        ]
      : []),
    ...actions(
      component
        ? button(
            'Devices and origin',
            COMPONENTS.details,
            `${facts.useCase.id} ${component.chain.component.name} ${component.chain.component.version}`,
          )
        : undefined,
      component
        ? linkButton(
            'AWS console',
            COMPILE.link,
            inConsole(facts.useCase, componentUrl, component.chain.component.name),
          )
        : undefined,
    ),
    ...(settled || !component ? [] : [context('This window stays up to date while it is open.')]),
  ]);
}

function modal(metadata: string, title: string, blocks: Block[]): Modal {
  return {
    type: 'modal',
    callback_id: COMPONENTS.details,
    title: { type: 'plain_text', text: title },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
    blocks: blocks.slice(0, LIMITS.blocks.view),
  };
}
