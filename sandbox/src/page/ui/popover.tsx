import { Popover as Base } from '@base-ui/react/popover';
import type { ReactNode, RefObject } from 'react';

/** A panel above or below an element while it is in the tree. Never takes the focus: that stays in what is typed into. */
export function Popover(props: {
  anchor: RefObject<HTMLElement | null>;
  /** Escape, or a press outside of both. */
  onClose: () => void;
  className?: string;
  children: ReactNode;
}) {
  return (
    <Base.Root
      open
      modal={false}
      onOpenChange={(_, details) => {
        const target = details.event.target;
        if (
          target instanceof Node &&
          details.reason !== 'escape-key' &&
          props.anchor.current?.contains(target)
        )
          details.cancel();
        else props.onClose();
      }}
    >
      <Base.Portal>
        <Base.Positioner
          className="positioner"
          anchor={props.anchor}
          side="top"
          align="start"
          sideOffset={4}
          collisionPadding={8}
        >
          <Base.Popup
            role="presentation"
            className={`popover ${props.className ?? ''}`}
            initialFocus={false}
            finalFocus={false}
          >
            {props.children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
