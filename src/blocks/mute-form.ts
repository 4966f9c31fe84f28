/** The form that mutes the alerts of names that match a pattern. */

import type { Alert } from '../domain/alerts.ts';
import { ALERT, alertNameOf } from './alerts.ts';
import type { Modal } from './message.ts';
import { label, option, section } from './text.ts';

const MUTE_HOURS = [
  option('1 day', '24'),
  option('1 week', '168'),
  option('30 days', '720'),
  option('until somebody unmutes it', '0'),
];

export function muteForm(alert: Alert, metadata: string, suggestion: string): Modal {
  return {
    type: 'modal',
    callback_id: ALERT.muteForm,
    title: { type: 'plain_text', text: 'Mute' },
    submit: { type: 'plain_text', text: 'Mute' },
    close: { type: 'plain_text', text: 'Cancel' },
    private_metadata: metadata,
    blocks: [
      section(
        `Names that match raise no alert, and this alert is closed. Their cards and threads go on as before.\nThis alert is about ${alertNameOf(alert.subjects[0]!)}.`,
      ),
      {
        type: 'input',
        block_id: 'pattern',
        label: { type: 'plain_text', text: 'Name, or pattern with * and ?' },
        element: {
          type: 'plain_text_input',
          action_id: 'pattern',
          initial_value: label(suggestion, 128),
          max_length: 128,
        },
      },
      {
        type: 'input',
        block_id: 'hours',
        label: { type: 'plain_text', text: 'For how long' },
        element: {
          type: 'static_select',
          action_id: 'hours',
          options: MUTE_HOURS,
          initial_option: MUTE_HOURS[0]!,
        },
      },
    ],
  };
}
