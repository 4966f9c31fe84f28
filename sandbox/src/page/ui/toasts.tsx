import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from 'react';
import { Icon } from './icons.tsx';

interface Toast {
  id: number;
  kind: 'error' | 'info';
  text: string;
}

interface Toaster {
  error(text: string): void;
  info(text: string): void;
}

const ToastContext = createContext<Toaster | null>(null);
const SHOWN_MS = 9000;

const show = (element: HTMLElement | null) => {
  if (element && !element.matches(':popover-open')) element.showPopover();
};

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const nextId = useRef(1);
  const drop = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const toaster = useMemo<Toaster>(() => {
    const add = (kind: Toast['kind']) => (text: string) => {
      const id = nextId.current;
      nextId.current += 1;
      setToasts((all) => [...all.filter((toast) => toast.text !== text), { id, kind, text }].slice(-3));
      setTimeout(() => drop(id), SHOWN_MS);
    };
    return { error: add('error'), info: add('info') };
  }, [drop]);
  return (
    <ToastContext value={toaster}>
      {children}
      {toasts.length > 0 && (
        // Shown as a popover so that it lies above modal dialogs as well.
        <div className="toasts" popover="manual" key={toasts.at(-1)?.id} ref={show}>
          {toasts.map((toast) => (
            <div
              key={toast.id}
              className={`toast toast-${toast.kind}`}
              role={toast.kind === 'error' ? 'alert' : 'status'}
            >
              <Icon name={toast.kind === 'error' ? 'warning' : 'info'} />
              <span>{toast.text}</span>
              <button
                type="button"
                className="icon-button"
                aria-label="Dismiss"
                onClick={() => drop(toast.id)}
              >
                <Icon name="close" />
              </button>
            </div>
          ))}
        </div>
      )}
    </ToastContext>
  );
}

export function useToast(): Toaster {
  const toaster = useContext(ToastContext);
  if (!toaster) throw new Error('useToast needs a ToastProvider above it');
  return toaster;
}
