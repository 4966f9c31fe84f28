/**
 * How a compilation ends, found by looking at what it was given: the role, the buckets, the archive, the model
 * in it. The reasons are worded as the service words them ("Troubleshoot Neo compilation errors" in the
 * SageMaker guide), cut at the 1,024 characters that FailureReason may have.
 */
import type { Iam } from './iam.ts';
import { exportOf, type ModelCard, readCard } from './model-card.ts';
import { type ObjectStore, parseS3Uri } from './object-store.ts';
import { roleMay, serviceMayAssume } from './service-roles.ts';
import { readTarGz, type TarEntry } from './tar.ts';

export interface CompilationRequest {
  name: string;
  roleArn: string;
  s3Uri: string;
  framework: string;
  frameworkVersion?: string | undefined;
  /** JSON, or the older Python-like notation without quotes. */
  dataInputConfig?: string | undefined;
  outputLocation: string;
  targetDevice?: string | undefined;
  targetPlatform?: { Os: string; Arch: string; Accelerator?: string | undefined } | undefined;
  compilerOptions?: string | undefined;
  kmsKeyId?: string | undefined;
  maxRuntimeSeconds: number;
}

export type Verdict =
  | {
      compiles: true;
      card: ModelCard | undefined;
      files: readonly TarEntry[];
      derivedInput?: string | undefined;
    }
  | {
      compiles: false;
      reason: string;
      /** How far into the usual duration it fails, 0 to 1. */
      after: number;
      card?: ModelCard | undefined;
    };

export interface Workshop {
  iam: Iam;
  objects: ObjectStore;
  account: string;
  region: string;
}

const REASON_LIMIT = 1024;

export async function judge(request: CompilationRequest, workshop: Workshop): Promise<Verdict> {
  const verdict = await judgeInput(request, workshop);
  if (!verdict.compiles) return { ...verdict, reason: verdict.reason.slice(0, REASON_LIMIT) };
  return judgeOutput(request, workshop) ?? verdict;
}

/** The target as Neo writes it into file names: `jetson_xavier`, `LINUX_ARM64_NVIDIA`. */
export function targetName({ targetDevice, targetPlatform }: CompilationRequest): string {
  if (targetDevice !== undefined) return targetDevice;
  const { Os, Arch, Accelerator } = targetPlatform!;
  return [Os, Arch, ...(Accelerator === undefined ? [] : [Accelerator])].join('_');
}

