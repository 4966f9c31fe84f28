import { Dialog as Base } from '@base-ui/react/dialog';
import { type ReactNode, useEffect, useRef, useState } from 'react';

/** Dialogs that are open, the newest last. One may open over another that is not its parent: a modal over a preview. */
const open: object[] = [];

/**
 * A modal dialog: the focus stays inside and goes back where it was when the dialog is taken out of the tree, and the
 * rest of the page is hidden from screen readers. Escape and a click beside it call `onClose`; the owner then takes
 * it out of the tree.
 */
export function Dialog(props: {
  label: string;
  className?: string;
  onClose: () => void;
  /** Off where a stray click must not lose what was typed. */
  closeOnBackdrop?: boolean;
  children: ReactNode;
}) {
  const popup = useRef<HTMLDivElement>(null);
  const own = useRef({});
  // Asked here, because what is inside may take the focus before the library looks.
  const [before] = useState(() => document.activeElement);
  useEffect(() => {
    const self = own.current;
    open.push(self);
    return () => void open.splice(open.indexOf(self), 1);
  }, []);
  return (
    <Base.Root
      open
      disablePointerDismissal={props.closeOnBackdrop === false}
      onOpenChange={(_, details) => {
        // Each open dialog hears Escape; only the uppermost is meant.
        if (details.reason === 'escape-key' && open.at(-1) !== own.current) details.cancel();
        else props.onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop forceRender className="dialog-backdrop" />
        <Base.Popup
          ref={popup}
          aria-label={props.label}
          className={`dialog ${props.className ?? ''}`}
          initialFocus={() => popup.current?.querySelector<HTMLElement>('[autofocus]') ?? true}
          finalFocus={() => (before instanceof HTMLElement && before.isConnected ? before : true)}
        >
          {props.children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
