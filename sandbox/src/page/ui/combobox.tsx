/** One select for all of Block Kit's: single or multiple, a fixed list or suggestions from the app as one types. */
import { Combobox as Base } from '@base-ui/react/combobox';
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { Icon } from './icons.tsx';

export interface Choice {
  value: string;
  /** What is typed against and read out. */
  name: string;
  label: ReactNode;
  note?: ReactNode;
}

export interface ChoiceGroup {
  label?: ReactNode;
  choices: Choice[];
}

export interface ComboboxProps {
  label: string;
  placeholder: string;
  multiple: boolean;
  selected: readonly Choice[];
  onChange: (selected: Choice[]) => void;
  /** A fixed list, filtered here … */
  groups?: readonly ChoiceGroup[];
  /** … or suggestions for what was typed so far. */
  load?: (query: string, signal: AbortSignal) => Promise<ChoiceGroup[]>;
  minQuery?: number;
  max?: number | undefined;
  clearable?: boolean;
  busy?: boolean;
  autoFocus?: boolean;
  invalid?: boolean;
  describedBy?: string | undefined;
}

type Suggestions = { state: 'ready'; groups: readonly ChoiceGroup[] } | { state: 'loading' | 'failed' };

const TYPING_PAUSE_MS = 180;

function filterGroups(groups: readonly ChoiceGroup[], query: string): ChoiceGroup[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return groups
    .map((group) => ({
      ...group,
      choices: group.choices.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word))),
    }))
    .filter(({ choices }) => choices.length > 0);
}