/** Where the compiled model goes: the input's name with the target's, below the output location. */
export function outputUri(request: CompilationRequest): string {
  const base = request.s3Uri.replace(/^.*\//, '').replace(/\.tar\.gz$/, '') || 'model';
  return `${request.outputLocation.replace(/\/$/, '')}/${base}-${targetName(request)}.tar.gz`;
}

const failure = (after: number, words: string, card?: ModelCard): Verdict => ({
  compiles: false,
  reason: `ClientError: ${words}`,
  after,
  card,
});

async function judgeInput(request: CompilationRequest, workshop: Workshop): Promise<Verdict> {
  const { iam, objects, account, region } = workshop;
  if (!serviceMayAssume(iam, request.roleArn, 'sagemaker.amazonaws.com')) {
    return failure(
      0.02,
      `Access denied when calling sts:AssumeRole on role ${request.roleArn}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.`,
    );
  }
  const location = parseS3Uri(request.s3Uri);
  const bucket = location && objects.findBucket(location.bucket);
  const missing = failure(
    0.05,
    `InputConfiguration: S3 object does not exist. Bucket: ${location?.bucket}, Key: ${location?.key}`,
  );
  if (!location || !bucket) return missing;
  if (bucket.region !== region) {
    return failure(
      0.05,
      `InputConfiguration: Bucket ${bucket.name} is in region ${bucket.region} which is different from AWS Sagemaker service region ${region}`,
    );
  }
  const arn = `arn:aws:s3:::${location.bucket}/${location.key}`;
  if (bucket.account !== account || !roleMay(iam, request.roleArn, 's3:GetObject', [arn])) {
    return failure(
      0.05,
      `InputConfiguration: An error occurred (AccessDenied) when calling the GetObject operation: Access Denied. Bucket: ${location.bucket}, Key: ${location.key}`,
    );
  }
  const object = objects.find(location.bucket, location.key);
  if (!object) return missing;
  const files = await readTarGz(objects.read(object));
  if (!files) {
    return failure(
      0.1,
      'InputConfiguration: Unable to untar input model. Please confirm the model is a tar.gz file',
    );
  }
  const wrongFiles = FILE_RULES[request.framework]?.(files, request.s3Uri);
  if (wrongFiles !== undefined) return failure(0.15, wrongFiles);
  return request.framework === 'PYTORCH' ? judgePyTorch(request, files) : judgeModel(request, files);
}

// --- What the archive must hold, by framework ---

type FileRule = (files: readonly TarEntry[], uri: string) => string | undefined;

const named = (files: readonly TarEntry[], pattern: RegExp) => files.filter(({ name }) => pattern.test(name));
const WRONG_FRAMEWORK = 'Please make sure the framework you select is correct.';

const FILE_RULES: Readonly<Record<string, FileRule>> = {
  PYTORCH: (files) => {
    const { length } = named(files, /\.(pth|pt)$/);
    if (length === 0) return `InputConfiguration: No pth file found for PyTorch model. ${WRONG_FRAMEWORK}`;
    if (length > 1)
      return `InputConfiguration: Exactly one .pth file is allowed for PyTorch models. ${WRONG_FRAMEWORK}`;
    return undefined;
  },
  KERAS: (files, uri) => {
    const found = named(files, /\.(h5|hdf5|keras)$/);
    if (found.length === 0) return `InputConfiguration: No h5 file provided in ${uri}`;
    if (found.length > 1) {
      const names = found.map(({ name }) => name).join(', ');
      return `InputConfiguration: Multiple h5 files provided, [${names}], when only one is allowed`;
    }
    return undefined;
  },
  TENSORFLOW: (files) =>
    named(files, /\.(pb|pbtxt)$/).length === 1
      ? undefined
      : 'InputConfiguration: Exactly one .pb or .pbtxt file is allowed for TensorFlow models.',
  MXNET: (files) => {
    if (named(files, /\.params$/).length > 1) {
      return `InputConfiguration: Only one parameter file is allowed for MXNet model. ${WRONG_FRAMEWORK}`;
    }
    return named(files, /\.params$/).length === 1 && named(files, /\.json$/).length === 1
      ? undefined
      : `InputConfiguration: MXNet models need exactly one symbol file (*.json) and one parameter file (*.params). ${WRONG_FRAMEWORK}`;
  },
  ONNX: (files) =>
    named(files, /\.onnx$/).length === 1
      ? undefined
      : `InputConfiguration: Exactly one .onnx file is allowed for ONNX models. ${WRONG_FRAMEWORK}`,
  TFLITE: (files) =>
    named(files, /\.tflite$/).length === 1
      ? undefined
      : `InputConfiguration: Exactly one .tflite file is allowed for TFLite models. ${WRONG_FRAMEWORK}`,
  XGBOOST: (files) =>
    files.length === 1
      ? undefined
      : `InputConfiguration: Exactly one model file is allowed for XGBoost models. ${WRONG_FRAMEWORK}`,
  DARKNET: (files) =>
    named(files, /\.cfg$/).length === 1 && named(files, /\.weights$/).length === 1
      ? undefined
      : `InputConfiguration: Darknet models need exactly one .cfg and one .weights file. ${WRONG_FRAMEWORK}`,
};

// --- The model itself ---

function judgePyTorch(request: CompilationRequest, files: readonly TarEntry[]): Verdict {
  const [file] = named(files, /\.(pth|pt)$/);
  const exported = exportOf(file!);
  if (exported === 'weights') {
    return failure(
      0.3,
      'InputConfiguration: Invalid PyTorch model or input-shape mismatch. Make sure that inputs are lexically ordered and of the correct dimensionality. Upgrade to PyTorch 1.0 and use torch.jit.trace() and torch.jit.save() to export your model. Also cast your model with eval() before exporting.',
      readCard(file!),
    );
  }
  if (exported === 'scripted') {
    return failure(
      0.3,
      "InputConfiguration: Framework cannot load PyTorch model. No module named '__torch__'",
      readCard(file!),
    );
  }
  return judgeModel(request, files);
}

function judgeModel(request: CompilationRequest, files: readonly TarEntry[]): Verdict {
  const card = files.map(readCard).find((found) => found !== undefined);
  const given = request.dataInputConfig === undefined ? undefined : readInputConfig(request.dataInputConfig);
  const fixed = card && Object.values(card.inputs).every((shape) => shape.every((size) => size !== null));
  if (!given && !fixed) {
    return failure(
      0.25,
      'InputConfiguration: Unable to extract DataInputConfig from the model. Please provide DataInputConfig, and look into the model-info-extraction log stream for what was found.',
      card,
    );
  }
  if (!card) return { compiles: true, card, files };
  if (given) {
    const wrong = shapeProblem(card, given, modelOf(request));
    if (wrong !== undefined) return failure(0.35, wrong, card);
  }
  const missing = card.operators.filter((operator) => !implemented(operator, request));
  if (missing.length > 0) {
    const names = missing.map((operator) => `'${operator}'`).join(', ');
    return failure(
      0.6,
      `InputConfiguration: TVM cannot convert ${modelOf(request)}. Please make sure the framework you selected is correct. The following operators are not implemented: {${names}}`,
      card,
    );
  }
  return {
    compiles: true,
    card,
    files,
    ...(given ? {} : { derivedInput: JSON.stringify(card.inputs) }),
  };
}

/** Only PyTorch's gets an article. */
const modelOf = ({ framework }: CompilationRequest) =>
  framework === 'PYTORCH' ? 'the PyTorch model' : `${FRAMEWORK_NAMES[framework] ?? framework} model`;
const FRAMEWORK_NAMES: Readonly<Record<string, string>> = {
  TENSORFLOW: 'Tensorflow',
  KERAS: 'Keras',
  MXNET: 'MXNet',
};

/** Operators that no target has; and those that the TensorRT part of NVIDIA targets lacks. */
const NOWHERE: ReadonlySet<string> = new Set(['torchvision::nms', 'aten::unique2', 'aten::nonzero_numpy']);
const NOT_ON_NVIDIA: ReadonlySet<string> = new Set(['aten::grid_sampler', 'torchvision::deform_conv2d']);

function implemented(operator: string, request: CompilationRequest): boolean {
  const nvidia =
    request.targetPlatform?.Accelerator === 'NVIDIA' ||
    /^(jetson_|ml_p|ml_g)/.test(request.targetDevice ?? '');
  return !NOWHERE.has(operator) && !(nvidia && NOT_ON_NVIDIA.has(operator));
}

type Shapes = Readonly<Record<string, readonly number[]>>;

/** @returns undefined for what is no map from names to shapes; a list of shapes gets names by place */
function readInputConfig(text: string): Shapes | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replaceAll("'", '"'));
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const shapes: Record<string, readonly number[]> = {};
  for (const [name, value] of Object.entries(parsed)) {
    // TensorFlow on ml_inf and coreml nest the shape with a type: {"input": {"shape": [1, 3], "default_shape": …}}.
    const shape: unknown = Array.isArray(value) ? value : (value as { shape?: unknown } | null)?.shape;
    if (!Array.isArray(shape) || !shape.every((size) => Number.isInteger(size) && size > 0)) return undefined;
    shapes[name] = shape as number[];
  }
  return Object.keys(shapes).length > 0 ? shapes : undefined;
}

