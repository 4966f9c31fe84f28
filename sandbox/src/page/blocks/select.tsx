import type { ReactNode } from 'react';
import { useDirectory } from '../directory.tsx';
import { Avatar } from '../ui/avatar.tsx';
import { type Choice, type ChoiceGroup, Combobox } from '../ui/combobox.tsx';
import { useConfirmed } from './confirm.tsx';
import { type ElementState, STATE_FIELD } from './state.ts';
import { useElementState, useSurface } from './surface.tsx';
import { bare, Text } from './text.tsx';
import type { AnyBlock, Element, Option, OptionGroup } from './types.ts';

export interface FieldProps {
  block: AnyBlock;
  element: Element;
  label: string;
  invalid?: boolean;
  describedBy?: string | undefined;
}

type OptionChoice = Choice & { option?: Option };

const optionChoice = (option: Option): OptionChoice => ({
  value: option.value ?? bare(option.text),
  name: bare(option.text),
  label: <Text text={option.text} />,
  note: option.description && <Text text={option.description} />,
  option,
});

const optionGroups = (options: Option[] | undefined, groups: OptionGroup[] | undefined): ChoiceGroup[] =>
  groups?.length
    ? groups.map((group) => ({
        label: <Text text={group.label} />,
        choices: group.options.map(optionChoice),
      }))
    : [{ choices: (options ?? []).map(optionChoice) }];

const withAvatar = (avatar: ReactNode, name: string) => (
  <span className="choice-person">
    {avatar}
    {name}
  </span>
);

function useDirectoryChoices(kind: 'users' | 'channels' | 'conversations' | undefined): Choice[] {
  const directory = useDirectory();
  if (!kind) return [];
  const users = directory.state.users.map(
    (user): Choice => ({
      value: user.id,
      name: `${user.real_name} ${user.name}`,
      label: withAvatar(<Avatar user={user} size={20} />, user.real_name),
      note: `@${user.name}`,
    }),
  );
  if (kind === 'users') return users;
  return directory.state.channels
    .filter(({ is_im }) => !is_im)
    .map(({ id, name, topic }): Choice => ({ value: id, name: `#${name}`, label: `#${name}`, note: topic }));
}

function kindOf(type: string): 'users' | 'channels' | 'conversations' | undefined {
  const found = /(users|channels|conversations)_select$/.exec(type)?.[1];
  return found as 'users' | 'channels' | 'conversations' | undefined;
}

/** Every `*_select` of Block Kit. */
export function Select({ block, element, label, invalid = false, describedBy }: FieldProps) {
  const surface = useSurface();
  const { state, set, busy } = useElementState(block, element);
  const [ask, dialog] = useConfirmed();
  const kind = kindOf(element.type);
  const listed = useDirectoryChoices(kind);
  const multiple = element.type.startsWith('multi_');
  const external = element.type.endsWith('external_select');
  const field = STATE_FIELD[element.type] as keyof ElementState;

  const raw = state[field];
  const items: unknown[] = Array.isArray(raw) ? raw : raw ? [raw] : [];
  const selected = items.map((item): OptionChoice => {
    if (typeof item !== 'string') return optionChoice(item as Option);
    return listed.find(({ value }) => value === item) ?? { value: item, name: item, label: item };
  });

  const store = (choices: Choice[]) => {
    const chosen = choices.map((choice) => (kind ? choice.value : (choice as OptionChoice).option));
    ask(choices.length > 0 ? element.confirm : undefined, () =>
      set({ type: element.type, [field]: multiple ? chosen : (chosen[0] ?? null) }),
    );
  };

  return (
    <>
      <Combobox
        label={label || bare(element.placeholder) || 'Choose'}
        placeholder={bare(element.placeholder) || (multiple ? 'Choose any' : 'Choose an option')}
        multiple={multiple}
        selected={selected}
        onChange={store}
        groups={kind ? [{ choices: listed }] : optionGroups(element.options, element.option_groups)}
        {...(external
          ? {
              minQuery: element.min_query_length ?? 3,
              load: async (query: string, signal: AbortSignal) => {
                const answer = await surface.options(block, element, query, signal);
                return optionGroups(answer.options, answer.option_groups);
              },
            }
          : {})}
        max={element.max_selected_items}
        clearable={block.type === 'input' && block.optional === true}
        busy={busy}
        autoFocus={element.focus_on_load === true}
        invalid={invalid}
        describedBy={describedBy}
      />
      {dialog}
    </>
  );
}
