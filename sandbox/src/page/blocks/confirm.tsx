import { useRef, useState } from 'react';
import { Dialog } from '../ui/dialog.tsx';
import { bare, Text } from './text.tsx';
import type { Confirm } from './types.ts';

function ConfirmDialog({ confirm, onAnswer }: { confirm: Confirm; onAnswer: (yes: boolean) => void }) {
  const title = bare(confirm.title) || 'Are you sure?';
  return (
    <Dialog label={title} className="confirm" onClose={() => onAnswer(false)} closeOnBackdrop={false}>
      <h2>{title}</h2>
      <div className="confirm-text">
        <Text text={confirm.text} />
      </div>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={() => onAnswer(false)}>
          {bare(confirm.deny) || 'Cancel'}
        </button>
        <button
          type="button"
          className={`button ${confirm.style === 'danger' ? 'button-danger-solid' : 'button-primary'}`}
          onClick={() => onAnswer(true)}
        >
          {bare(confirm.confirm) || 'Yes'}
        </button>
      </div>
    </Dialog>
  );
}

/** Runs `work` at once, or after its question was answered with yes. */
export function useConfirmed(): [
  ask: (confirm: Confirm | undefined, work: () => void) => void,
  dialog: React.ReactNode,
] {
  const [question, setQuestion] = useState<Confirm>();
  const pending = useRef<() => void>(undefined);
  const ask = (confirm: Confirm | undefined, work: () => void) => {
    if (!confirm) return work();
    pending.current = work;
    setQuestion(confirm);
  };
  const dialog = question && (
    <ConfirmDialog
      confirm={question}
      onAnswer={(yes) => {
        setQuestion(undefined);
        if (yes) pending.current?.();
      }}
    />
  );
  return [ask, dialog];
}
