/** SageMaker's own algorithms bring metrics of their own. */

/** Repositories of their images. */
const FIRST_PARTY =
  /\/(?:sagemaker-xgboost|blazingtext|image-classification|kmeans|linear-learner|object-detection|semantic-segmentation):/;

export const isFirstParty = (image: string): boolean => FIRST_PARTY.test(image);

/** What an answer has besides for SageMaker's own algorithms, and a request must not have. */
export const ownMetrics = (image: string): object =>
  isFirstParty(image) ? { MetricDefinitions: OWN_METRICS } : {};

const OWN_METRICS = [
  { Name: 'train:rmse', Regex: '.*\\[[0-9]+\\].*#011train-rmse:([-+]?[0-9]*\\.?[0-9]+).*' },
  { Name: 'validation:rmse', Regex: '.*\\[[0-9]+\\].*#011validation-rmse:([-+]?[0-9]*\\.?[0-9]+).*' },
];
