/** A part of a text that is masked. */
export interface Span {
  start: number;
  /** Exclusive. */
  stop: number;
  /** What replaces it, if the mask alone would break the text around it. */
  replacement?: string;
}

export const MASK = '[masked]';

/** Whether a character code is an ASCII letter or digit. */
export const isWordCode = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
