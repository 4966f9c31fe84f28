/** SageMaker Neo as the compiler of a use case. Rules: SageMaker's API reference and service model 2017-07-24. */
import type {
  CreateCompilationJobCommandInput,
  DescribeCompilationJobCommandOutput,
} from '@aws-sdk/client-sagemaker';
import { watchedClient } from '../ground/aws-calls.ts';
import { AppError } from '../ground/errors.ts';
import { paged } from '../ground/paged.ts';
import type {
  CompilationListing,
  CompilationOrder,
  CompilationReport,
  Compiler,
  ReportedOrder,
} from '../ports/compiler.ts';
import type { RoleSession } from './sessions.ts';

/** CompilationJobName; what is called otherwise is no compilation job, and AWS need not be asked. */
const JOB_NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;
/** InputConfig.FrameworkVersion: "only supported for the MXNet, PyTorch, TensorFlow and TensorFlow Lite frameworks". */
const WITH_VERSION = new Set(['MXNET', 'PYTORCH', 'TENSORFLOW', 'TFLITE']);
/** ListCompilationJobs' own limit of a page. */
const PAGE = 100;
/** What StopCompilationJob and a second look agree to call the end. */
const ENDED = new Set(['COMPLETED', 'FAILED', 'STOPPED']);
const COMPILE_ROLE = {
  role: 'the compile role',
  fix: [
    'the role of the use case needs iam:PassRole on compile.roleArn (the parameter CompileRoleArn of infra/use-case-account.yaml)',
    'compile.roleArn in signalbox.yaml must be that role, letter by letter',
  ],
};
/** Answers that SageMaker gives before it makes anything; after any other nobody knows. */
const REFUSALS = new Set<AppError['code']>([
  'conflict',
  'invalid_input',
  'permission_denied',
  'rate_limited',
]);

export function createCompiler(session: RoleSession): Compiler {
  // The package is large: loaded with the first question, and kept.
  let loading: ReturnType<typeof load> | undefined;
  const sageMaker = () => (loading ??= load(session));

  const describe: Compiler['describe'] = async (compilationJob, signal) => {
    if (!JOB_NAME.test(compilationJob)) return undefined;
    const { client, DescribeCompilationJobCommand } = await sageMaker();
    try {
      const answer = await session.call(
        {
          operation: `look at the compilation ${compilationJob}`,
          actions: ['sagemaker:DescribeCompilationJob'],
        },
        () =>
          client.send(
            new DescribeCompilationJobCommand({ CompilationJobName: compilationJob }),
            abortable(signal),
          ),
      );
      return report(answer);
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return undefined;
      throw error;
    }
  };

  return {
    describe,

    async list({ limit, createdAfter }, signal) {
      const { client, ListCompilationJobsCommand } = await sageMaker();
      const found: CompilationListing[] = [];
      const pages = paged((NextToken) =>
        session.call({ operation: 'list the compilations', actions: ['sagemaker:ListCompilationJobs'] }, () =>
          client.send(
            new ListCompilationJobsCommand({
              SortBy: 'CreationTime',
              SortOrder: 'Descending',
              MaxResults: Math.min(PAGE, limit),
              ...(createdAfter === undefined ? {} : { CreationTimeAfter: new Date(createdAfter) }),
              NextToken,
            }),
            abortable(signal),
          ),
        ),
      );
      for await (const page of pages) {
        for (const one of page.CompilationJobSummaries ?? [])
          if (one.CompilationJobName !== undefined)
            found.push({
              compilationJob: one.CompilationJobName,
              status: one.CompilationJobStatus ?? 'Unknown',
              createdAt: one.CreationTime?.getTime() ?? 0,
            });
        if (found.length >= limit) break;
      }
      return found.slice(0, limit);
    },

    async start(order, signal) {
      const { client, CreateCompilationJobCommand } = await sageMaker();
      try {
        // The SDK repeats what got no answer. When the lost request did start the job, the repetition is told
        // that the name is taken (ResourceInUse): `conflict`, which `describe` clears up.
        await session.call(
          {
            operation: `start the compilation ${order.compilationJob}`,
            actions: ['sagemaker:CreateCompilationJob', 'iam:PassRole'],
            passes: COMPILE_ROLE,
          },
          () => client.send(new CreateCompilationJobCommand(request(order)), abortable(signal)),
        );
      } catch (error) {
        throw error instanceof AppError ? startError(error, order) : error;
      }
    },

    async stop(compilationJob, signal) {
      const { client, StopCompilationJobCommand } = await sageMaker();
      try {
        await session.call(
          {
            operation: `stop the compilation ${compilationJob}`,
            actions: ['sagemaker:StopCompilationJob'],
          },
          () =>
            client.send(
              new StopCompilationJobCommand({ CompilationJobName: compilationJob }),
              abortable(signal),
            ),
        );
      } catch (error) {
        // What ended a moment ago cannot be stopped, and AWS says so as a bad request. It is what was wanted.
        if (!(error instanceof AppError) || !['invalid_input', 'conflict'].includes(error.code)) throw error;
        const there = await describe(compilationJob, signal);
        if (!there || !ENDED.has(there.status.toUpperCase())) throw error;
      }
    },
  };
}

