import { type KeyboardEvent, useId, useState } from 'react';
import { useConfirmed } from './confirm.tsx';
import type { FieldProps } from './select.tsx';
import { useElementState } from './surface.tsx';
import { bare, Text } from './text.tsx';
import type { Option } from './types.ts';

const INPUT_TYPE: Record<string, string> = {
  email_text_input: 'email',
  url_text_input: 'url',
  number_input: 'text',
};

export function TextInput({ block, element, label, invalid, describedBy }: FieldProps) {
  const { state, set } = useElementState(block, element);
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ['on_enter_pressed'];
  const dispatches = block.dispatch_action === true;
  const value = state.value ?? '';
  const common = {
    'aria-label': label,
    'aria-invalid': invalid,
    'aria-describedby': describedBy,
    className: `input${invalid ? ' invalid' : ''}`,
    placeholder: bare(element.placeholder),
    maxLength: element.max_length,
    autoFocus: element.focus_on_load === true,
    value,
    onChange: (event: { target: { value: string } }) =>
      set(
        { type: element.type, value: event.target.value || null },
        dispatches && triggers.includes('on_character_entered'),
      ),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'Enter' || event.nativeEvent.isComposing || !dispatches) return;
      if (!triggers.includes('on_enter_pressed') || (element.multiline && event.shiftKey)) return;
      event.preventDefault();
      set({ type: element.type, value: value || null }, true);
    },
  };
  if (element.multiline) return <textarea rows={4} {...common} />;
  return (
    <input
      {...common}
      type={INPUT_TYPE[element.type] ?? 'text'}
      inputMode={element.type === 'number_input' ? 'decimal' : undefined}
    />
  );
}

/** Plain paragraphs only; formatting buttons are left out. */
export function RichTextInput({ block, element, label, invalid, describedBy }: FieldProps) {
  const { set } = useElementState(block, element);
  const [text, setText] = useState('');
  return (
    <textarea
      rows={4}
      className={`input${invalid ? ' invalid' : ''}`}
      aria-label={label}
      aria-invalid={invalid}
      aria-describedby={describedBy}
      placeholder={bare(element.placeholder)}
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        const elements = [
          { type: 'rich_text_section', elements: [{ type: 'text', text: event.target.value }] },
        ];
        set({
          type: element.type,
          rich_text_value: event.target.value ? { type: 'rich_text', elements } : null,
        });
      }}
    />
  );
}

const pad = (value: number) => String(value).padStart(2, '0');
/** Seconds since the epoch as `datetime-local` wants it: the viewer's wall clock. */
const toLocal = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
};

export function DateTimeInput({ block, element, label, invalid, describedBy }: FieldProps) {
  const { state, set } = useElementState(block, element);
  const [ask, dialog] = useConfirmed();
  const kinds = {
    datepicker: { type: 'date', value: state.selected_date ?? '' },
    timepicker: { type: 'time', value: state.selected_time ?? '' },
    datetimepicker: {
      type: 'datetime-local',
      value: state.selected_date_time ? toLocal(state.selected_date_time) : '',
    },
  };
  const kind = kinds[element.type as keyof typeof kinds];
  const store = (value: string) => {
    const chosen = value || null;
    const field = {
      datepicker: { selected_date: chosen },
      timepicker: { selected_time: chosen },
      datetimepicker: {
        selected_date_time: chosen === null ? null : Math.floor(new Date(chosen).getTime() / 1000),
      },
    }[element.type];
    ask(element.confirm, () => set({ type: element.type, ...field }));
  };
  return (
    <>
      <input
        type={kind.type}
        className={`input input-narrow${invalid ? ' invalid' : ''}`}
        aria-label={label || bare(element.placeholder) || 'Date'}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        // biome-ignore lint/a11y/noAutofocus: the app asks for it by focus_on_load
        autoFocus={element.focus_on_load === true}
        value={kind.value}
        onChange={(event) => store(event.target.value)}
      />
      {dialog}
    </>
  );
}

/** `checkboxes` and `radio_buttons`. */
export function Choices({ block, element, label, describedBy }: FieldProps) {
  const { state, set } = useElementState(block, element);
  const [ask, dialog] = useConfirmed();
  const name = useId();
  const many = element.type === 'checkboxes';
  const chosen = many ? (state.selected_options ?? []) : state.selected_option ? [state.selected_option] : [];
  const has = (option: Option) => chosen.some(({ value }) => value === option.value);
  const toggle = (option: Option) =>
    ask(element.confirm, () => {
      if (!many) set({ type: element.type, selected_option: option });
      else {
        // In the list's order, whatever the order of the clicks.
        const next = (element.options ?? []).filter((other) =>
          other.value === option.value ? !has(option) : has(other),
        );
        set({ type: element.type, selected_options: next });
      }
    });
  return (
    <fieldset className="choices" aria-label={label || undefined} aria-describedby={describedBy}>
      {(element.options ?? []).map((option) => (
        <label key={option.value} className="choice">
          <input
            type={many ? 'checkbox' : 'radio'}
            name={name}
            checked={has(option)}
            onChange={() => toggle(option)}
          />
          <span>
            <Text text={option.text} />
            {option.description && (
              <span className="choice-note">
                <Text text={option.description} />
              </span>
            )}
          </span>
        </label>
      ))}
      {dialog}
    </fieldset>
  );
}
