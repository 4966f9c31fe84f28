/** Where SageMaker's jobs write their logs in CloudWatch: groups that every account has, in every region. */
export const TRAINING_LOG_GROUP = '/aws/sagemaker/TrainingJobs';
export const COMPILATION_LOG_GROUP = '/aws/sagemaker/CompilationJobs';
