import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from 'react';

const GAP_PX = 4;
const EDGE_PX = 8;

function place(panel: HTMLElement, anchor: DOMRect, align: 'start' | 'end', above: boolean): void {
  panel.style.maxHeight = '';
  const view = { width: document.documentElement.clientWidth, height: window.innerHeight };
  const wanted = Math.min(panel.scrollHeight + 2, 380);
  const roomBelow = view.height - anchor.bottom - GAP_PX - EDGE_PX;
  const roomAbove = anchor.top - GAP_PX - EDGE_PX;
  const goesUp = above
    ? roomAbove >= 120 || roomAbove > roomBelow
    : wanted > roomBelow && roomAbove > roomBelow;
  const height = Math.min(wanted, goesUp ? roomAbove : roomBelow);
  panel.style.maxHeight = `${height}px`;
  panel.style.top = `${goesUp ? anchor.top - GAP_PX - Math.min(height, panel.offsetHeight) : anchor.bottom + GAP_PX}px`;
  const left = align === 'end' ? anchor.right - panel.offsetWidth : anchor.left;
  panel.style.left = `${Math.max(EDGE_PX, Math.min(left, view.width - panel.offsetWidth - EDGE_PX))}px`;
}

/** A panel at an element, in the browser's top layer (so also above modal dialogs). Never takes the focus itself. */
export function Popover(props: {
  anchor: RefObject<HTMLElement | null>;
  onClose: () => void;
  align?: 'start' | 'end';
  above?: boolean;
  matchWidth?: boolean;
  className?: string;
  children: ReactNode;
}) {
  const panel = useRef<HTMLDivElement>(null);
  const { anchor, align = 'start', above = false, matchWidth = false } = props;
  const close = useRef(props.onClose);
  close.current = props.onClose;

  useLayoutEffect(() => {
    const element = panel.current;
    const at = anchor.current;
    if (!element || !at) return;
    if (!element.matches(':popover-open')) element.showPopover();
    if (matchWidth) element.style.minWidth = `${at.getBoundingClientRect().width}px`;
    place(element, at.getBoundingClientRect(), align, above);
  });

  useEffect(() => {
    const settle = () => {
      if (panel.current && anchor.current)
        place(panel.current, anchor.current.getBoundingClientRect(), align, above);
    };
    const outside = (event: PointerEvent) => {
      const target = event.target as Node;
      if (!panel.current?.contains(target) && !anchor.current?.contains(target)) close.current();
    };
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return;
      // Only the panel closes, not the dialog around it.
      event.preventDefault();
      event.stopPropagation();
      close.current();
    };
    const scrolled = (event: Event) => {
      if (!panel.current?.contains(event.target as Node)) settle();
    };
    document.addEventListener('pointerdown', outside, true);
    document.addEventListener('keydown', onEscape, true);
    document.addEventListener('scroll', scrolled, true);
    window.addEventListener('resize', settle);
    return () => {
      document.removeEventListener('pointerdown', outside, true);
      document.removeEventListener('keydown', onEscape, true);
      document.removeEventListener('scroll', scrolled, true);
      window.removeEventListener('resize', settle);
    };
  }, [anchor, align, above]);

  return (
    <div ref={panel} popover="manual" className={`popover ${props.className ?? ''}`}>
      {props.children}
    </div>
  );
}
