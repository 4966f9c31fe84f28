import { Menu } from '@base-ui/react/menu';
import { type ReactNode, type RefObject, useId, useRef, useState } from 'react';

export interface MenuItem {
  key: string;
  label: ReactNode;
  note?: ReactNode;
  checked?: boolean;
  onSelect: () => void;
}

function ItemText({ item }: { item: MenuItem }) {
  return (
    <>
      <span>{item.label}</span>
      {item.note && <span className="menu-note">{item.note}</span>}
    </>
  );
}

interface MenuProps {
  label: string;
  items: readonly MenuItem[];
  className?: string;
  align?: 'start' | 'end';
  above?: boolean;
  disabled?: boolean;
  children: ReactNode;
  onOpenChange?: (open: boolean) => void;
  /** Said above the items. */
  heading?: string;
}

/**
 * A button that opens a menu. Arrow keys and first letters move, Escape closes and gives the focus back. Every message
 * has one: the button is a plain one, and the library's menu is there only while it is open (a channel of 160 messages
 * would take twice the time to show).
 */
export function MenuButton(props: MenuProps) {
  const [open, setOpen] = useState(false);
  const [startAt, setStartAt] = useState<0 | -1>(0);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const change = (to: boolean) => {
    if (to && props.disabled) return;
    setOpen(to);
    props.onOpenChange?.(to);
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={props.className}
        aria-label={props.label}
        title={props.label}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        // Not `disabled`: that would take the focus from whoever has just chosen by keyboard.
        aria-disabled={props.disabled}
        onClick={() => {
          setStartAt(0);
          change(!open);
        }}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
          event.preventDefault();
          setStartAt(event.key === 'ArrowDown' ? 0 : -1);
          change(true);
        }}
      >
        {props.children}
      </button>
      {open && <MenuPopup {...props} id={id} anchor={button} startAt={startAt} onOpenChange={change} />}
    </>
  );
}

function MenuPopup(
  props: MenuProps & {
    id: string;
    anchor: RefObject<HTMLElement | null>;
    /** The entry that has the focus first: the first or the last. */
    startAt: 0 | -1;
    onOpenChange: (open: boolean) => void;
  },
) {
  const { items } = props;
  const popup = useRef<HTMLDivElement>(null);
  const checked = items.find((item) => item.checked)?.key;
  const entries = items.map((item) =>
    item.checked === undefined ? (
      <Menu.Item key={item.key} className="menu-item" onClick={item.onSelect}>
        <ItemText item={item} />
      </Menu.Item>
    ) : (
      <Menu.RadioItem
        key={item.key}
        value={item.key}
        className="menu-item"
        closeOnClick
        onClick={item.onSelect}
      >
        <ItemText item={item} />
      </Menu.RadioItem>
    ),
  );
  return (
    <Menu.Root
      open
      modal={false}
      onOpenChangeComplete={() => {
        const all = popup.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [];
        [...all].at(props.startAt)?.focus();
      }}
      onOpenChange={(open, details) => {
        const { target } = details.event;
        // The button does that itself.
        if (details.reason === 'outside-press' && props.anchor.current?.contains(target as Node))
          details.cancel();
        else props.onOpenChange(open);
      }}
    >
      <Menu.Portal>
        <Menu.Positioner
          className="positioner"
          anchor={props.anchor}
          side={props.above ? 'top' : 'bottom'}
          align={props.align ?? 'start'}
          sideOffset={4}
          collisionPadding={8}
          collisionAvoidance={{ side: 'flip', align: 'shift' }}
        >
          <Menu.Popup
            ref={popup}
            id={props.id}
            className="popover menu"
            aria-label={props.label}
            finalFocus={props.anchor}
            onKeyDown={(event) => event.key === 'Tab' && props.onOpenChange(false)}
          >
            {props.heading ? (
              <Menu.Group>
                <Menu.GroupLabel className="menu-title">{props.heading}</Menu.GroupLabel>
                {checked === undefined ? (
                  entries
                ) : (
                  <Menu.RadioGroup value={checked}>{entries}</Menu.RadioGroup>
                )}
              </Menu.Group>
            ) : (
              entries
            )}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
