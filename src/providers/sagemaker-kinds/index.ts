/** SageMaker's kinds of jobs other than training: how each is asked. A new kind is one more of these. */
import { sageMakerKind } from '../sagemaker-kind.ts';
import { cluster } from './cluster.ts';
import { compilation } from './compilation.ts';
import { endpoint } from './endpoint.ts';
import { job } from './job.ts';
import { notebook } from './notebook.ts';
import { pipeline } from './pipeline.ts';
import { processing } from './processing.ts';
import type { KindRow } from './row.ts';
import { transform } from './transform.ts';
import { tuning } from './tuning.ts';

const ROWS: readonly KindRow[] = [
  ...[processing, transform, tuning, compilation, pipeline],
  ...[endpoint, notebook, cluster, job],
];

export const sageMakerKinds = ROWS.map(sageMakerKind);
