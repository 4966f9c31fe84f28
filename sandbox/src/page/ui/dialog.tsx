import { type ReactNode, type Ref, useEffect, useImperativeHandle, useRef } from 'react';

/**
 * A modal `<dialog>`: the browser keeps the focus inside, makes the rest inert and gives the focus back on closing.
 * Escape and a click beside it call `onClose`; the owner then takes it out of the tree.
 */
export function Dialog(props: {
  label: string;
  className?: string;
  onClose: () => void;
  /** Off where a stray click must not lose what was typed. */
  closeOnBackdrop?: boolean;
  children: ReactNode;
  ref?: Ref<HTMLDialogElement>;
}) {
  const own = useRef<HTMLDialogElement>(null);
  useImperativeHandle(props.ref, () => own.current as HTMLDialogElement, []);
  useEffect(() => {
    const dialog = own.current;
    if (!dialog) return;
    const before = document.activeElement;
    if (!dialog.open) dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard's way out is Escape, which the dialog handles itself
    <dialog
      ref={own}
      aria-label={props.label}
      className={`dialog ${props.className ?? ''}`}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => {
        if (props.closeOnBackdrop !== false && event.target === own.current) props.onClose();
      }}
    >
      {props.children}
    </dialog>
  );
}
