/** State: which of SageMaker's kinds of jobs the roles of use cases may not ask about. */
import type { SageMakerName } from '../domain/providers.ts';
import type { EpochMs } from '../ground/time.ts';

/** Found out by whoever asks in the background, and told by whoever answers people. */
export interface KindRefusal {
  useCase: string;
  kind: SageMakerName;
  /** `list`: none of them is known. `look`: they are listed, but not what is in them and why one failed. */
  what: 'list' | 'look';
  since: EpochMs;
}

/** Every method returns once its changes are durable. */
export interface RefusalStore {
  /** One that is there already stays as it is. */
  putKindRefusal(refusal: KindRefusal): Promise<void>;
  /** It is allowed (again); nothing if it was never refused. */
  removeKindRefusal(refusal: Pick<KindRefusal, 'useCase' | 'kind' | 'what'>): Promise<void>;
  /** Oldest first. */
  listKindRefusals(): Promise<KindRefusal[]>;
}
