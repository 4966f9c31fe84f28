/** Light and dark: as the system is set, or as was chosen. */
import type { ITheme } from '@xterm/xterm';
import type { MarkColours } from './highlights.ts';
import { choice, element, remember } from './page.ts';

const THEMES = ['auto', 'light', 'dark'] as const;
const NAMES = { auto: 'as the system', light: 'light', dark: 'dark' };

const system = matchMedia('(prefers-color-scheme: dark)');

/**
 * @param changed called with each new theme
 * @returns the current one, and a function that switches to the next
 */
export function setUpTheme(changed: (theme: ITheme) => void): { current: () => ITheme; next: () => void } {
  let chosen = choice('theme', THEMES);
  const current = (): ITheme => ((chosen === 'auto' ? system.matches : chosen === 'dark') ? DARK : LIGHT);
  const apply = (): void => {
    document.documentElement.dataset.theme = chosen;
    const button = element('theme');
    button.ariaLabel = `Theme: ${NAMES[chosen]}`;
    button.title = `Theme: ${NAMES[chosen]} (T)`;
    changed(current());
  };
  system.addEventListener('change', apply);
  apply();
  const next = (): void => {
    // First to the one that is not shown now.
    const order = system.matches
      ? (['auto', 'light', 'dark'] as const)
      : (['auto', 'dark', 'light'] as const);
    chosen = order[(order.indexOf(chosen) + 1) % order.length]!;
    remember('theme', chosen);
    apply();
  };
  element('theme').addEventListener('click', next);
  return { current, next };
}

const DARK: ITheme = {
  background: '#0f141b',
  foreground: '#d5dce6',
  cursor: '#0f141b',
  selectionBackground: '#2f4d7d',
  selectionInactiveBackground: '#2f4d7d',
  scrollbarSliderBackground: '#8b98a92e',
  scrollbarSliderHoverBackground: '#8b98a95c',
  scrollbarSliderActiveBackground: '#8b98a980',
  overviewRulerBorder: '#0f141b',
  black: '#3b4252',
  red: '#ff7b72',
  green: '#7ee787',
  yellow: '#e3b341',
  blue: '#79b8ff',
  magenta: '#d2a8ff',
  cyan: '#76e3ea',
  white: '#d5dce6',
  brightBlack: '#8b949e',
  brightWhite: '#ffffff',
};

const LIGHT: ITheme = {
  background: '#ffffff',
  foreground: '#1f2430',
  cursor: '#ffffff',
  selectionBackground: '#b6d3ff',
  selectionInactiveBackground: '#b6d3ff',
  scrollbarSliderBackground: '#59636e2e',
  scrollbarSliderHoverBackground: '#59636e5c',
  scrollbarSliderActiveBackground: '#59636e80',
  overviewRulerBorder: '#ffffff',
  black: '#1f2430',
  red: '#c4232b',
  green: '#116329',
  yellow: '#7d4e00',
  blue: '#0550ae',
  magenta: '#8250df',
  cyan: '#1b6c78',
  white: '#59636e',
  brightBlack: '#59636e',
  brightRed: '#a40e26',
  brightGreen: '#1a7f37',
  brightYellow: '#633c01',
  brightBlue: '#0969da',
  brightMagenta: '#6639ba',
  brightCyan: '#3192aa',
  brightWhite: '#1f2430',
};

const RULER = { matchOnRuler: '#d8a300', currentOnRuler: '#ff7b00' };

/** How matches are marked in each theme. */
export const marksOn = (theme: ITheme): MarkColours =>
  theme === DARK
    ? { ...RULER, match: '#5c4708', current: '#9a4a00' }
    : { ...RULER, match: '#ffe9a8', current: '#ffb868' };
