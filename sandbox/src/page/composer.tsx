import { type KeyboardEvent, useEffect, useId, useLayoutEffect, useRef, useState } from 'react';
import { complete, type Suggestion } from './completion.ts';
import { useDirectory } from './directory.tsx';
import { Avatar } from './ui/avatar.tsx';
import { Icon } from './ui/icons.tsx';
import { MenuButton, type MenuItem } from './ui/menu.tsx';
import { Popover } from './ui/popover.tsx';

const TALLEST_PX = 220;

/** Where the finger is the pointer, the screen's keyboard would jump up with the focus. */
const hasKeyboard = (): boolean => window.matchMedia('(hover: hover) and (pointer: fine)').matches;

/**
 * Enter sends, Shift+Enter makes a new line. `onSend` resolves to false when the text should come back
 * (a failed command keeps what was typed, as in Slack).
 */
export function Composer(props: {
  label: string;
  placeholder: string;
  shortcuts?: readonly MenuItem[];
  onSend: (text: string) => Promise<boolean>;
  /** Grows whenever it should have the focus; 0 leaves the focus where it is. */
  focus: number;
}) {
  const { state, user } = useDirectory();
  const [text, setText] = useState('');
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(0);
  const [dismissed, setDismissed] = useState<string>();
  const [running, setRunning] = useState('');
  const [focused, setFocused] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const id = useId();

  const completion = focused && dismissed !== text ? complete(text, caret, state) : undefined;
  const typed = /^(\/\S+)\s/.exec(text)?.[1];
  const known = typed === undefined ? undefined : state.app.commands.find(({ command }) => command === typed);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${Math.min(TALLEST_PX, element.scrollHeight)}px`;
  }, [text]);
  useEffect(() => {
    if (props.focus > 0 && hasKeyboard()) area.current?.focus();
  }, [props.focus]);

  const put = (value: string, at = value.length) => {
    setText(value);
    setCaret(at);
    setActive(0);
    requestAnimationFrame(() => {
      area.current?.focus();
      area.current?.setSelectionRange(at, at);
    });
  };
  const accept = (suggestion: Suggestion) => {
    if (!completion) return;
    const head = text.slice(0, completion.from) + suggestion.insert;
    put(head + text.slice(caret).replace(/^ /, ''), head.length);
  };
  const send = () => {
    const sent = text.trim();
    if (!sent) return;
    put('');
    if (sent.startsWith('/')) setRunning(sent.split(/\s/, 1)[0] ?? '');
    void props
      .onSend(sent)
      .then((ok) => {
        if (!ok) setText((now) => now || sent);
      })
      .finally(() => setRunning(''));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const count = completion?.suggestions.length ?? 0;
    const choice = completion?.suggestions[active];
    if (completion && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault();
      setActive((active + (event.key === 'ArrowDown' ? 1 : -1) + count) % count);
    } else if (choice && (event.key === 'Tab' || event.key === 'Enter') && !event.shiftKey) {
      event.preventDefault();
      // A command that stands there whole is sent at once.
      if (event.key === 'Enter' && completion?.kind === 'command' && text.trim() === choice.title) send();
      else accept(choice);
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };
  const start = (mark: string) =>
    put(mark === '/' ? '/' : `${text}${/(?:^|\s)$/.test(text) ? '' : ' '}${mark}`);

  return (
    <div className="composer-area">
      <div ref={frame} className="composer">
        {known && (
          <div className="composer-hint">
            <strong>{known.command}</strong>{' '}
            {known.usage_hint && <code className="composer-usage">{known.usage_hint}</code>}
            <span>{known.description}</span>
          </div>
        )}
        <textarea
          ref={area}
          rows={1}
          role="combobox"
          aria-label={props.label}
          aria-expanded={completion !== undefined}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={completion ? `${id}-${active}` : undefined}
          placeholder={props.placeholder}
          value={text}
          onFocus={() => setFocused(true)}
          onBlur={() => setFocused(false)}
          onChange={(event) => {
            setText(event.target.value);
            setCaret(event.target.selectionStart);
            setActive(0);
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onKeyDown={onKeyDown}
        />
        <div className="composer-bar">
          {props.shortcuts && props.shortcuts.length > 0 && (
            <MenuButton className="icon-button" label="Shortcuts" items={props.shortcuts} above>
              <Icon name="bolt" />
            </MenuButton>
          )}
          <button
            type="button"
            className="icon-button"
            aria-label="Commands"
            title="Commands"
            onClick={() => start('/')}
          >
            <Icon name="slash" />
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label="Mention someone"
            title="Mention someone"
            onClick={() => start('@')}
          >
            <Icon name="at" />
          </button>
          <span className="composer-status" role="status">
            {running && (
              <>
                <span className="spinner" aria-hidden="true" /> {running}
              </>
            )}
          </span>
          <button
            type="button"
            className="send"
            aria-label="Send"
            title="Send"
            disabled={!text.trim()}
            onClick={send}
          >
            <Icon name="send" />
          </button>
        </div>
        {completion && (
          <Popover anchor={frame} className="suggestions" onClose={() => setDismissed(text)}>
            <div className="suggestions-title">
              {completion.kind === 'command'
                ? 'Commands'
                : completion.kind === 'mention'
                  ? 'People and groups'
                  : 'Channels'}
            </div>
            <div role="listbox" id={`${id}-list`} aria-label="Suggestions">
              {completion.suggestions.map((suggestion, index) => (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard acts through the text field
                // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the text field
                <div
                  key={suggestion.key}
                  id={`${id}-${index}`}
                  role="option"
                  aria-selected={index === active}
                  className={`suggestion${index === active ? ' active' : ''}`}
                  onPointerMove={() => setActive(index)}
                  onMouseDown={(event) => event.preventDefault()}
                  onClick={() => accept(suggestion)}
                >
                  {suggestion.user ? (
                    <Avatar user={user(suggestion.user)} size={28} />
                  ) : (
                    <span className="avatar suggestion-mark" aria-hidden="true">
                      <Icon
                        name={
                          completion.kind === 'mention'
                            ? 'at'
                            : completion.kind === 'channel'
                              ? 'hash'
                              : 'slash'
                        }
                      />
                    </span>
                  )}
                  <span className="suggestion-text">
                    <span>
                      <strong>{suggestion.title}</strong>{' '}
                      {suggestion.hint && <span className="suggestion-hint">{suggestion.hint}</span>}
                    </span>
                    {suggestion.note && <span className="suggestion-note">{suggestion.note}</span>}
                  </span>
                </div>
              ))}
            </div>
          </Popover>
        )}
      </div>
      <div className="composer-keys" aria-hidden="true">
        <kbd>Enter</kbd> sends · <kbd>Shift</kbd>+<kbd>Enter</kbd> new line · <kbd>/</kbd> commands
      </div>
    </div>
  );
}
