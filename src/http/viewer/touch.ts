/** Scrolling by finger, which xterm.js 6.0 does not have. */

/** The share of its speed that is left after a frame without a finger. */
const GLIDE = 0.95;
/** Pixels a frame below which it stands still. */
const SLOWEST = 0.3;

/**
 * @param lineHeight in pixels
 * @param scroll by so many lines; what is less than a line is kept until it is one
 */
export function followFingers(
  host: HTMLElement,
  lineHeight: () => number,
  scroll: (lines: number) => void,
): void {
  let last: { y: number; at: number } | undefined;
  let speed = 0;
  let rest = 0;
  let frame = 0;

  const move = (pixels: number): void => {
    rest += pixels / lineHeight();
    const lines = Math.trunc(rest);
    rest -= lines;
    if (lines !== 0) scroll(lines);
  };
  const glide = (): void => {
    speed *= GLIDE;
    move(speed);
    frame = Math.abs(speed) > SLOWEST ? requestAnimationFrame(glide) : 0;
  };

  // Whatever the reader does next ends it, anywhere on the page: "Jump to end" would be glided away from.
  for (const event of ['pointerdown', 'keydown', 'wheel'] as const)
    window.addEventListener(event, () => cancelAnimationFrame(frame), { capture: true, passive: true });

  host.addEventListener(
    'touchstart',
    ({ touches }) => {
      cancelAnimationFrame(frame);
      speed = 0;
      last = touches.length === 1 ? { y: touches[0]!.clientY, at: performance.now() } : undefined;
    },
    { passive: true },
  );
  host.addEventListener(
    'touchmove',
    ({ touches }) => {
      if (!last || touches.length !== 1) return;
      const now = { y: touches[0]!.clientY, at: performance.now() };
      const moved = last.y - now.y;
      speed = (moved / Math.max(1, now.at - last.at)) * (1000 / 60);
      move(moved);
      last = now;
    },
    { passive: true },
  );
  for (const end of ['touchend', 'touchcancel'] as const)
    host.addEventListener(
      end,
      () => {
        if (last && performance.now() - last.at < 80) frame = requestAnimationFrame(glide);
        last = undefined;
      },
      { passive: true },
    );
}
