/** The screen that shows the window on a log. */

/** A place on a sheet that moves with its text: its line, or -1 once that is gone. */
export interface Mark {
  readonly line: number;
  /** In that line; undefined once the screen has another width, or where it is not known. */
  readonly column?: number | undefined;
}

/** Something to write on from its beginning. */
export interface Sheet {
  /** Resolves when it has been taken in. */
  write(bytes: Uint8Array): Promise<void>;
  /** Where the next bytes go. */
  mark(): Mark | undefined;
}

/** Shows one sheet at a time. */
export interface Screen {
  readonly columns: number;
  /** Lines that a sheet keeps. */
  readonly lines: number;
  /** The first line that can be seen. */
  readonly top: number;
  /** The last line can be seen. */
  readonly isAtEnd: boolean;
  /** An empty sheet, which is not seen yet. */
  blank(): Sheet;
  /** Resolves when it can be shown. */
  ready(sheet: Sheet): Promise<void>;
  /** The sheet that was shown until now is gone. */
  show(sheet: Sheet, top: number | 'end'): void;
}

/** Where an offset is on the sheet. */
export interface Place {
  /** Of the piece that it is in. */
  line: number;
  /** Newlines between the two places. */
  newlines: number;
  /** Nothing between the two places moves to other lines, so that its line is so many lines after the piece's. */
  isExact: boolean;
  /** Offset at which the piece begins, if that is in the middle of this line. */
  lineFrom: number | undefined;
  /** What was sought begins here exactly; undefined: its column is not known. */
  column: number | undefined;
}
