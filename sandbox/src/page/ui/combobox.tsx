/** One select for all of Block Kit's: single or multiple, a fixed list or suggestions from the app as one types. */
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Icon } from './icons.tsx';
import { Popover } from './popover.tsx';

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

export function Combobox(props: ComboboxProps) {
  const { multiple, selected, onChange } = props;
  const [open, setOpen] = useState(false);
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const frame = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const suggestions = useSuggestions(props, open, query);
  const groups = suggestions.state === 'ready' ? suggestions.groups : [];
  const flat = groups.flatMap((group) => group.choices);
  const isSelected = (choice: Choice) => selected.some(({ value }) => value === choice.value);
  const full = multiple && props.max !== undefined && selected.length >= props.max;
  const missing = (props.minQuery ?? 0) - query.length;
  const single = multiple ? undefined : selected[0];

  const close = () => {
    setOpen(false);
    setQuery('');
    setActive(0);
  };
  const choose = (choice: Choice) => {
    if (!multiple) {
      onChange([choice]);
      close();
      return;
    }
    if (isSelected(choice)) onChange(selected.filter(({ value }) => value !== choice.value));
    else if (!full) onChange([...selected, choice]);
    setQuery('');
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!open) setOpen(true);
      else if (flat.length > 0)
        setActive((at) => (at + (event.key === 'ArrowDown' ? 1 : -1) + flat.length) % flat.length);
    } else if (event.key === 'Enter') {
      // Never submits the form around it.
      event.preventDefault();
      const choice = open ? flat[active] : undefined;
      if (choice) choose(choice);
      else setOpen(true);
    } else if (event.key === 'Tab') {
      close();
    } else if (event.key === 'Backspace' && query === '' && selected.length > 0 && multiple) {
      onChange(selected.slice(0, -1));
    }
  };

  useEffect(() => {
    if (open) document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: 'nearest' });
  }, [open, active, id]);

  let index = -1;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the frame only hands clicks on to its input, which has the keys
    // biome-ignore lint/a11y/noStaticElementInteractions: same
    <div
      ref={frame}
      className={`combobox${open ? ' combobox-open' : ''}${props.invalid ? ' invalid' : ''}`}
      onClick={() => {
        input.current?.focus();
        setOpen(true);
      }}
    >
      {multiple &&
        selected.map((choice) => (
          <span key={choice.value} className="chip">
            {choice.label}
            <button
              type="button"
              aria-label={`Remove ${choice.name}`}
              onClick={(event) => {
                event.stopPropagation();
                onChange(selected.filter(({ value }) => value !== choice.value));
              }}
            >
              <Icon name="close" size={14} />
            </button>
          </span>
        ))}
      {single && !open && <span className="combobox-value">{single.label}</span>}
      <input
        ref={input}
        role="combobox"
        aria-label={single ? `${props.label}: ${single.name}` : props.label}
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-invalid={props.invalid}
        aria-describedby={props.describedBy}
        aria-activedescendant={open && flat[active] ? `${id}-${active}` : undefined}
        autoComplete="off"
        spellCheck={false}
        // biome-ignore lint/a11y/noAutofocus: the app asks for it by focus_on_load
        autoFocus={props.autoFocus}
        className={single && !open ? 'combobox-covered' : undefined}
        placeholder={single ? (open ? single.name : '') : selected.length > 0 ? '' : props.placeholder}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setActive(0);
          setOpen(true);
        }}
        onKeyDown={onKeyDown}
      />
      {props.busy ? (
        <span className="spinner" aria-hidden="true" />
      ) : single && props.clearable ? (
        <button
          type="button"
          className="combobox-clear"
          aria-label={`Clear ${props.label}`}
          onClick={(event) => {
            event.stopPropagation();
            onChange([]);
          }}
        >
          <Icon name="close" size={14} />
        </button>
      ) : (
        <Icon name="chevron" size={16} />
      )}
      {open && (
        <Popover anchor={frame} onClose={close} matchWidth className="listbox-panel">
          <div
            role="listbox"
            id={`${id}-list`}
            aria-label={props.label}
            aria-multiselectable={multiple}
            tabIndex={-1}
          >
            {groups.map((group, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: groups have no identity but their place
              // biome-ignore lint/a11y/useSemanticElements: a listbox's groups are role=group by ARIA
              <div key={at} role="group">
                {group.label && <div className="listbox-group">{group.label}</div>}
                {group.choices.map((choice) => {
                  index += 1;
                  const own = index;
                  const chosen = isSelected(choice);
                  return (
                    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard acts through the input
                    // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the input (aria-activedescendant)
                    <div
                      key={choice.value}
                      id={`${id}-${own}`}
                      role="option"
                      aria-selected={chosen}
                      aria-disabled={full && !chosen}
                      className={`listbox-option${own === active ? ' active' : ''}`}
                      onPointerMove={() => setActive(own)}
                      onMouseDown={(event) => event.preventDefault()}
                      onClick={(event) => {
                        event.stopPropagation();
                        choose(choice);
                      }}
                    >
                      <span className="listbox-name">
                        {choice.label}
                        {choice.note && <span className="listbox-note">{choice.note}</span>}
                      </span>
                      {chosen && <Icon name="check" size={16} />}
                    </div>
                  );
                })}
              </div>
            ))}
          </div>
          <div role="status" className="listbox-status">
            {missing > 0 && props.load
              ? `Type ${missing} more character${missing === 1 ? '' : 's'} to search`
              : suggestions.state === 'loading'
                ? 'Loading…'
                : suggestions.state === 'failed'
                  ? 'The app did not send any options in time.'
                  : flat.length === 0
                    ? 'No matches'
                    : full
                      ? `At most ${props.max} can be chosen`
                      : ''}
          </div>
        </Popover>
      )}
    </div>
  );
}
