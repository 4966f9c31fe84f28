/** SageMaker Neo: compilation jobs, as further operations of the SageMaker service. */
import type { CompilationStore } from './compilations.ts';
import type { CompilationRequest } from './compile-verdict.ts';
import { AwsError } from './errors.ts';
import type { Iam } from './iam.ts';
import { jobList } from './kinds/job-row.ts';
import { INVALID, type ListOddities } from './kinds/list.ts';
import { listOperation, NOTHING } from './kinds/operations.ts';
import { JOB_NAME, reading, S3_URI, tagsOf } from './kinds/request.ts';
import { passRole, ROLE_ARN } from './pass-role.ts';
import type { AwsCall, AwsOperation } from './service.ts';
import { Parameters } from './validation.ts';

const FRAMEWORKS = [
  'TENSORFLOW',
  'KERAS',
  'MXNET',
  'ONNX',
  'PYTORCH',
  'XGBOOST',
  'TFLITE',
  'DARKNET',
  'SKLEARN',
];
const STATUSES = ['INPROGRESS', 'COMPLETED', 'FAILED', 'STARTING', 'STOPPING', 'STOPPED'];
const COMPILATION_LIST = jobList('Compilation', STATUSES);
/** Service model 2017-07-24. */
const DEVICES =
  'lambda ml_m4 ml_m5 ml_m6g ml_c4 ml_c5 ml_c6g ml_p2 ml_p3 ml_g4dn ml_inf1 ml_inf2 ml_trn1 ml_eia2 jetson_tx1 jetson_tx2 jetson_nano jetson_xavier rasp3b rasp4b imx8qm deeplens rk3399 rk3288 aisage sbe_c qcs605 qcs603 sitara_am57x amba_cv2 amba_cv22 amba_cv25 x86_win32 x86_win64 coreml jacinto_tda4vm imx8mplus'.split(
    ' ',
  );
const PLATFORM_OS = ['ANDROID', 'LINUX'];
const PLATFORM_ARCH = ['X86_64', 'X86', 'ARM64', 'ARM_EABI', 'ARM_EABIHF'];
const PLATFORM_ACCELERATOR = ['INTEL_GRAPHICS', 'MALI', 'NVIDIA', 'NNA'];
const WITH_FRAMEWORK_VERSION =
  'ml_c4 ml_c5 ml_m4 ml_m5 ml_p2 ml_p3 ml_g4dn lambda jetson_tx1 jetson_nano jetson_tx2 jetson_xavier deeplens rasp3b rasp4b imx8qm rk3288 rk3399 aisage sbe_c'.split(
    ' ',
  );
/** An NVIDIA platform names no device, so the options have to say what to build for. */
const NVIDIA_OPTIONS = ['gpu-code', 'trt-ver', 'cuda-ver'];

export function neoOperations(
  stores: (account: string, region: string) => CompilationStore,
  iam: Iam,
  settings: ListOddities,
): Record<string, AwsOperation> {
  const storeOf = (call: AwsCall) => stores(call.account, call.region);
  const onJob = (name: string, handle: AwsOperation['handle']): AwsOperation => ({
    action: `sagemaker:${name}`,
    resources: (call) => [storeOf(call).arn(String(call.input.CompilationJobName))],
    handle,
  });
  return {
    CreateCompilationJob: onJob('CreateCompilationJob', (call) => {
      const { request, tags } = readRequest(call);
      passRole(iam, call, request.roleArn);
      return { body: { CompilationJobArn: storeOf(call).create(request, tags, call.now) } };
    }),
    DescribeCompilationJob: onJob('DescribeCompilationJob', (call) => {
      const store = storeOf(call);
      return { body: store.description(store.get(jobName(call), call.now), call.now) };
    }),
    ListCompilationJobs: listOperation(COMPILATION_LIST, settings, (call) => {
      const store = storeOf(call);
      return () => store.all(call.now).map((job) => store.summary(job, call.now));
    }),
    StopCompilationJob: onJob('StopCompilationJob', (call) => {
      storeOf(call).stop(jobName(call), call.now);
      return NOTHING;
    }),
    DeleteCompilationJob: onJob('DeleteCompilationJob', (call) => {
      storeOf(call).delete(jobName(call), call.now);
      return NOTHING;
    }),
  };
}

function jobName(call: AwsCall): string {
  const read = reading(call);
  const name = read.need('CompilationJobName', JOB_NAME);
  read.check();
  return name;
}

