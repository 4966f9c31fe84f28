/** The form that packages a compiled model as a component, and what came of it. */

import { type Component, isSettled, type RecipePreview } from '../domain/components.ts';
import { componentUrl, inConsole } from '../domain/console-links.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../ground/errors.ts';
import { COMPILE } from './compile-ids.ts';
import { COMPONENTS, componentLines, componentModal, componentRef } from './component-words.ts';
import { verbatim } from './job-facts.ts';
import type { Modal } from './message.ts';
import { actions, button, code, codeBlock, context, linkButton, plain, section } from './text.ts';

export interface PreviewFacts extends RecipePreview {
  job: string;
}

/** Characters of the recipe shown in the form; a longer one is cut and says so. */
const RECIPE_SHOWN = 2900;

export function packageForm(metadata: string, facts: PreviewFacts): Modal {
  const again = facts.existing.length > 0;
  return {
    ...componentModal(metadata, again ? 'Package again' : 'Package a model', [
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
  return componentModal(metadata, 'Packaging', [
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
      component ? button('Devices and origin', COMPONENTS.details, componentRef(component)) : undefined,
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
