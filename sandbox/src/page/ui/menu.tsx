import { Menu } from '@base-ui/react/menu';
import type { ReactNode } from 'react';

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

/** A button that opens a menu. Arrow keys and first letters move, Escape closes and gives the focus back. */
export function MenuButton(props: {
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
}) {
  const { items } = props;
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
      modal={false}
      onOpenChange={(open, details) => {
        if (open && props.disabled) details.cancel();
        else props.onOpenChange?.(open);
      }}
    >
      <Menu.Trigger
        className={props.className ?? ''}
        aria-label={props.label}
        title={props.label}
        // Not `disabled`: that would take the focus from whoever has just chosen by keyboard.
        aria-disabled={props.disabled}
      >
        {props.children}
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner
          className="positioner"
          side={props.above ? 'top' : 'bottom'}
          align={props.align ?? 'start'}
          sideOffset={4}
          collisionPadding={8}
        >
          <Menu.Popup className="popover menu" aria-label={props.label}>
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
