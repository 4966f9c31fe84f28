/** `/compile` before and after the form: its usage, the choice of a job, and the link to a compiled model. */

import { LIMITS } from '#sandbox/block-kit';
import { COMPILE_FLAGS } from '../domain/compile-request.ts';
import { EXAMPLE_JOB } from '../domain/job-names.ts';
import { COMPILE } from './compile-ids.ts';
import type { Message, Modal } from './message.ts';
import { actions, button, code, context, moment, plain, section } from './text.ts';

export function compileUsage(command: string): Message {
  const flags = COMPILE_FLAGS.map(
    (flag) => `• ${code(`${flag.name} ${flag.value}`)} ${plain(flag.description)}`,
  );
  const example = (args: string): string => code(`${command} ${args}`);
  return {
    text: `${command} &lt;job&gt; [targets…] compiles a completed training job’s model for devices.`,
    blocks: [
      section(
        [
          `*${code(`${command} <job> [targets…]`)} compiles a model for devices with SageMaker Neo*`,
          'With targets, they start at once; without, a form asks for them. A target that is compiled already, or compiling, is left alone.',
        ].join('\n'),
      ),
      section(
        [
          '*Examples*',
          example(EXAMPLE_JOB),
          example(`${EXAMPLE_JOB} jetson-xavier x86_64-cpu`),
          example(`${EXAMPLE_JOB} arm64-cpu --shape input=1x3x224x224`),
        ].join('\n'),
      ),
      section(
        ['*Options, which come before the job’s tags and the use case’s settings*', ...flags].join('\n'),
      ),
      ...actions(button('Choose a job…', COMPILE.choose, undefined, 'primary')),
    ],
  };
}

export const WHICH_FIELD = 'job';

/** The first window of a bare `/compile`. */
export function whichJobForm(metadata: string): Modal {
  return {
    type: 'modal',
    callback_id: COMPILE.which,
    title: { type: 'plain_text', text: 'Compile a model' },
    submit: { type: 'plain_text', text: 'Next' },
    close: { type: 'plain_text', text: 'Close' },
    private_metadata: metadata,
    blocks: [
      {
        type: 'input',
        block_id: WHICH_FIELD,
        label: { type: 'plain_text', text: 'Training job' },
        hint: { type: 'plain_text', text: 'Completed jobs only. Type a part of the name.' },
        element: {
          type: 'external_select',
          action_id: COMPILE.job,
          min_query_length: 0,
          placeholder: { type: 'plain_text', text: 'Search by name' },
        },
      },
    ],
  };
}

/** Anybody who has the link can use it, so it is shown only to the person who asked and expires soon. */
export function artifactLink(facts: {
  job: string;
  target: string;
  url: string;
  fileName: string;
  expiresAt: number;
}): Message {
  return {
    text: `The compiled model of ${code(facts.job)} for ${plain(facts.target, 60)}`,
    blocks: [
      section(
        `:package: *${plain(facts.fileName, 200)}*\n${code(facts.job)} compiled for *${plain(facts.target, 60)}*`,
      ),
      section(`<${facts.url}|Download it>`),
      context(
        `Anyone with this link can download the file until ${moment(facts.expiresAt)}. That you asked for it is on record.`,
      ),
    ],
  };
}

/** An S3 link with a session's credentials in it may be longer than a section. */
export const LINK_LIMIT = LIMITS.section.text - 20;
