/** The stack of modals that the app has opened for this user; only the top one is shown. */
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { SandboxView } from '../protocol.ts';
import { api } from './api.ts';
import { Blocks } from './blocks/blocks.tsx';
import { type ElementState, inputErrors, stateValues } from './blocks/state.ts';
import { SurfaceProvider } from './blocks/surface.tsx';
import type { AnyBlock } from './blocks/types.ts';
import { useDirectory } from './directory.tsx';
import { interactionFailure } from './failures.ts';
import { Avatar } from './ui/avatar.tsx';
import { Dialog } from './ui/dialog.tsx';
import { Icon } from './ui/icons.tsx';

type EditsByView = Record<string, Record<string, ElementState>>;

const FOCUSABLE = 'button, input:not([tabindex="-1"]), textarea, [tabindex="0"]';
const focusable = (form: HTMLElement | null): HTMLElement[] =>
  form ? [...form.querySelectorAll<HTMLElement>(FOCUSABLE)] : [];

export function ModalStack({ views }: { views: readonly SandboxView[] }) {
  // Kept for every view of the stack, so that what was typed is still there when a pushed view closes.
  const [edits, setEdits] = useState<EditsByView>({});
  const [failure, setFailure] = useState({ view: '', text: '' });
  // Where the focus was in each view, as its place among what can have it: there it goes back to.
  const places = useRef<Record<string, number>>({});
  const directory = useDirectory();
  const top = views.at(-1);
  if (!top) return null;
  const onFailure = (text: string) => setFailure({ view: top.id, text });
  const close = () =>
    void api.closeView({ user: directory.viewer, view_id: top.id }).then((result) => {
      if (!result.ok) onFailure(interactionFailure('This did not close', result));
    });
  // One dialog for the whole stack: whoever closes its last view is back where they opened the first.
  return (
    <Dialog label={titleOf(top, directory)} className="modal" onClose={close} closeOnBackdrop={false}>
      <ModalForm
        key={top.id}
        view={top}
        depth={views.length}
        edits={edits[top.id] ?? {}}
        onEdit={(key, state) => setEdits((all) => ({ ...all, [top.id]: { ...all[top.id], [key]: state } }))}
        failure={failure.view === top.id ? failure.text : ''}
        onFailure={onFailure}
        place={places.current[top.id]}
        onPlace={(place) => {
          places.current[top.id] = place;
        }}
        onClose={close}
      />
    </Dialog>
  );
}

const titleOf = (view: SandboxView, { state }: ReturnType<typeof useDirectory>): string =>
  view.title?.text ?? state.app.name;

const bodyOf = (form: HTMLElement | null) => form?.querySelector<HTMLElement>('.modal-body');

/** On a phone none: it would open its keyboard. */
function firstField(body: HTMLElement): HTMLElement | null {
  if (!window.matchMedia('(min-width: 700px)').matches) return null;
  return body.querySelector<HTMLElement>('input:not([type=checkbox], [type=radio]), textarea');
}

/** Nobody went there: it gets no ring until somebody uses the keyboard. */
function quietly(body: HTMLElement): HTMLElement {
  body.dataset.unasked = '';
  return body;
}

function ModalForm(props: {
  view: SandboxView;
  depth: number;
  edits: Record<string, ElementState>;
  onEdit: (key: string, state: ElementState) => void;
  failure: string;
  onFailure: (text: string) => void;
  /** Where the focus was when another view was laid over this one. */
  place: number | undefined;
  onPlace: (place: number) => void;
  onClose: () => void;
}) {
  const { view, edits, onFailure, onClose: close } = props;
  const directory = useDirectory();
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const blocks = view.blocks as AnyBlock[];
  const title = titleOf(view, directory);

  // A dialog would begin at its close button; people begin at the first field.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it comes to the top
  useEffect(() => {
    const before = props.place === undefined ? undefined : focusable(form.current)[props.place];
    if (before) return before.focus();
    const body = bodyOf(form.current);
    if (body && !body.contains(document.activeElement)) (firstField(body) ?? quietly(body)).focus();
  }, []);

  // What waits for its answer has no field yet.
  // biome-ignore lint/correctness/useExhaustiveDependencies: of each picture of the view anew
  useEffect(() => {
    const body = bodyOf(form.current);
    if (body && body === document.activeElement) firstField(body)?.focus();
  }, [view.blocks]);

  const showErrors = (found: Record<string, string>) => {
    setErrors(found);
    requestAnimationFrame(() => {
      const invalid = form.current?.querySelector<HTMLElement>('.input-block-invalid :is(input, textarea)');
      invalid?.focus();
      invalid?.scrollIntoView({ block: 'center' });
    });
  };
  const submit = async () => {
    directory.onAsk();
    const values = stateValues(blocks, edits);
    const missing = inputErrors(blocks, values);
    if (Object.keys(missing).length > 0) {
      showErrors(missing);
      return;
    }
    setErrors({});
    onFailure('');
    setBusy(true);
    const result = await api.submitView({ user: directory.viewer, view_id: view.id, values });
    setBusy(false);
    if (result.errors && Object.keys(result.errors).length > 0) showErrors(result.errors);
    else if (!result.ok)
      onFailure(
        result.error === 'operation_timeout'
          ? 'We had some trouble connecting. Try again?'
          : interactionFailure('This was not accepted', result),
      );
  };

  return (
    <form
      ref={form}
      noValidate
      onFocus={(event) => props.onPlace(focusable(form.current).indexOf(event.target))}
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        if (view.submit && !busy) void submit();
      }}
    >
      <header className="modal-head">
        {props.depth > 1 ? (
          <button type="button" className="icon-button" aria-label="Back" onClick={close}>
            <Icon name="back" />
          </button>
        ) : (
          <Avatar user={directory.user(directory.state.app.bot_user)} size={26} />
        )}
        <h2>{title}</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {props.failure && (
        <div className="modal-failure" role="alert">
          <Icon name="warning" /> {props.failure}
        </div>
      )}
      <section
        className="modal-body"
        aria-label={title}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        onKeyDown={({ currentTarget }) => delete currentTarget.dataset.unasked}
        onBlur={({ currentTarget }) => delete currentTarget.dataset.unasked}
      >
        <SurfaceProvider
          kind="modal"
          user={directory.viewer}
          place={{ view_id: view.id }}
          blocks={blocks}
          edits={edits}
          onEdit={(key, state) => {
            props.onEdit(key, state);
            const block = key.slice(0, key.lastIndexOf('/'));
            setErrors(({ [block]: _fixed, ...rest }) => rest);
          }}
          errors={errors}
        >
          <Blocks blocks={blocks} />
        </SurfaceProvider>
      </section>
      {view.submit || view.close ? (
        <footer className="dialog-actions">
          <button type="button" className="button" onClick={close}>
            {view.close?.text ?? 'Cancel'}
          </button>
          {view.submit && (
            <button type="submit" className="button button-primary" aria-disabled={busy} aria-busy={busy}>
              {view.submit.text}
              {busy && <span className="spinner" aria-hidden="true" />}
            </button>
          )}
        </footer>
      ) : null}
    </form>
  );
}
