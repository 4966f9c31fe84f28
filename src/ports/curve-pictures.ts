/** Curves as a picture, for where Slack's own chart cannot show them. */

/** Panels that one picture shows. */
export const PANELS_SHOWN = 6;

export interface CurvePicture {
  /** The run's name, or what is compared. From outside, as everything here. */
  title: string;
  /** Further words under it. */
  subtitle?: string | undefined;
  /** One to `PANELS_SHOWN`. */
  panels: readonly CurvePanel[];
}

export interface CurvePanel {
  title: string;
  /** What the x axis counts. */
  axis: string;
  /** A logarithmic y axis; what is not above zero cannot be shown on it. */
  log: boolean;
  lines: readonly CurveLine[];
}

export interface CurveLine {
  name: string;
  /** Behind the name. */
  words: string;
  /** In the order of x. NaN and infinity are gaps. */
  points: readonly (readonly [x: number, y: number])[];
  /** Drawn faintly: what was trained again. */
  given?: readonly (readonly (readonly [x: number, y: number])[])[] | undefined;
  /** Marked with a ring. */
  best?: readonly [x: number, y: number] | undefined;
}

export interface CurvePictures {
  /**
   * @returns a PNG, about 1,200 pixels wide
   * @throws AppError unavailable: it could not be drawn · the signal's reason
   */
  draw(picture: CurvePicture, signal?: AbortSignal): Promise<Buffer>;
}
