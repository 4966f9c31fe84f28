/** Slack's rules for blocks and views without the sandbox around them: the limits to stay in, and what breaks them. */
export { LIMITS } from './block-kit/limits.ts';
export {
  type Problem,
  type Surface,
  textLength,
  validateBlocks,
  validateView,
} from './block-kit/validate.ts';