function shapeProblem(card: ModelCard, given: Shapes, model: string): string | undefined {
  const wanted = Object.entries(card.inputs);
  // PyTorch takes inputs by place, in the alphabetical order of their names; the names themselves do not matter.
  const offered = Object.keys(given)
    .sort()
    .map((name) => [name, given[name]!] as const);
  for (const [index, [, shape]] of wanted.entries()) {
    const [name, found] = offered[index] ?? ['', []];
    if (fits(shape, found)) continue;
    const [batch, ...rest] = found;
    const asNchw = [batch!, rest.at(-1)!, ...rest.slice(0, -1)];
    if (found.length === 4 && fits(shape, asNchw)) {
      return `InputConfiguration: Input ${name} has wrong shape in Input Shape dictionary. Input shapes should be provided in NCHW format.`;
    }
    return mismatch(model, shape, found);
  }
  return offered.length > wanted.length ? mismatch(model, [], offered.at(-1)![1]) : undefined;
}

const fits = (wanted: readonly (number | null)[], found: readonly number[]) =>
  wanted.length === found.length && wanted.every((size, index) => size === null || size === found[index]);

/** With the compiler's stack behind it, which is what makes these reasons as long as they may be. */
function mismatch(model: string, wanted: readonly (number | null)[], found: readonly number[]): string {
  const frames = [
    '[bt] (8) /opt/amazon/lib/python3.8/site-packages/tvm/libtvm.so(TVMFuncCall+0x61) [0x7f1c40a9bf41]',
    '[bt] (7) /opt/amazon/lib/python3.8/site-packages/tvm/libtvm.so(tvm::relay::TypeInferencer::Infer(tvm::GlobalVar, tvm::relay::Function)+0x8e) [0x7f1c4080c6ae]',
    '[bt] (6) /opt/amazon/lib/python3.8/site-packages/tvm/libtvm.so(tvm::relay::TypeSolver::Solve()+0x4d1) [0x7f1c406b5e81]',
    '[bt] (5) /opt/amazon/lib/python3.8/site-packages/tvm/libtvm.so(bool tvm::relay::Conv2DRel<tvm::relay::Conv2DAttrs>(tvm::runtime::Array<tvm::Type, void> const&, int, tvm::Attrs const&, tvm::TypeReporter const&)+0x1c9b) [0x7f1c4054f80b]',
    '[bt] (4) /opt/amazon/lib/python3.8/site-packages/tvm/libtvm.so(tvm::relay::ErrorReporter::RenderErrors(tvm::IRModule const&, bool)+0x1cf7) [0x7f1c402df8d7]',
  ].join('\n  ');
  return (
    `InputConfiguration: TVM cannot convert ${model}. Invalid model or input-shape mismatch. ` +
    'Make sure that inputs are lexically ordered and of the correct dimensionality. ' +
    `The model expects [${wanted.map((size) => size ?? '?').join(', ')}], DataInputConfig gives [${found.join(', ')}]. ` +
    `Traceback (most recent call last):\n  ${frames}`
  );
}

