/**
 * Why training programs fail, by their words and the way in which they end. The first row that matches counts. What
 * SageMaker itself says, and what to say when no row matches, are in tables of their own.
 */
import type { StreamEnd } from './failure-log.ts';
import type { Speaker } from './failure-speaker.ts';
import { DOCS, type TrainingAdvice } from './failure-tables.ts';
import type { JobParts } from './job-parts.ts';
import type { JobPhase, JobState, TrainingJob } from './jobs.ts';
import type { ProviderName } from './providers.ts';

/** What is known about an end. Texts are as the service and the job wrote them. */
export interface TrainingEnd {
  state: JobState;
  phase?: JobPhase | undefined;
  /** Where it ran. Left out: on SageMaker, as in earlier versions. */
  provider?: ProviderName | undefined;
  failureReason?: string | undefined;
  /** Why its parts failed: of a pipeline, whose own reason says only that some did. */
  parts?: Pick<JobParts, 'causes'> | undefined;
  exit?: TrainingJob['exit'];
  /** The last lines of the log, of one stream. */
  logEnd?: string | undefined;
  /** The same of several. */
  logEnds?: readonly StreamEnd[] | undefined;
}

/** One row: any one of these recognises it. Cause and fix may name what a pattern caught, as in `ReasonRow`. */
export interface TrainingRow extends TrainingAdvice {
  /** Who may say `reason`; a reason that does not begin with who says it passes. */
  says?: readonly Speaker[];
  /** SageMaker's words. */
  reason?: RegExp;
  /** The program's words: what it raised, what it printed last, and what SageMaker quotes of it. */
  error?: RegExp;
  /** Words beside those of `reason` or `error`, or a place that raises them, that mean something else. */
  notError?: RegExp;
  notFrames?: RegExp;
  /** Words that mean this only where they were raised at such a place. */
  place?: { error: RegExp; frames: RegExp };
  exitCodes?: readonly number[];
  example: TrainingEnd;
}

const FAILED = {
  state: 'failed',
  failureReason: 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage ""',
} as const;

