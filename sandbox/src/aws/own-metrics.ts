/** SageMaker's own algorithms bring metrics of their own. */
import type { MetricDefinition } from './final-metrics.ts';

/** Repositories of their images. */
const FIRST_PARTY =
  /\/(?:sagemaker-xgboost|blazingtext|image-classification|kmeans|linear-learner|object-detection|semantic-segmentation):/;

export const isFirstParty = (image: string): boolean => FIRST_PARTY.test(image);

/** Of SageMaker's own algorithms, whose requests must have none. */
export const ownMetrics = (image: string): readonly MetricDefinition[] | undefined =>
  isFirstParty(image) ? OWN_METRICS : undefined;

const OWN_METRICS: readonly MetricDefinition[] = [
  { Name: 'train:rmse', Regex: '.*\\[[0-9]+\\].*#011train-rmse:([-+]?[0-9]*\\.?[0-9]+).*' },
  { Name: 'validation:rmse', Regex: '.*\\[[0-9]+\\].*#011validation-rmse:([-+]?[0-9]*\\.?[0-9]+).*' },
];