function useSuggestions(props: ComboboxProps, open: boolean, query: string): Suggestions {
  const [loaded, setLoaded] = useState<Suggestions>({ state: 'loading' });
  const load = useRef(props.load);
  load.current = props.load;
  const remote = props.load !== undefined;
  const enough = query.length >= (props.minQuery ?? 0);
  useEffect(() => {
    if (!open || !remote || !enough) return;
    const gone = new AbortController();
    setLoaded({ state: 'loading' });
    const timer = setTimeout(() => {
      load
        .current?.(query, gone.signal)
        .then((groups) => setLoaded({ state: 'ready', groups }))
        .catch(() => {
          if (!gone.signal.aborted) setLoaded({ state: 'failed' });
        });
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [open, remote, enough, query]);
  return remote ? loaded : { state: 'ready', groups: filterGroups(props.groups ?? [], query) };
}

/** Why nothing is in the list. */
function emptyText(props: ComboboxProps, query: string, { state }: Suggestions): string {
  const missing = (props.minQuery ?? 0) - query.length;
  if (props.load && missing > 0) return `Type ${missing} more character${missing === 1 ? '' : 's'} to search`;
  if (state === 'loading') return 'Loading…';
  return state === 'failed' ? 'The app did not send any options in time.' : 'No matches';
}

const isSame = (a: Choice, b: Choice): boolean => a.value === b.value;

export function Combobox(props: ComboboxProps) {
  const { multiple, selected, onChange } = props;
  const [open, setOpen] = useState(false);
  // Only what was typed: the choice itself is drawn beside the input, with its emoji and pictures.
  const [query, setQuery] = useState('');
  const suggestions = useSuggestions(props, open, query);
  const groups =
    suggestions.state === 'ready' ? suggestions.groups.filter(({ choices }) => choices.length > 0) : [];
  const isFull = multiple && props.max !== undefined && selected.length >= props.max;
  const single = multiple ? undefined : selected[0];

  const onKeyDown = (event: KeyboardEvent & { preventBaseUIHandler(): void }) => {
    if (event.key === 'Enter') {
      // Never submits the form around it.
      event.preventDefault();
      if (!open) setOpen(true);
    } else if (event.key === 'Escape' && !open) {
      // The library would take back the choice, and the dialog around it would stay.
      event.preventBaseUIHandler();
    }
  };

  const input = (
    <Base.Input
      aria-label={single ? `${props.label}: ${single.name}` : props.label}
      aria-invalid={props.invalid}
      aria-describedby={props.describedBy}
      autoFocus={props.autoFocus}
      className={single && !open ? 'combobox-covered' : ''}
      placeholder={single ? (open ? single.name : '') : selected.length > 0 ? '' : props.placeholder}
      onKeyDown={onKeyDown}
    />
  );
  const frame = (
    <Base.InputGroup
      className={`combobox${open ? ' combobox-open' : ''}${props.invalid ? ' invalid' : ''}`}
      role="presentation"
    >
      {multiple ? (
        <Base.Chips className="chips" aria-label={`${props.label}, chosen`}>
          {selected.map((choice) => (
            <Base.Chip key={choice.value} className="chip" aria-label={choice.name}>
              {choice.label}
              <Base.ChipRemove aria-label={`Remove ${choice.name}`}>
                <Icon name="close" size={14} />
              </Base.ChipRemove>
            </Base.Chip>
          ))}
          {input}
        </Base.Chips>
      ) : (
        <>
          {single && !open && <span className="combobox-value">{single.label}</span>}
          {input}
        </>
      )}
      {props.busy ? (
        <span className="spinner" aria-hidden="true" />
      ) : single && props.clearable ? (
        <Base.Clear className="combobox-clear" aria-label={`Clear ${props.label}`}>
          <Icon name="close" size={14} />
        </Base.Clear>
      ) : (
        <Icon name="chevron" size={16} />
      )}
    </Base.InputGroup>
  );
  const panel = (
    <Base.Portal>
      <Base.Positioner className="positioner" align="start" sideOffset={4} collisionPadding={8}>
        <Base.Popup className="popover listbox-panel">
          <Base.List aria-label={props.label}>
            {groups.map((group, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: groups have no identity but their place
              <Base.Group key={at} items={group.choices}>
                {group.label && <Base.GroupLabel className="listbox-group">{group.label}</Base.GroupLabel>}
                <Base.Collection>
                  {(choice: Choice) => (
                    <Base.Item
                      key={choice.value}
                      value={choice}
                      disabled={isFull && !selected.some((other) => isSame(other, choice))}
                      className="listbox-option"
                    >
                      <span className="listbox-name">
                        {choice.label}
                        {choice.note && <span className="listbox-note">{choice.note}</span>}
                      </span>
                      <Base.ItemIndicator>
                        <Icon name="check" size={16} />
                      </Base.ItemIndicator>
                    </Base.Item>
                  )}
                </Base.Collection>
              </Base.Group>
            ))}
          </Base.List>
          <Base.Empty className="listbox-status">{emptyText(props, query, suggestions)}</Base.Empty>
          <Base.Status className="listbox-status">
            {isFull && groups.length > 0 ? `At most ${props.max} can be chosen` : ''}
          </Base.Status>
        </Base.Popup>
      </Base.Positioner>
    </Base.Portal>
  );
  const common = {
    items: groups.map(({ choices }) => ({ items: choices })),
    filter: null,
    itemToStringLabel: ({ name }: Choice) => name,
    isItemEqualToValue: isSame,
    autoHighlight: true,
    open,
    inputValue: query,
    onInputValueChange: (typed: string, { reason }: Base.Root.ChangeEventDetails) =>
      setQuery(reason === 'input-change' ? typed : ''),
    onOpenChange: (to: boolean, details: Base.Root.ChangeEventDetails) => {
      // Of several, the next is chosen from the same list.
      if (multiple && details.reason === 'item-press') {
        details.cancel();
        setQuery('');
        return;
      }
      setOpen(to);
      if (!to) setQuery('');
    },
  };
  return multiple ? (
    <Base.Root {...common} multiple value={[...selected]} onValueChange={onChange}>
      {frame}
      {panel}
    </Base.Root>
  ) : (
    <Base.Root
      {...common}
      value={single ?? null}
      onValueChange={(choice, details) => {
        // Deleting what was typed does not take back what was chosen before.
        if (details.reason === 'input-clear') details.cancel();
        else onChange(choice ? [choice] : []);
      }}
    >
      {frame}
      {panel}
    </Base.Root>
  );
}