/** What the program says, or the way in which it ended. */
export const TRAINING_FAILURES: readonly TrainingRow[] = [
  {
    id: 'training-gpu-memory',
    error:
      /CUDA out of memory|(?:CUDA|HIP) error: out of memory|(?:cuda|torch)\.OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|out_of_memory: CUDA|HIP out of memory|OOM when allocating|RESOURCE_EXHAUSTED.{0,80}(?:out of memory|allocat)|(?:Xla|Jax)RuntimeError: RESOURCE_EXHAUSTED|ResourceExhaustedError: Graph execution error|(?:CUBLAS|CUSOLVER)_STATUS_ALLOC_FAILED|cudaMalloc.{0,40}out of memory|Dst tensor is not initialized|Graph execution error.{0,1000}\bOOM\b/is,
    notError: /OOM when allocating.{0,400}device:CPU|no space left on device/is,
    cause: 'The GPU ran out of memory.',
    fix: 'Use a smaller batch (with gradient accumulation), mixed precision, or an instance with a larger GPU.',
    link: DOCS.resources,
    elsewhere: {
      fix: 'Use a smaller batch (with gradient accumulation), mixed precision, or a larger GPU, and look whether another program holds memory on it (nvidia-smi).',
    },
    example: {
      ...FAILED,
      logEnd:
        'Epoch 3/10\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 15.78 GiB total capacity)',
    },
  },
  {
    id: 'training-shared-memory',
    error:
      /unable to (?:write to|open|mmap|allocate|resize).{0,60}\/torch_\d|\/dev\/shm|shared memory \(shm\)|out of shared memory|insufficient shared memory|killed by signal: Bus error|unexpected bus error/i,
    place: { error: /no space left on device/i, frames: /SemLock|_share_(?:fd|filename)_/ },
    exitCodes: [135],
    cause: 'Shared memory (/dev/shm) ran out: data loader workers and NCCL pass their data through it.',
    fix: 'Use fewer data loader workers (with 0 the loader needs none), smaller batches, or a larger instance, which has more of it.',
    link: DOCS.resources,
    elsewhere: {
      fix: 'Use fewer data loader workers (with 0 the loader needs none) or smaller batches; a container gets more of it with --shm-size.',
    },
    example: {
      ...FAILED,
      logEnd:
        'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nRuntimeError: unable to write to file </torch_722_783672312_1>: No space left on device (28)',
    },
  },
  {
    id: 'training-host-memory',
    says: ['client'],
    reason: /instance type with more memory|(?:ran )?out of memory|not enough (?:memory|RAM)\b/i,
    error:
      /DataLoader worker .{0,60}killed by signal: Killed|(?:^|[\s.])_?(?:Array)?MemoryError\b|Cannot allocate memory|can't allocate memory|not enough memory: you tried to allocate|Unable to allocate .{1,40} for an array|std::bad_alloc|OOM when allocating.{0,400}device:CPU|java\.lang\.OutOfMemoryError|ray\.exceptions\.OutOfMemoryError|running low on memory|(?:signal|\{)\s?SIGKILL\b|Signals\.SIGKILL|process pool was terminated abruptly|Out of memory: Kill/is,
    exitCodes: [137],
    cause: 'The instance ran out of memory (RAM), which is nearly always why a process is killed.',
    fix: 'Use a larger instance, a smaller batch, or fewer data loader workers.',
    link: DOCS.resources,
    elsewhere: {
      cause: 'The machine ran out of memory (RAM), which is nearly always why a process is killed.',
      fix: 'Use a smaller batch, fewer data loader workers, or a machine with more memory, and look what else runs there. The kernel’s log (dmesg) tells whom it killed.',
    },
    example: { state: 'failed', failureReason: 'AlgorithmError: , exit code: 137' },
  },
  {
    id: 'training-module-missing',
    error:
      /(?:ModuleNotFoundError: |ImportError: |\bpython[\d.]{0,5}: )No module named ['"]?(?<module>[\w.]{1,100})|(?:ImportError|OSError): (?<library>[\w.+-]{1,100}\.so[\w.]{0,20}): cannot open shared object file|PackageNotFoundError: (?:No package metadata was found for )?['"]?(?<package>[\w.-]{1,100})/,
    cause: 'The training image lacks {module/library/package|a module that the script imports}.',
    fix: 'Add it to requirements.txt beside the script (in source_dir) or build it into the image. If it is your own code, put that into source_dir.',
    link: DOCS.ownImage,
    kinds: { cause: 'The image lacks {module/library/package|a module that the script imports}.' },
    elsewhere: {
      cause:
        'The environment that the job runs in lacks {module/library/package|a module that the script imports}.',
      fix: 'Install it there. If it is your own code, check the folder that the job runs in, and PYTHONPATH.',
    },
    example: {
      ...FAILED,
      failureReason:
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ModuleNotFoundError: No module named \'peft\'"\nCommand "/opt/conda/bin/python train.py", exit code: 1',
    },
  },
  {
    id: 'training-versions',
    error:
      /ImportError: cannot import name ['"](?<name>[\w.]{1,80})['"] from (?:partially initialized module )?['"](?<from>[\w.]{1,80})|(?<binary>[\w.]{1,60}) size changed, may indicate binary incompatibility|compiled using NumPy 1\.x cannot be run in|pkg_resources\.(?:VersionConflict|ContextualVersionConflict)/,
    cause:
      'Packages in the image do not match: {from/binary|one of them} is not the version that the script or another package expects.',
    fix: 'Pin versions that go together in requirements.txt; what is installed from there can replace packages of the image.',
    link: DOCS.ownImage,
    elsewhere: {
      cause:
        'Installed packages do not match: {from/binary|one of them} is not the version that the script or another package expects.',
      fix: 'Pin versions that go together, and install them into a clean environment.',
    },
    example: {
      ...FAILED,
      logEnd:
        "Traceback (most recent call last):\n  File \"train.py\", line 3, in <module>\nImportError: cannot import name 'AdamW' from 'transformers'",
    },
  },
  {
    id: 'training-hub-access',
    error:
      /gated repo|GatedRepoError|LocalTokenNotFoundError|RepositoryNotFoundError|(?:40[13] Client Error|Unauthorized|Forbidden).{0,300}(?:huggingface\.co|hf\.co)|(?:huggingface\.co|hf\.co).{0,300}(?:40[13] (?:Client Error|Unauthorized|Forbidden)|Unauthorized)|is not a local folder and is not a valid model identifier|Invalid (?:user token|username or password)|kaggle.{0,200}(?:401|403)/is,
    cause:
      'The model hub refused the download: it needs a token, the licence must be accepted first, or the name is wrong.',
    fix: 'Accept the licence on the model’s page, pass the job a token with access (HF_TOKEN), and check the name.',
    link: DOCS.describeTraining,
    elsewhere: {},
    example: {
      ...FAILED,
      logEnd:
        'Traceback (most recent call last):\n  File "train.py", line 9, in <module>\nOSError: You are trying to access a gated repo.\nMake sure to have access to it at https://huggingface.co/acme/model.\n401 Client Error.',
    },
  },
  {
    id: 'training-gpu-missing',
    error:
      /no CUDA GPUs are available|invalid device ordinal|Found no NVIDIA driver|Torch not compiled with CUDA enabled|CUDA driver version is insufficient|CUDA-capable device\(?s?\)?.{0,20}(?:is|are) (?:busy|unavailable)|no CUDA-capable device|no kernel image is available|not compiled with GPU support|libcuda\.so.{0,60}cannot open|Attempting to deserialize object on a CUDA device/i,
    cause: 'The program found no GPU that it can use, or fewer than it asks for.',
    fix: 'Choose an instance type with enough GPUs, and an image whose framework is built for that GPU and its CUDA driver.',
    link: DOCS.resources,
    elsewhere: {
      fix: 'Check what nvidia-smi shows on that machine and what CUDA_VISIBLE_DEVICES says there, and install a framework that is built for that GPU and its driver.',
    },
    example: {
      ...FAILED,
      logEnd:
        'Traceback (most recent call last):\n  File "cuda.py", line 1, in <module>\nAssertionError: Torch not compiled with CUDA enabled',
    },
  },
  {
    id: 'training-gpu-error',
    error:
      /CUDA error:? (?<what>(?!out of memory)[a-z][^\n.;:"]{2,80})|device-side assert triggered|(?:CUDNN|CUBLAS|CUSPARSE|CUFFT)_STATUS_(?<status>(?!ALLOC)\w{3,40})|CUDA_ERROR_(?<code>(?!OUT_OF_MEMORY)\w{3,40})|uncorrectable ECC|cudaError(?!MemoryAllocation)[A-Z]\w{3,40}|NVRM: Xid/i,
    cause: 'The GPU stopped with an error: {what/status/code|see the message}.',
    fix: 'After an assert or an illegal access look for a label or index out of range: CUDA_LAUNCH_BLOCKING=1 shows the line. ECC errors and Xid messages come from the hardware: run it again.',
    link: DOCS.exitCodes,
    elsewhere: {},
    example: {
      ...FAILED,
      logEnd:
        'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nRuntimeError: CUDA error: device-side assert triggered',
    },
  },
  {
    id: 'training-data-nan',
    error: /(?:Input|array|data|y|X)\b.{0,40} contains? (?:NaN|infinity|missing values)|Label contains NaN/i,
    cause: 'The training data has missing or infinite values (NaN), which this model does not take.',
    fix: 'Fill or drop them before training, or use a model that accepts them.',
    link: DOCS.describeTraining,
    kinds: {
      cause: 'The data has missing or infinite values (NaN), which this model does not take.',
      fix: 'Fill or drop them beforehand, or use a model that accepts them.',
    },
    elsewhere: {},
    example: {
      ...FAILED,
      logEnd:
        'Traceback (most recent call last):\n  File "sk.py", line 3, in <module>\nValueError: Input X contains NaN.',
    },
  },
  {
    id: 'training-nan',
    error:
      /\b(?:loss|losses|gradients?|grad|logits|weights|outputs?|scores?|activations?)\b.{0,60}\b(?:nan|inf|infinite|infinity|non-?finite)\b|\b(?:nan|inf|non-?finite)\b.{0,40}\b(?:loss|losses|gradients?|grad|logits|weights|tensor|encountered)\b|returned nan values|tensor had (?:nan|inf)|loss is probably exploding|not finite/i,
    cause: 'The training diverged: a loss or gradient became NaN or infinite.',
    fix: 'Lower the learning rate, clip gradients, warm up, and look for bad samples; with float16 try bfloat16 or loss scaling.',
    link: DOCS.describeTraining,
    kinds: { cause: 'A loss or gradient became NaN or infinite.' },
    elsewhere: {},
    example: {
      ...FAILED,
      logEnd:
        'Traceback (most recent call last):\n  File "train.py", line 88, in <module>\nRuntimeError: Loss is nan, stopping training',
    },
  },
  {
    id: 'training-script-access',
    error:
      /\((?:AccessDenied(?:Exception)?|403|UnauthorizedOperation)\) when calling the (?<operation>\w{2,60}) operation|is not authorized to perform: (?<action>[\w-]{2,40}:\w{2,60})/i,
    cause: 'The script called AWS, and the training role may not do {operation/action|what it asked for}.',
    fix: 'Grant the job’s own role that action on what the message names (also in the bucket’s or key’s policy).',
    link: DOCS.roles,
    kinds: {
      cause: 'The script called AWS, and the job’s role may not do {operation/action|what it asked for}.',
    },
    elsewhere: {
      cause:
        'The script called AWS, and whom it runs as there may not do {operation/action|what it asked for}.',
      fix: 'Grant that role or user the action on what the message names (also in the bucket’s or key’s policy).',
    },
    example: {
      ...FAILED,
      logEnd:
        'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nbotocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: Access Denied',
    },
  },
  {
    id: 'training-credentials',
    error: /Unable to locate credentials|\bNoCredentialsError\b|ProfileNotFound: The config profile/,
    cause: 'The script called AWS without credentials.',
    fix: 'A job has its role’s credentials, unless network isolation is on or the script names a profile: turn off the isolation, or remove the profile.',
    link: DOCS.roles,
    elsewhere: {
      fix: 'Give the job credentials: in its environment, or in a profile on the machine that it runs on.',
    },
    example: {
      ...FAILED,
      logEnd:
        'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\nbotocore.exceptions.NoCredentialsError: Unable to locate credentials',
    },
  },
  {
    id: 'training-arguments',
    error:
      /\berror: (?:unrecognized arguments: (?<unknown>[^\n"]{1,120})|the following arguments are required: (?<missing>[^\n"]{1,120})|argument (?<wrong>[^\n":]{1,60}): (?:invalid|expected))|\bNo such option:? (?<option>[^\n".]{1,60})/i,
    cause: 'The script does not take its command line: {unknown/missing/wrong/option|see the message}.',
    fix: 'Hyperparameters become arguments of the script: make their names and types match what its parser takes.',
    link: DOCS.hyperparameters,
    elsewhere: {
      fix: 'Make the names and types of what the job is given match what the script’s parser takes.',
    },
    example: {
      state: 'failed',
      failureReason:
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 2\nErrorMessage "usage: train.py [-h] [--epochs EPOCHS]\ntrain.py: error: unrecognized arguments: --epoch 3"\nCommand "/opt/conda/bin/python train.py --epoch 3", exit code: 2',
    },
  },
  {
    id: 'training-segmentation-fault',
    error:
      /Fatal Python error: Segmentation fault|killed by signal: Segmentation fault|terminated with signal SIGSEGV/,
    exitCodes: [139],
    cause: 'Native code crashed: a segmentation fault.',
    fix: 'Check that the native libraries match (CUDA, cuDNN, the framework), and read the last lines of the log.',
    link: DOCS.exitCodes,
    elsewhere: {},
    example: { state: 'failed', failureReason: 'AlgorithmError: Exit Code: 139' },
  },
  {
    id: 'training-illegal-instruction',
    error: /Fatal Python error: Illegal instruction/,
    exitCodes: [132],
    cause: 'Native code uses an instruction that this processor does not have.',
    fix: 'Build the libraries for the instance’s processor, or use an instance type that they were built for.',
    link: DOCS.exitCodes,
    elsewhere: {
      fix: 'Build the libraries for that machine’s processor, or run it on one that they were built for.',
    },
    example: { state: 'failed', failureReason: 'AlgorithmError: Exit Code: 132' },
  },
  {
    id: 'training-aborted',
    exitCodes: [134],
    cause: 'Native code aborted: a library’s assertion failed, or nothing caught its error.',
    fix: 'Read the last lines of the log: the library says there what went wrong.',
    link: DOCS.exitCodes,
    elsewhere: {},
    example: {
      state: 'failed',
      failureReason: 'AlgorithmError: ExecuteUserScriptError:\nExitCode -6, exit code: 1',
    },
  },
  {
    id: 'training-command',
    exitCodes: [126, 127],
    cause: 'The training command does not exist in the image, or is not executable.',
    fix: 'Check the entry point’s name and path, that it is executable, and its first line (#!).',
    link: DOCS.ownImage,
    kinds: { cause: 'The command does not exist in the image, or is not executable.' },
    elsewhere: {
      cause: 'The training command does not exist, or is not executable.',
      fix: 'Check the command’s name and path, that it is executable, and its first line (#!).',
    },
    example: { state: 'failed', failureReason: 'AlgorithmError: , exit code: 127' },
  },
  {
    id: 'training-terminated',
    exitCodes: [143],
    cause: 'The process was told to stop (SIGTERM) before it was done.',
    fix: 'Find out what stopped it: a time limit of the script’s own, a launcher after another process failed, or the machine going away.',
    link: DOCS.exitCodes,
    elsewhere: {},
    example: { state: 'failed', failureReason: 'AlgorithmError: , exit code: 143' },
  },
];
