/** The buttons that need no more than the terminal: wrapping, copying, downloading, the list of keys. */
import { choice, element, remember, setLabel } from './page.ts';
import type { LogTerminal } from './terminal.ts';

/** Columns of most terminals that programs print for: on a narrower screen their bars would break. */
const USUAL = 80;

/** @returns a function that switches it */
export function setUpWrap(terminal: LogTerminal): () => void {
  const button = element('wrap');
  const apply = (wraps: boolean): void => {
    button.setAttribute('aria-pressed', String(wraps));
    terminal.isWrapping = wraps;
  };
  const chosen = choice('wrap', ['auto', 'on', 'off']);
  apply(chosen === 'auto' ? terminal.columns >= USUAL : chosen === 'on');
  const toggle = (): void => {
    const wraps = !terminal.isWrapping;
    remember('wrap', wraps ? 'on' : 'off');
    apply(wraps);
  };
  button.addEventListener('click', toggle);
  return toggle;
}

/** @returns a function that does it */
export function setUpCopy(terminal: LogTerminal): () => void {
  const button = element('copy');
  let timer: ReturnType<typeof setTimeout> | undefined;
  const copy = async (): Promise<void> => {
    const { text, isSelection } = terminal.text();
    const said = await navigator.clipboard.writeText(text).then(
      () => (isSelection ? 'Selection copied' : 'Copied'),
      () => 'Not allowed',
    );
    setLabel(button, said);
    clearTimeout(timer);
    timer = setTimeout(() => setLabel(button, 'Copy'), 1500);
  };
  button.addEventListener('click', () => void copy());
  return () => void copy();
}

export function setUpDownload(run: string): void {
  element<HTMLAnchorElement>('download-raw').href = `${run}/logs/download`;
  element<HTMLAnchorElement>('download-plain').href = `${run}/logs/download?plain=1`;
  const menu = element<HTMLDetailsElement>('download');
  menu.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !menu.open) return;
    menu.open = false;
    menu.querySelector('summary')!.focus();
  });
  menu.addEventListener('focusout', ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node) || !menu.contains(relatedTarget)) menu.open = false;
  });
  for (const link of menu.querySelectorAll('a')) link.addEventListener('click', () => (menu.open = false));
}

/** @returns a function that shows it */
export function setUpHelp(): () => void {
  const help = element<HTMLDialogElement>('help');
  const open = (): void => help.showModal();
  element('help-open').addEventListener('click', open);
  help.addEventListener('click', ({ target }) => {
    // Beside it.
    if (target === help) help.close();
  });
  return open;
}
