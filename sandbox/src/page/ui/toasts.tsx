import { Toast } from '@base-ui/react/toast';
import { Icon } from './icons.tsx';

const SHOWN_MS = 9000;
const MOST = 3;

const manager = Toast.createToastManager();

const add = (type: 'error' | 'info') => (description: string) =>
  // The same words again are the same toast, shown for longer.
  void manager.add({ id: description, type, description });

/** What is said in a corner for some seconds; errors are read out at once. */
export const toast = { error: add('error'), info: add('info') };

function Toasts() {
  const { toasts } = Toast.useToastManager();
  return toasts
    .filter(({ limited }) => !limited)
    .map((item) => (
      <Toast.Root
        key={item.id}
        toast={item}
        // The library would make it a dialog, and hide an urgent one behind a copy of its text: with a button that
        // has the focus and is hidden from who is told to use it.
        role={item.type === 'error' ? 'alert' : 'status'}
        // biome-ignore lint/a11y/useValidAriaValues: taken away, since it is no dialog
        aria-modal={undefined}
        className={`toast toast-${item.type}`}
        swipeDirection="right"
        // It closes the toast, not the dialog below.
        onKeyDown={(event) => event.key === 'Escape' && event.stopPropagation()}
      >
        <Icon name={item.type === 'error' ? 'warning' : 'info'} />
        <Toast.Description render={<span />} />
        <Toast.Close className="icon-button" aria-label="Dismiss" aria-hidden={false}>
          <Icon name="close" />
        </Toast.Close>
      </Toast.Root>
    ));
}

/** Once on the page. Toasts stay while the pointer or the focus is on them; F6 goes to them. */
export function Toaster() {
  return (
    <Toast.Provider toastManager={manager} timeout={SHOWN_MS} limit={MOST}>
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <Toasts />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}
