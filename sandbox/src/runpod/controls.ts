/**
 * Control endpoints of the RunPod side, beside those of `../slack/control.ts`:
 *
 * GET  /sandbox/runpod/pods      → { pods: SandboxPod[] } newest first
 * POST /sandbox/runpod/preempt   { pod } → {} the host takes it away; `pod` is an id or a name
 * POST /sandbox/runpod/fail      { pod, reason? } → {} its status is ERROR
 * POST /sandbox/runpod/print     { pod, line | lines, source? } → {} the pod prints them now, with one timestamp
 * POST /sandbox/runpod/settings  RunpodSettings, or some of them → {}
 */
import { SandboxError } from '../errors.ts';
import type { RunpodSandbox } from './index.ts';
import { checkSettings } from './settings.ts';

type Json = Record<string, unknown>;

export function runpodControls(runpod: RunpodSandbox): Readonly<Record<string, (args: Json) => unknown>> {
  return {
    'GET /sandbox/runpod/pods': () => ({ pods: runpod.pods() }),
    'POST /sandbox/runpod/preempt': ({ pod }) => {
      runpod.preempt(nameOf(pod));
      return {};
    },
    'POST /sandbox/runpod/fail': ({ pod, reason }) => {
      runpod.fail(nameOf(pod), ...(typeof reason === 'string' ? [reason] : []));
      return {};
    },
    'POST /sandbox/runpod/print': ({ pod, line, lines = [line], source }) => {
      if (!Array.isArray(lines) || lines.some((one) => typeof one !== 'string')) {
        throw new SandboxError('invalid_input', '`line` must be a string, or `lines` a list of them.', {
          hint: 'For example {"pod": "my-run", "line": "loss=0.12"}.',
        });
      }
      runpod.print(nameOf(pod), lines as string[], source === 'system' ? 'system' : 'container');
      return {};
    },
    'POST /sandbox/runpod/settings': (args) => {
      runpod.configure(checkSettings(args));
      return {};
    },
  };
}

function nameOf(pod: unknown): string {
  if (typeof pod === 'string' && pod !== '') return pod;
  throw new SandboxError('invalid_input', '`pod` must be the id or the name of a pod.', {
    hint: 'GET /sandbox/runpod/pods lists them.',
  });
}
