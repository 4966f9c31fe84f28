/** How long stores keep what is over. */

export const DAY_MS = 86_400_000;
/** SQS keeps a message 14 days at most: until then a duplicate may come. */
export const EVENT_DAYS = 15;
/** A message whose last change was this long ago will not change again. */
export const POST_DAYS = 90;
export const ALERT_DAYS = 180;
/** Once a flood is long over, its thousands of names are of no use: no more events about them can come. */
export const SUBJECTS_DAYS = 16;
export const SUBJECTS_KEPT = 200;
/** Events set aside keep an excerpt, so their number is limited: rubbish sent for days must not fill the memory. */
export const SET_ASIDE_KEPT = 5_000;
