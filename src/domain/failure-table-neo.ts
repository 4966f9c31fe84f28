/** Why Neo compilations fail. The first row that matches FailureReason counts, so the special come first. */
import { DOCS, type FailureAdvice, type ReasonRow } from './failure-tables.ts';

export const NEO_FAILURES: readonly ReasonRow[] = [
  {
    id: 'neo-model-missing',
    pattern: /S3 object does not exist/i,
    cause: 'There is no object at the model’s S3 URI.',
    fix: 'Correct the model’s S3 URI, or check that the training job really wrote its artifact.',
    link: DOCS.neoErrors,
    example:
      'ClientError: InputConfiguration: S3 object does not exist. Bucket: line-3-models, Key: resnet/output/model.tar.gz',
  },
  {
    id: 'neo-bucket-region',
    pattern: /is in region .{1,60}which is different from/i,
    cause: 'The model’s bucket is in another region than the compilation.',
    fix: 'Copy the model into a bucket of the use case’s region.',
    link: DOCS.neoErrors,
    example:
      'ClientError: InputConfiguration: Bucket line-3-models is in region us-east-1 which is different from AWS Sagemaker service region eu-west-1',
  },
  {
    id: 'neo-not-a-tar',
    pattern: /unable to untar input model/i,
    cause: 'The model is not a gzipped tar archive.',
    fix: 'Package the model file as .tar.gz (`tar -czf model.tar.gz model.pth`) and compile that.',
    link: DOCS.neoErrors,
    example:
      'ClientError: InputConfiguration: Unable to untar input model. Please confirm the model is a tar.gz file',
  },
  {
    id: 'neo-keras-files',
    pattern: /no h5 file provided|multiple h5 files provided/i,
    cause: 'A Keras archive must hold one .h5 file; this one holds none or several.',
    fix: 'Put exactly one .h5 file into the archive.',
    link: DOCS.neoErrors,
    example: 'InputConfiguration: Multiple h5 files provided, [best.h5, last.h5], when only one is allowed',
  },
  {
    id: 'neo-keras-version',
    pattern: /unable to load provided keras model/i,
    cause: 'The model was saved with a Keras version that Neo does not read.',
    fix: 'Save it with a version that Neo supports for this target.',
    link: DOCS.neoEdge,
    example:
      "ClientError: InputConfiguration: Unable to load provided Keras model. Error: 'sample_weight_mode'",
  },
  {
    id: 'neo-input-layout',
    pattern: /wrong shape.{0,200}NCHW format/is,
    cause: 'The input shape is in the other layout: channels are expected before height and width.',
    fix: 'Give DataInputConfig as NCHW (PyTorch, MXNet, ONNX, Keras); NHWC is for TensorFlow and TFLite.',
    link: DOCS.neoModel,
    example:
      'ClientError: InputConfiguration: Input input has wrong shape in Input Shape dictionary. Input shapes should be provided in NCHW format.',
  },
  {
    id: 'neo-mxnet-parameters',
    pattern: /only one parameter file is allowed/i,
    cause: 'The MXNet archive holds more than one .params file.',
    fix: 'Put exactly one .json and one .params file into the archive.',
    link: DOCS.neoErrors,
    example:
      'ClientError: InputConfiguration: Only one parameter file is allowed for MXNet model. Please make sure the framework you select is correct.',
  },
  {
    id: 'neo-tensorflow-files',
    pattern: /exactly one \.pb\b/i,
    cause: 'The TensorFlow archive holds no graph file, or several.',
    fix: 'Put exactly one .pb or .pbtxt file into the archive (a SavedModel with its variables folder).',
    link: DOCS.neoErrors,
    example: 'InputConfiguration: Exactly one .pb or .pbtxt file is allowed for TensorFlow models.',
  },
  {
    id: 'neo-pytorch-files',
    pattern: /no pth file found|exactly one \.pth\b/i,
    cause: 'The PyTorch archive holds no .pth file, or several.',
    fix: 'Put exactly one .pth or .pt file into the archive, at its top level.',
    link: DOCS.neoErrorClasses,
    example:
      'ClientError: InputConfiguration: No pth file found for PyTorch model. Please make sure the framework you select is correct.',
  },
  {
    id: 'neo-operator-missing',
    pattern: /operators? (?:are|is) not implemented|OperatorNotImplemented/i,
    cause: 'The model has an operator that Neo cannot compile for this framework, or the framework is wrong.',
    fix: 'Check the framework first; then replace the operator that the message names.',
    link: DOCS.neoErrors,
    example:
      'ClientError: InputConfiguration: TVM cannot convert Tensorflow model. Please make sure the framework you selected is correct. The following operators are not implemented: {TensorArrayV3, NonMaxSuppressionV5}',
  },
  {
    id: 'neo-operator-attribute',
    pattern: /OperatorAttribute(?:NotImplemented|Required|ValueNotValid)?/i,
    cause: 'An operator has an attribute, or a value of one, that Neo does not compile.',
    fix: 'Export the model with other settings for the operator that the message names.',
    link: DOCS.neoErrorClasses,
    example:
      'ClientError: OperatorAttributeNotImplemented: Attribute ceil_mode is not supported in operator Pooling.',
  },
  {
    id: 'neo-shape-underivable',
    pattern: /unable to extract DataInputConfig/i,
    cause: 'Neo could not read the input’s shape from the model.',
    fix: 'Give DataInputConfig; the compile log’s model-info-extraction stream tells what was found.',
    link: DOCS.neoModel,
    example:
      'ClientError: InputConfiguration: Unable to extract DataInputConfig from the model. Please provide DataInputConfig.',
  },
  {
    id: 'neo-pytorch-shape',
    pattern:
      /TVM cannot convert the PyTorch model|Invalid PyTorch model or input-shape mismatch(?!.{0,120}torch\.jit)/is,
    cause:
      'The input’s name or shape does not fit the model, or the model holds what cannot be converted (NMS).',
    fix: 'Correct DataInputConfig (names in alphabetical order); export the model without its NMS step.',
    link: DOCS.neoModel,
    example:
      'ClientError: InputConfiguration: TVM cannot convert the PyTorch model. Invalid model or input-shape mismatch. Make sure that inputs are lexically ordered and of the correct dimensionality. Traceback (most recent call last):',
  },
  {
    id: 'neo-pytorch-not-traced',
    pattern: /Invalid PyTorch model.{0,400}torch\.jit/is,
    cause: 'The file holds weights or a scripted model; Neo needs a traced one.',
    fix: 'Call model.eval(), trace it with torch.jit.trace() and save that with torch.jit.save().',
    link: DOCS.neoModel,
    example:
      'Client Error: InputConfiguration: Invalid PyTorch model or input-shape mismatch. Make sure that inputs are lexically ordered and of the correct dimensionality. Upgrade to PyTorch 1.0 and use torch.jit.trace() and torch.jit.save() to export your model. Also cast your model with eval() before exporting.',
  },
  {
    id: 'neo-pytorch-scripted',
    pattern: /No module named\W{1,6}__torch__/i,
    cause: 'The model was scripted, or traced with another PyTorch version than the one it is compiled with.',
    fix: 'Trace it instead of scripting, and give the version that it was traced with.',
    link: DOCS.neoEdge,
    example:
      "ClientError: InputConfiguration: Framework cannot load PyTorch model. No module named '__torch__'",
  },
  {
    id: 'neo-onnx-graph',
    pattern: /TVM cannot convert ONNX model/i,
    cause: 'The ONNX graph or its opset cannot be converted.',
    fix: 'Export with an opset that Neo supports, and simplify the graph.',
    link: DOCS.neoErrors,
    example:
      'ClientError: InputConfiguration: TVM cannot convert ONNX model. Please make sure the framework you selected is correct. list index out of range',
  },
  {
    id: 'neo-onnx-version',
    pattern: /Incompatible ONNX model/i,
    cause: 'The model was made with a framework or ONNX version that Neo does not read.',
    fix: 'Export it with a supported version.',
    link: DOCS.neoEdge,
    example: 'ClientError: InputConfiguration: Incompatible ONNX model',
  },
  {
    id: 'neo-tensorflow-dynamic-shape',
    pattern: /cannot load tensorflow model.{0,200}unknown TensorShape/is,
    cause: 'An input of the TensorFlow model has no fixed shape.',
    fix: 'Freeze the model with a fixed input shape and give the same in DataInputConfig.',
    link: DOCS.neoModel,
    example:
      'ClientError: InputConfiguration: Framework cannot load Tensorflow model: as_list() is not defined on an unknown TensorShape.',
  },
  {
    id: 'neo-inferentia-nothing',
    pattern: /Unable to compile model for ml_inf/i,
    cause: 'Nothing in the model can run on Inferentia.',
    fix: 'Compile for another target, or change the model’s operators.',
    link: DOCS.neoCloud,
    example:
      'CompilationError: Unable to compile model for ml_inf1: No operations were successfully partitioned and compiled to neuron for this model.',
  },
  {
    id: 'neo-role',
    pattern: /sts:AssumeRole|PassRole/i,
    cause: 'SageMaker may not take the compilation role, or the caller may not hand it over.',
    fix: 'Let the role trust sagemaker.amazonaws.com, and grant iam:PassRole for it to Signalbox’s role.',
    link: DOCS.roles,
    example:
      'ClientError: Access denied when calling sts:AssumeRole on role arn:aws:iam::123456789012:role/NeoExecution. Please ensure that the role trusts principal sagemaker.amazonaws.com.',
  },
  {
    id: 'neo-storage-access',
    pattern:
      /(?:s3|kms|bucket|object).{0,300}(?:access ?denied|forbidden|\b403\b)|(?:access ?denied|forbidden|\b403\b).{0,300}(?:s3|kms|bucket|object)/is,
    cause: 'The compilation role may not read the model, write the result, or use their KMS key.',
    fix: 'Grant it s3:GetObject on the input, s3:PutObject on the output, and kms:Decrypt and kms:GenerateDataKey on the key.',
    link: DOCS.roles,
    example:
      'ClientError: InputConfiguration: Access denied when downloading the model from S3. Bucket: line-3-models, Key: resnet/output/model.tar.gz',
  },
  {
    id: 'neo-timeout',
    pattern: /time ?out|timed out|MaxRuntimeInSeconds|maximum runtime/i,
    cause: 'The compilation took longer than MaxRuntimeInSeconds allows.',
    fix: 'Raise the use case’s compile.timeout; compilations usually take 10 to 30 minutes.',
    link: DOCS.stopping,
    example: 'ClientError: TimeOut: Compilation exceeded the allowed runtime of 900 seconds.',
  },
];

export const NEO_UNKNOWN: FailureAdvice = {
  id: 'neo-unknown',
  cause: 'Not one that Signalbox knows: what was reported says all there is.',
  fix: 'Read the compile log. A server or internal error is on AWS’s side: retry it.',
  link: DOCS.neoErrors,
};

export const NEO_STOPPED: FailureAdvice = {
  id: 'neo-stopped',
  cause: 'The compilation was stopped before it ended: somebody asked for it, or it reached its time limit.',
  fix: 'Retry it when the model is still wanted; raise the use case’s compile.timeout if it was the limit.',
  link: DOCS.stopping,
};
