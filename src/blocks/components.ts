/** `/components`: its usage, and a page of the list. */

import { LIMITS } from '#sandbox/block-kit';
import type { UseCase } from '../domain/use-cases.ts';
import {
  COMPONENTS,
  type ComponentVersion,
  componentStateWords,
  writeComponentRef,
} from './component-words.ts';
import type { Block, Message } from './message.ts';
import { button, code, context, moment, plain, section } from './text.ts';

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

export const COMPONENTS_PAGE = 8;

interface ComponentRow extends ComponentVersion {
  /** How many of the use case's devices have this version now, and another one. Left out: they were not asked. */
  devices?: { have: number; others: number; of: number } | undefined;
}

export interface ComponentsFacts {
  rows: readonly ComponentRow[];
  match: string;
  total: number;
  page: number;
  pages: number;
  useCases: readonly Pick<UseCase, 'name'>[];
  /** Why Greengrass could not be asked. */
  incomplete?: string | undefined;
  /** Why it is not known which devices have which version. */
  devicesUnknown?: string | undefined;
}

/** The search text and the page, written into a block id for the page buttons. */
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
        `${componentStateWords(row.state)} ${code(`${row.name} ${row.version}`)}`,
        ...(devices ? [deviceCount(devices)] : []),
      ].join(' · '),
      [from, ...(createdAt === undefined ? [] : [`created ${moment(createdAt)}`])].join(' · '),
    ].join('\n'),
    button(
      'Details',
      `${COMPONENTS.details}:${index}`,
      writeComponentRef({ useCase: row.useCase.id, name: row.name, version: row.version }),
    ),
  );
}

function deviceCount({ have, others, of }: NonNullable<ComponentRow['devices']>): string {
  if (of === 0) return 'no devices yet';
  const on = `on ${have} of ${of} ${of === 1 ? 'device' : 'devices'}`;
  return others === 0 ? on : `${on}, another version on ${others}`;
}
