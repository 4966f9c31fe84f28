/** What the RunPod side starts with: keys, templates, what containers run, and pods that are there already. */
import type { EpochMs } from '../time.ts';
import type { PodConfig, PodTemplate } from './pod-request.ts';
import type { PodProgram } from './program.ts';

export interface RunpodKey {
  /** As a client sends it: `rpa_…`. */
  key: string;
  /** `read`: GET only; `none`: every request is forbidden. Default `all`. */
  rights?: 'all' | 'read' | 'none';
}

export interface PodSeed
  extends Pick<PodConfig, 'name' | 'image'>,
    Partial<Pick<PodConfig, 'gpu' | 'cpu' | 'cloud' | 'env' | 'cmd' | 'disk'>> {
  id?: string;
  createdAt: EpochMs;
  /** What its container runs; left out: as for a pod that is created. */
  program?: PodProgram;
  /** Left out: it still runs. `preempted`: its host took it away, and it is EXITED. */
  ended?: { at: EpochMs; status: 'EXITED' | 'ERROR' | 'preempted' };
}

export interface RunpodWorld {
  keys: readonly RunpodKey[];
  templates?: readonly PodTemplate[];
  /** The first whose text is in a pod's image, name or command; no one: the built-in trainer. */
  programs?: readonly { match: string; program: PodProgram }[];
  pods?: readonly PodSeed[];
}