function readRequest(call: AwsCall): { request: CompilationRequest; tags: Record<string, string> } {
  const read = reading(call);
  const name = read.need('CompilationJobName', JOB_NAME);
  const roleArn = read.need('RoleArn', ROLE_ARN);
  const tags = tagsOf(read);
  const input = member(call.input, read, 'InputConfig');
  const s3Uri = input.need('S3Uri', S3_URI);
  const framework = input.need('Framework', { values: FRAMEWORKS });
  const frameworkVersion = input.text('FrameworkVersion', {
    min: 3,
    max: 10,
    pattern: '[0-9]\\.[A-Za-z0-9.]+',
  });
  const dataInputConfig = input.text('DataInputConfig', { min: 1, max: 16_384, pattern: '[\\S\\s]+' });
  const output = member(call.input, read, 'OutputConfig');
  const outputLocation = output.need('S3OutputLocation', S3_URI);
  const targetDevice = output.text('TargetDevice', { values: DEVICES });
  const compilerOptions = output.text('CompilerOptions', { min: 3, max: 1024, pattern: '.*' });
  const kmsKeyId = output.text('KmsKeyId', { max: 2048, pattern: '[a-zA-Z0-9:/_-]*' });
  const outputInput = asObject(call.input.OutputConfig);
  const hasPlatform = outputInput.TargetPlatform !== undefined;
  const platform = hasPlatform ? member(outputInput, output, 'TargetPlatform') : undefined;
  const targetPlatform = platform && {
    Os: platform.need('Os', { values: PLATFORM_OS }),
    Arch: platform.need('Arch', { values: PLATFORM_ARCH }),
    Accelerator: platform.text('Accelerator', { values: PLATFORM_ACCELERATOR }),
  };
  const stopping = member(call.input, read, 'StoppingCondition');
  const maxRuntimeSeconds = stopping.number('MaxRuntimeInSeconds', { min: 1 }) ?? 900;
  for (const part of [read, input, output, stopping, ...(platform ? [platform] : [])]) part.check();

  if ((targetDevice === undefined) === (targetPlatform === undefined)) {
    throw new AwsError(
      INVALID,
      targetDevice === undefined
        ? 'Either TargetDevice or TargetPlatform must be specified in OutputConfig.'
        : 'TargetDevice and TargetPlatform are mutually exclusive: only one of them can be specified in OutputConfig.',
    );
  }
  if (frameworkVersion !== undefined && targetDevice && !WITH_FRAMEWORK_VERSION.includes(targetDevice)) {
    throw new AwsError(
      INVALID,
      `Unsupported framework version field for target. Framework version is supported for Target Platform configuration and only part of target devices. Framework version is only supported for ${WITH_FRAMEWORK_VERSION.join(', ')}.`,
    );
  }
  if (!s3Uri.endsWith('.tar.gz')) {
    throw new AwsError(INVALID, `InputConfig.S3Uri must point to a single .tar.gz archive, got ${s3Uri}`);
  }
  checkOptions(compilerOptions, targetPlatform?.Accelerator);
  return {
    request: {
      name,
      roleArn,
      s3Uri,
      framework,
      frameworkVersion,
      dataInputConfig,
      outputLocation,
      targetDevice,
      targetPlatform,
      compilerOptions,
      kmsKeyId: kmsKeyId || undefined,
      maxRuntimeSeconds,
    },
    tags,
  };
}

/** @throws AwsError ValidationException: not JSON (a string, for some devices) or without what the target needs */
function checkOptions(text: string | undefined, accelerator: string | undefined): void {
  let options: unknown;
  try {
    options = text === undefined ? {} : JSON.parse(text);
  } catch (error) {
    throw new AwsError(INVALID, `CompilerOptions is not valid JSON: ${(error as Error).message}`);
  }
  if (accelerator !== 'NVIDIA') return;
  const missing = NVIDIA_OPTIONS.filter((key) => asObject(options)[key] === undefined);
  if (missing.length > 0) {
    throw new AwsError(
      INVALID,
      `CompilerOptions must contain ${NVIDIA_OPTIONS.join(', ')} for accelerator NVIDIA. Missing: ${missing.join(', ')}`,
    );
  }
}

function member(input: Readonly<Record<string, unknown>>, read: Parameters, name: string): Parameters {
  const value = input[name];
  if (typeof value !== 'object' || value === null) read.need(name);
  return new Parameters(asObject(value), INVALID);
}

const asObject = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
