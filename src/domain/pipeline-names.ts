/** Names of pipeline executions, which have none of their own: the pipeline's name and the execution's id. */

/** `arn:aws:sagemaker:eu-west-1:123456789012:pipeline/weld/execution/abc123def456` */
const ARN = /^arn:[\w-]+:sagemaker:[\w-]*:\d*:pipeline\/([^/]+)\/execution\/([a-z0-9]{12})$/;
const NAME = /^([a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,255})-([a-z0-9]{12})$/;
/** What SageMaker Pipelines calls the jobs of its steps: the execution's id comes first. */
const STEP_JOB = /^pipelines-([a-z0-9]{12})-[a-zA-Z0-9]/;

export interface Execution {
  pipeline: string;
  id: string;
}

/** @returns undefined for anything else */
export function executionOfArn(arn: string): Execution | undefined {
  const [, pipeline, id] = ARN.exec(arn) ?? [];
  return pipeline !== undefined && id !== undefined ? { pipeline, id } : undefined;
}

export const executionName = ({ pipeline, id }: Execution): string => `${pipeline}-${id}`;

/** @returns undefined for what no execution is called */
export function readExecutionName(name: string): Execution | undefined {
  const [, pipeline, id] = NAME.exec(name) ?? [];
  return pipeline !== undefined && id !== undefined ? { pipeline, id } : undefined;
}

/** The id of the execution whose step a job of any kind is. */
export const executionOfStepJob = (job: string): string | undefined => STEP_JOB.exec(job)?.[1];
