/** What every message and window says about a component. */
import { LIMITS } from '#sandbox/block-kit';
import { type Component, componentStateLabel } from '../domain/components.ts';
import { adviceForComponent } from '../domain/failure-guidance.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { guidanceLines, verbatim } from './job-facts.ts';
import type { Block, Modal } from './message.ts';
import { code, moment, plain } from './text.ts';

export const COMPONENTS = {
  list: 'components.list',
  page: 'components.page',
  details: 'components.details',
  devices: 'components.devices',
  package: 'components.package',
  publish: 'components.publish',
} as const;

/** One version of a component, as far as it is known. */
export interface ComponentVersion {
  useCase: Pick<UseCase, 'id' | 'name' | 'aws'>;
  name: string;
  version: string;
  arn?: string | undefined;
  state?: string | undefined;
  createdAt?: number | undefined;
  component?: Component | undefined;
}

interface ComponentRef {
  useCase: string;
  name: string;
  version: string;
}

/** Names have no spaces. */
export function writeComponentRef({ useCase, name, version }: ComponentRef): string {
  return `${useCase} ${name} ${version}`;
}

export function componentRef({ useCase, chain }: Pick<Component, 'useCase' | 'chain'>): string {
  return writeComponentRef({ useCase, ...chain.component });
}

export function readComponentRef(text: string): ComponentRef | undefined {
  const [useCase, name, version] = text.split(' ');
  return useCase && name && version ? { useCase, name, version } : undefined;
}

export function chainWords({ chain }: Pick<Component, 'chain'>): string {
  return [
    `training ${code(chain.trainingJob)}`,
    `target *${plain(chain.target, 60)}*`,
    `compilation ${code(chain.compilationJob)}`,
    `component ${code(`${chain.component.name} ${chain.component.version}`)}`,
  ].join(' → ');
}

/** Name and version, state, ARN and creation time; for a failed component also the cause and what to do. */
export function componentLines(component: Component): string[] {
  const label = componentStateLabel(component.state);
  const { name, version } = component.chain.component;
  const lines = [
    `${label.symbol} ${code(`${name} ${version}`)} *${plain(label.word, 60)}* · created ${moment(component.createdAt)}`,
    component.arn ? code(component.arn, 400) : '_no ARN yet_',
  ];
  if (component.state.toUpperCase() === 'FAILED') lines.push(...componentFailure(component));
  return lines;
}

export function componentFailure(component: Pick<Component, 'message' | 'errors'>): string[] {
  const errors = Object.entries(component.errors ?? {}).map(([where, what]) => `${where}: ${what}`);
  const words = [component.message ?? '', ...errors].filter((part) => part !== '').join('\n');
  return [
    ...(words === '' ? [] : [verbatim(words, 900).block]),
    guidanceLines(adviceForComponent(component.message, component.errors ?? {})),
  ];
}

export function componentStateWords(state: string | undefined): string {
  if (state === undefined) return '❔ *state unknown*';
  const label = componentStateLabel(state);
  return `${label.symbol} *${plain(label.word, 60)}*`;
}

export function componentModal(metadata: string, title: string, blocks: Block[]): Modal {
  return {
    type: 'modal',
    callback_id: COMPONENTS.details,
    title: { type: 'plain_text', text: title },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
    blocks: blocks.slice(0, LIMITS.blocks.view),
  };
}
