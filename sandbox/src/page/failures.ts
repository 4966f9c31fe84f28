import type { InteractionResult } from '../protocol.ts';

const WORDS: Record<string, string> = {
  operation_timeout: 'the app did not answer within 3 seconds',
  dispatch_failed: 'the app is not connected',
  unreachable: 'the sandbox does not answer',
};

/** One sentence for a failed click, choice or submission. */
export function interactionFailure(what: string, result: InteractionResult): string {
  if (result.detail) return result.detail;
  const code = result.error ?? 'unknown_error';
  const words = WORDS[code];
  return words ? `${what}: ${words} (${code}).` : `${what}: ${code}.`;
}

/** As Slack words it. */
export function commandFailure(command: string, result: InteractionResult): string {
  if (result.error === 'unknown_command')
    return `${command} is not a valid command. In Slack, all messages that start with the "/" character are interpreted as commands.`;
  return result.detail ?? `${command} failed with the error "${result.error ?? 'unknown_error'}"`;
}
