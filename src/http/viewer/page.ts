/** The page's elements by their ids in index.html, words for numbers, and what this browser remembers. */

export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as T;
}

/** Bytes for people: `1.2 MB`. */
export function bytes(count: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = count;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return count === 1 ? '1 byte' : `${count} bytes`;
  return `${value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** What was chosen the last time, or the first of them. */
export function choice<T extends string>(name: string, of: readonly T[]): T {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(`run-log.${name}`);
  } catch {
    // A browser may be told to keep nothing.
  }
  return of.find((one) => one === stored) ?? of[0]!;
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`run-log.${name}`, value);
  } catch {
    // Then it is chosen again.
  }
}

/** The icon of index.html, and a button's words beside it. */
export function setLabel(button: HTMLElement, text: string): void {
  button.querySelector('span')!.textContent = text;
}
