import { get } from 'node-emoji';

/** Names that Slack has and node-emoji's table spells otherwise. */
const SLACK_NAMES: Record<string, string> = {
  large_green_circle: '🟢',
  large_yellow_circle: '🟡',
  large_orange_circle: '🟠',
  large_purple_circle: '🟣',
  large_brown_circle: '🟤',
  large_green_square: '🟩',
  large_red_square: '🟥',
  large_blue_square: '🟦',
  large_yellow_square: '🟨',
  octagonal_sign: '🛑',
  black_square_for_stop: '⏹️',
  double_vertical_bar: '⏸️',
  black_right_pointing_triangle_with_double_vertical_bar: '⏯️',
  thumbsup: '👍',
  thumbsdown: '👎',
  robot_face: '🤖',
  satellite_antenna: '📡',
  heavy_minus_sign: '➖',
  simple_smile: '🙂',
};

/** The character for `:name:`, or undefined when there is none. */
export const emojiFor = (name: string): string | undefined =>
  Object.hasOwn(SLACK_NAMES, name) ? SLACK_NAMES[name] : get(name);