// --- Where the result goes ---

function judgeOutput(
  request: CompilationRequest,
  { iam, objects, account, region }: Workshop,
): Verdict | undefined {
  const uri = outputUri(request);
  const location = parseS3Uri(uri);
  const bucket = location && objects.findBucket(location.bucket);
  if (!location || !bucket) {
    return failure(
      0.95,
      `OutputConfiguration: An error occurred (NoSuchBucket) when calling the PutObject operation: The specified bucket does not exist. Bucket: ${location?.bucket}`,
    );
  }
  if (bucket.region !== region) {
    return failure(
      0.95,
      `OutputConfiguration: Bucket ${bucket.name} is in region ${bucket.region} which is different from AWS Sagemaker service region ${region}`,
    );
  }
  const arn = `arn:aws:s3:::${location.bucket}/${location.key}`;
  if (bucket.account !== account || !roleMay(iam, request.roleArn, 's3:PutObject', [arn])) {
    return failure(
      0.95,
      `OutputConfiguration: An error occurred (AccessDenied) when calling the PutObject operation: Access Denied. Bucket: ${location.bucket}, Key: ${location.key}`,
    );
  }
  const key = request.kmsKeyId;
  if (key && !roleMay(iam, request.roleArn, 'kms:GenerateDataKey', [keyArn(key, account, region)])) {
    return failure(
      0.95,
      `OutputConfiguration: An error occurred (AccessDenied) when calling the PutObject operation: role ${request.roleArn} is not authorized to perform: kms:GenerateDataKey on resource: ${keyArn(key, account, region)}`,
    );
  }
  return undefined;
}

const keyArn = (key: string, account: string, region: string) =>
  key.startsWith('arn:') ? key : `arn:aws:kms:${region}:${account}:key/${key}`;