function request(order: CompilationOrder): CreateCompilationJobCommandInput {
  const { target } = order;
  return {
    CompilationJobName: order.compilationJob,
    RoleArn: order.roleArn,
    InputConfig: {
      S3Uri: order.model,
      // The SDK's unions lag behind the service: what the domain has checked goes through as it is.
      Framework: order.framework as NonNullable<CreateCompilationJobCommandInput['InputConfig']>['Framework'],
      ...(order.frameworkVersion !== undefined && WITH_VERSION.has(order.framework)
        ? { FrameworkVersion: order.frameworkVersion }
        : {}),
      ...(order.dataInputConfig === undefined ? {} : { DataInputConfig: order.dataInputConfig }),
    },
    OutputConfig: {
      S3OutputLocation: order.outputS3,
      ...neoTarget(target.neo),
      ...(target.compilerOptions === undefined ? {} : { CompilerOptions: target.compilerOptions }),
    },
    StoppingCondition: { MaxRuntimeInSeconds: order.timeoutSeconds },
  };
}

type OutputConfig = NonNullable<CreateCompilationJobCommandInput['OutputConfig']>;

function neoTarget(neo: CompilationOrder['target']['neo']): Partial<OutputConfig> {
  if ('device' in neo) return { TargetDevice: neo.device as OutputConfig['TargetDevice'] };
  const { os, arch, accelerator } = neo.platform;
  return {
    TargetPlatform: {
      Os: os,
      Arch: arch,
      ...(accelerator === undefined ? {} : { Accelerator: accelerator }),
    } as OutputConfig['TargetPlatform'],
  };
}

/** Only refusals leave here as such; anything that leaves open whether the job was made is `unavailable`. */
function startError(error: AppError, order: CompilationOrder): AppError {
  if (REFUSALS.has(error.code) || error.code === 'unavailable' || error.code === 'timeout') return error;
  const refused = error.code === 'not_found';
  return new AppError(
    refused ? 'invalid_input' : 'unavailable',
    refused
      ? `AWS does not find something that the compilation ${order.compilationJob} needs: its role, model or output bucket.`
      : `AWS gave no clear answer; whether the compilation ${order.compilationJob} was started is not known.`,
    {
      hint: refused
        ? 'Check compile.roleArn and compile.outputS3 of the use case, and that the training job left a model.'
        : 'It is looked for by itself. If it does not turn up in a minute, start it again.',
      ...(error.adminHint === undefined ? {} : { adminHint: error.adminHint }),
      cause: error,
      ref: error.ref,
    },
  );
}

function report(answer: DescribeCompilationJobCommandOutput): CompilationReport {
  const status = answer.CompilationJobStatus ?? 'Unknown';
  return {
    status,
    // Empty text when there is none: the member is required.
    failureReason: answer.FailureReason || undefined,
    startedAt: answer.CompilationStartTime?.getTime(),
    endedAt: answer.CompilationEndTime?.getTime(),
    changedAt: answer.LastModifiedTime?.getTime(),
    // A required member too, filled before anything lies there: only the status says whether it holds.
    artifact:
      status.toUpperCase() === 'COMPLETED' ? answer.ModelArtifacts?.S3ModelArtifacts || undefined : undefined,
    asked: asked(answer),
    facts: facts(answer),
  };
}

function asked(answer: DescribeCompilationJobCommandOutput): ReportedOrder {
  const { InputConfig: input, OutputConfig: output } = answer;
  const platform = output?.TargetPlatform;
  return {
    createdAt: answer.CreationTime?.getTime(),
    model: input?.S3Uri,
    framework: input?.Framework,
    frameworkVersion: input?.FrameworkVersion || undefined,
    dataInputConfig: input?.DataInputConfig || undefined,
    neo: output?.TargetDevice
      ? { device: output.TargetDevice }
      : platform?.Os && platform.Arch
        ? { platform: { os: platform.Os, arch: platform.Arch, accelerator: platform.Accelerator } }
        : undefined,
    compilerOptions: output?.CompilerOptions || undefined,
    timeoutSeconds: answer.StoppingCondition?.MaxRuntimeInSeconds,
  };
}

/** In the order of the details view. Neo reports no instance, no memory and no progress: they are not here. */
function facts(answer: DescribeCompilationJobCommandOutput): Record<string, string> {
  const { InputConfig: input, OutputConfig: output } = answer;
  const platform = output?.TargetPlatform;
  const limit = answer.StoppingCondition?.MaxRuntimeInSeconds;
  const all: Record<string, string | undefined> = {
    Framework: [input?.Framework, input?.FrameworkVersion].filter(Boolean).join(' '),
    Inputs: input?.DataInputConfig,
    // What Neo read from the model by itself where nobody said it.
    'Derived inputs': answer.DerivedInformation?.DerivedDataInputConfig,
    Device: output?.TargetDevice,
    Platform: platform && [platform.Os, platform.Arch, platform.Accelerator].filter(Boolean).join('/'),
    'Compiler options': output?.CompilerOptions,
    Model: input?.S3Uri,
    'Output location': output?.S3OutputLocation,
    'Time limit': limit === undefined ? undefined : `${limit} s`,
    'Inference image': answer.InferenceImage,
    'Artifact digest': answer.ModelDigests?.ArtifactDigest,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
}

async function load(session: RoleSession) {
  const {
    CreateCompilationJobCommand,
    DescribeCompilationJobCommand,
    ListCompilationJobsCommand,
    SageMakerClient,
    StopCompilationJobCommand,
  } = await import('@aws-sdk/client-sagemaker');
  const client = session.paced(watchedClient(new SageMakerClient(session.clientConfig(4))));
  return {
    client,
    CreateCompilationJobCommand,
    DescribeCompilationJobCommand,
    ListCompilationJobsCommand,
    StopCompilationJobCommand,
  };
}

const abortable = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});
