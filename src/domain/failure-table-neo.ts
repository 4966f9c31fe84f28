/** Why Neo compilations fail. The first row that matches FailureReason counts, so the special come first. */
import { DOCS, type FailureAdvice, type ReasonRow } from './failure-tables.ts';

export const NEO_FAILURES: readonly ReasonRow[] = [
  {
    id: 'neo-server',
    says: ['service'],
    pattern: /^\W{0,5}(?:Internal\s?)?Server\s?(?:Error|Exception)|internal (?:server|service) error/i,
    cause: 'Neo had an internal error: a passing fault of the service, or a model that it cannot handle.',
    fix: 'Retry. If it fails the same way again, the model is the cause: check its framework, version and fixed input shapes, and read the compile log.',
    link: DOCS.neoErrors,
    example:
      'ServerError: There was an internal server error during the compilation job, please try again in a few minutes or contact support.',
  },
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
    pattern:
      /operators? (?:are|is) not (?:implemented|supported)(?:\W{0,5}(?:\{|\[)(?<operators>[^{}[\]]{1,400}))?|OperatorNotImplemented/i,
    cause: 'The model has an operator that Neo cannot compile for this framework, or the framework is wrong.',
    fix: 'Check the framework first; then replace {operators|the operator that the message names}.',
    link: DOCS.neoErrors,
    example:
      'ClientError: InputConfiguration: TVM cannot convert Tensorflow model. Please make sure the framework you selected is correct. The following operators are not implemented: {TensorArrayV3, NonMaxSuppressionV5}',
  },
  {
    id: 'neo-operator-attribute',
    pattern:
      /OperatorAttribute(?:NotImplemented|Required|ValueNotValid)?(?:.{0,200}\boperator (?<operator>\w{2,60}))?/is,
    cause: 'An operator has an attribute, or a value of one, that Neo does not compile.',
    fix: 'Export the model with other settings for {operator|the operator that the message names}.',
    link: DOCS.neoErrorClasses,
    example:
      'ClientError: OperatorAttributeNotImplemented: Attribute ceil_mode is not supported in operator Pooling.',
  },
  {
    id: 'neo-shape-underivable',
    pattern: /unable to extract DataInputConfig/i,
    cause: 'Neo could not read the input’s shape from the model.',
    fix: 'Give DataInputConfig; the compile log’s model-info-extraction stream shows what was found.',
    link: DOCS.neoModel,
    example:
      'ClientError: InputConfiguration: Unable to extract DataInputConfig from the model. Please provide DataInputConfig.',
  },
  {
    id: 'neo-pytorch-shape',
    pattern:
      /TVM cannot convert the PyTorch model|Invalid PyTorch model or input-shape mismatch(?!.{0,120}torch\.jit)/is,
    cause:
      'The input’s name or shape does not fit the model, or the model holds a step that cannot be converted (often NMS).',
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
    fix: 'Trace it instead of scripting it, and give the framework version that it was traced with.',
    link: DOCS.neoEdge,
    example:
      "ClientError: InputConfiguration: Framework cannot load PyTorch model. No module named '__torch__'",
  },
  {
    id: 'neo-pytorch-file-version',
    pattern: /maximum supported version for reading is \d/i,
    cause: 'The model was saved with a newer PyTorch than the one that Neo reads it with.',
    fix: 'Trace and save it with a PyTorch version that Neo supports for this target, and give that version (frameworkVersion).',
    link: DOCS.neoEdge,
    example:
      "ClientError: InputConfiguration: Unable to load PyTorch model: version_ <= kMaxSupportedFileFormatVersion INTERNAL ASSERT FAILED. Attempted to read a PyTorch file with version 10, but the maximum supported version for reading is 6. Your PyTorch installation may be too old.')",
  },
  {
    id: 'neo-framework-version',
    pattern:
      /unsupported framework ?version|framework ?version.{0,80}(?:not (?:supported|valid|allowed)|invalid|unsupported|required)|(?:PyTorch|Tensor ?Flow|TFLite|Keras|ONNX|MXNet|XGBoost|Darknet) (?:version )?\d[\w.]{0,12} is not supported|(?:does not|doesn't) support (?:the )?framework ?version/is,
    cause: 'This target does not take the framework version that was given, or needs one and got none.',
    fix: 'Give a version that Neo supports for this target, or none where the target takes none.',
    link: DOCS.neoEdge,
    example:
      'ClientError: An error occurred (ValidationException) when calling the CreateCompilationJob operation: Unsupported framework version field for target',
  },
  {
    id: 'neo-model-type',
    pattern: /unable to determine the type of the model/i,
    cause: 'Neo cannot tell from the files which framework the model is from.',
    fix: 'Check the framework, and that the archive holds the model in the format that Neo expects for it.',
    link: DOCS.neoModel,
    example:
      'ClientError: InputConfiguration: Unable to determine the type of the model, i.e. the source framework. Please provide the value of argument "source".',
  },
  {
    id: 'neo-onnx-graph',
    pattern: /TVM cannot convert (?:the )?ONNX model/i,
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
    id: 'neo-incompatible-model',
    pattern: /Incompatible (?<framework>[A-Za-z]{2,20}) model/i,
    cause:
      'Neo cannot read the {framework|given} model: it was saved with a version, or in a form, that Neo does not support.',
    fix: 'Save it with a version that Neo supports for this target, in the form that Neo expects (TensorFlow: a frozen graph, or a SavedModel for serving) with fixed input shapes.',
    link: DOCS.neoModel,
    example: 'ClientError: InputConfiguration: Incompatible Tensorflow model',
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
    id: 'neo-tflite-inputs',
    pattern: /unable to infer tensor data type|specify all input layers in data_?shape/i,
    cause: 'DataInputConfig does not name every input of the model, or names one differently.',
    fix: 'Give all inputs in DataInputConfig with the names that the model has.',
    link: DOCS.neoModel,
    example:
      'ClientError: InputConfiguration: Framework cannot load TFLite model. Unable to infer tensor data type for all inputs/outputs: Please specify all input layers in data_shape.',
  },
  {
    id: 'neo-cannot-convert',
    pattern:
      /TVM cannot convert (?:the )?(?<converted>[A-Za-z]{2,20}) model|(?:Framework cannot load|Unable to load)(?: the| provided)? (?<loaded>[A-Za-z]{2,20}) model/i,
    cause:
      'Neo could not read or convert the model: wrong framework or version, or inputs that do not match it.',
    fix: 'Check the framework and its version, then the names and shapes in DataInputConfig; the compile log shows the layer where it stopped.',
    link: DOCS.neoErrors,
    example:
      'ClientError: InputConfiguration: TVM cannot convert MXNet model. Please make sure the framework you selected is correct. Error in operator transformer0: shape mismatch',
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
    pattern: /sts:AssumeRole|PassRole|(?:unable to|could not|cannot|failed to) assume (?:the )?role/i,
    cause: 'SageMaker may not assume the compilation role, or Signalbox may not pass it on.',
    fix: 'Let the role trust sagemaker.amazonaws.com, and grant iam:PassRole for it to Signalbox’s role.',
    link: DOCS.roles,
    example:
      'ClientError: Access denied when calling sts:AssumeRole on role arn:aws:iam::123456789012:role/NeoExecution. Please ensure that the role trusts principal sagemaker.amazonaws.com.',
  },
  {
    id: 'neo-storage-access',
    pattern:
      /\b(?:s3|kms|bucket|(?:Get|Put|Head)?Object)\b.{0,300}(?:access ?denied|forbidden|\(403\)|status code:? 403)|(?:access ?denied|forbidden|\(403\)|status code:? 403).{0,300}\b(?:s3|kms|bucket|(?:Get|Put|Head)Object)\b/is,
    cause: 'The compilation role may not read the model, write the result, or use their KMS key.',
    fix: 'Grant it s3:GetObject on the input, s3:PutObject on the output, and kms:Decrypt and kms:GenerateDataKey on the key.',
    link: DOCS.roles,
    example:
      'ClientError: InputConfiguration: Access denied when downloading the model from S3. Bucket: line-3-models, Key: resnet/output/model.tar.gz',
  },
  {
    id: 'neo-timeout',
    pattern: /\bTime ?Out\b|timed out|MaxRuntimeInSeconds|maximum runtime/i,
    cause: 'The compilation took longer than MaxRuntimeInSeconds allows.',
    fix: 'Raise the use case’s compile.timeout; compilations usually take 10 to 30 minutes.',
    link: DOCS.stopping,
    example: 'ClientError: TimeOut: Compilation exceeded the allowed runtime of 900 seconds.',
  },
  {
    id: 'neo-compiler',
    pattern: /^\W{0,5}CompilationError/i,
    cause: 'Neo read the model, but its compiler could not build it for this target.',
    fix: 'Read the compile log for the layer where it stopped; export the model without it, or compile for another target.',
    link: DOCS.neoErrors,
    example: 'CompilationError: Compilation failed: Check failed: ok: Unable to lower op nn.conv3d_transpose',
  },
  {
    id: 'neo-input',
    pattern: /InputConfiguration\b/i,
    cause:
      'Neo rejected its input: the model, its framework and version, or DataInputConfig. The service itself is fine.',
    fix: 'Correct what the message names, then retry; unchanged, it will fail again. The compile log has the details.',
    link: DOCS.neoErrors,
    example: 'ClientError: InputConfiguration: Unexpected number of nodes in the graph.',
  },
  {
    id: 'neo-output',
    pattern: /OutputConfiguration\b/i,
    cause: 'Neo rejected the output side: the output location, the target, or its compiler options.',
    fix: 'Correct what the message names in the target or in compile.outputS3, then retry; unchanged, it will fail again.',
    link: DOCS.neoOutput,
    example: 'ClientError: OutputConfiguration: Unsupported compiler option gpu-code for this target.',
  },
  {
    id: 'neo-client',
    says: ['client'],
    pattern: /^\W{0,5}Client\s?Error/i,
    cause: 'SageMaker rejected something about the request or the model. The service itself is fine.',
    fix: 'Correct what the message names, then retry; unchanged, it will fail again.',
    link: DOCS.neoErrors,
    example: 'ClientError: The given output location is not a valid S3 URI.',
  },
];

export const NEO_UNKNOWN: FailureAdvice = {
  id: 'neo-unknown',
  cause: 'Signalbox does not know this failure.',
  fix: 'Read the last lines of the compile log, which show where it stopped. Then retry once, in case it was a fault of AWS’s.',
  link: DOCS.neoErrors,
};

export const NEO_STOPPED: FailureAdvice = {
  id: 'neo-stopped',
  cause: 'The compilation was stopped before it was done: on request, or at its time limit.',
  fix: 'Retry it if you still need the model; raise the use case’s compile.timeout if it was the limit.',
  link: DOCS.stopping,
};
