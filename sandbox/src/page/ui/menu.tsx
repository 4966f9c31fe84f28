import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { Popover } from './popover.tsx';

export interface MenuItem {
  key: string;
  label: ReactNode;
  note?: ReactNode;
  checked?: boolean;
  danger?: boolean;
  onSelect: () => void;
}

function MenuList({
  label,
  items,
  onDone,
}: {
  label: string;
  items: readonly MenuItem[];
  onDone: () => void;
}) {
  const list = useRef<HTMLDivElement>(null);
  const entries = () => [...(list.current?.querySelectorAll<HTMLElement>('[role^=menuitem]') ?? [])];
  useEffect(() => {
    list.current?.querySelector<HTMLElement>('[role^=menuitem]')?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === 'Tab') onDone();
    if (to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  };
  return (
    <div ref={list} role="menu" aria-label={label} className="menu" onKeyDown={onKeyDown} tabIndex={-1}>
      {items.map((item) => (
        // biome-ignore lint/a11y/useAriaPropsSupportedByRole: aria-checked comes only with the role menuitemradio
        <button
          key={item.key}
          type="button"
          tabIndex={-1}
          role={item.checked === undefined ? 'menuitem' : 'menuitemradio'}
          aria-checked={item.checked}
          className={`menu-item${item.danger ? ' menu-item-danger' : ''}`}
          onClick={() => {
            onDone();
            item.onSelect();
          }}
        >
          <span>{item.label}</span>
          {item.note && <span className="menu-note">{item.note}</span>}
        </button>
      ))}
    </div>
  );
}

/** A button that opens a menu. Arrow keys move, Escape closes and gives the focus back. */
export function MenuButton(props: {
  label: string;
  items: readonly MenuItem[];
  className?: string;
  align?: 'start' | 'end';
  above?: boolean;
  disabled?: boolean;
  children: ReactNode;
  onOpenChange?: (open: boolean) => void;
  header?: ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const change = (to: boolean) => {
    setOpen(to);
    props.onOpenChange?.(to);
  };
  const close = () => {
    change(false);
    button.current?.focus();
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
        disabled={props.disabled}
        onClick={() => change(!open)}
      >
        {props.children}
      </button>
      {open && (
        <Popover anchor={button} align={props.align ?? 'start'} above={props.above ?? false} onClose={close}>
          {props.header}
          <MenuList label={props.label} items={props.items} onDone={close} />
        </Popover>
      )}
    </>
  );
}
