/** What SageMaker itself says of a training job: its data, image, role, network, machines. The special come first. */

import type { TrainingRow } from './failure-table-training.ts';
import { DOCS } from './failure-tables.ts';

/** What SageMaker says of what it was given; words without a speaker count too. */
const CLIENT = ['client'] as const;

export const TRAINING_SERVICE_FAILURES: readonly TrainingRow[] = [
  {
    id: 'training-double-slash',
    says: CLIENT,
    reason: /illegal char sub-sequence '?\/\//i,
    cause: 'An S3 key of the input has two slashes in a row.',
    fix: 'Remove the double slash from the prefix. Usually it ends in a slash and a second one was appended.',
    link: DOCS.s3Source,
    example: {
      state: 'failed',
      failureReason:
        "ClientError: Data download failed:Failed to download data. S3 key: s3://line-3-data/shared//train/requirements.txt has an illegal char sub-sequence '//' in it",
    },
  },
  {
    id: 'training-volume-full',
    says: CLIENT,
    reason: /insufficient disk space|no space left on device/i,
    error: /no space left on device|disk quota exceeded|PytorchStreamWriter failed writing file/i,
    notError: /\/dev\/shm|<?\/torch_\d|shared memory|nccl-/i,
    notFrames: /SemLock|_share_(?:fd|filename)_/,
    cause: 'The instance’s storage volume is full.',
    fix: 'Raise VolumeSizeInGB, keep fewer checkpoints, or stream the data (FastFile mode) instead of copying it.',
    link: DOCS.resources,
    elsewhere: {
      cause: 'The disk that the job writes to is full.',
      fix: 'Free space on the disk that the message names, keep fewer checkpoints, or write them to another one.',
    },
    example: {
      state: 'failed',
      failureReason:
        'ClientError: Artifact upload failed: Insufficient disk space. Please increase the volume size or write less to /opt/ml/model.',
    },
  },
  {
    id: 'training-vpc-s3',
    says: CLIENT,
    reason: /route to an S3 VPC endpoint|subnet's route table|network ACL allow outbound traffic/i,
    cause: 'The job’s subnet has no route to S3.',
    fix: 'Add an S3 gateway endpoint (or a NAT device) to the subnet’s route table, and let the security groups and the network ACL pass traffic to S3.',
    link: DOCS.vpc,
    example: {
      state: 'failed',
      failureReason:
        "ClientError: Artifact upload failed:Please ensure that the subnet's route table has a route to an S3 VPC endpoint or a NAT device, and both the security groups and the subnet's network ACL allow outbound traffic to S3",
    },
  },
  {
    id: 'training-network-rights',
    says: CLIENT,
    reason:
      /\bec2:[A-Z]\w+|\b(?:Create|Delete)NetworkInterface|\bDescribe(?:Subnets|Vpcs|SecurityGroups|DhcpOptions|NetworkInterfaces)\b|\b(?:EC2|VPC)\b.{0,80}(?:permission|not authorized)|(?:permission|not authorized).{0,80}\b(?:EC2|VPC)\b/,
    cause: 'The training role may not create the network interfaces that a job in a VPC needs.',
    fix: 'Grant the role the EC2 actions that a job in a VPC needs: ec2:CreateNetworkInterface, ec2:CreateNetworkInterfacePermission, ec2:DeleteNetworkInterface, and ec2:Describe… for subnets, VPCs and security groups.',
    link: DOCS.roles,
    kinds: { cause: 'The job’s role may not create the network interfaces that a job in a VPC needs.' },
    example: {
      state: 'failed',
      failureReason:
        'ClientError: Access denied when calling EC2 CreateNetworkInterface. Please ensure that the role has the necessary EC2 permissions.',
    },
  },
  {
    id: 'training-subnet-addresses',
    says: CLIENT,
    reason:
      /InsufficientFreeAddresses|(?:not enough|insufficient|no) (?:free |available ){0,2}(?:private )?(?:ip )?addresses/i,
    cause: 'The subnet has no free IP addresses left for the job’s machines.',
    fix: 'Give the job a larger subnet, or more of them, or wait for other jobs to end.',
    link: DOCS.vpc,
    example: {
      state: 'failed',
      failureReason:
        'ClientError: Subnet subnet-0a1b2c3d has insufficient free IP addresses to satisfy the request.',
    },
  },
  {
    id: 'training-role',
    says: CLIENT,
    reason: /(?:unable to|could not|cannot|failed to) assume (?:the )?role|sts:AssumeRole|iam:PassRole/i,
    cause: 'SageMaker cannot assume the training role: it does not exist, or does not trust SageMaker.',
    fix: 'Check the role’s full ARN (with service-role/ in its path, if it has one), and that it trusts sagemaker.amazonaws.com.',
    link: DOCS.roles,
    kinds: {
      cause: 'SageMaker cannot assume the job’s role: it does not exist, or does not trust SageMaker.',
    },
    example: {
      state: 'failed',
      failureReason:
        "ClientError: SageMaker was unable to assume the role 'arn:aws:iam::123456789012:role/SageMakerRole'",
    },
  },
  {
    id: 'training-data-missing',
    says: CLIENT,
    reason:
      /matched no (?:files|objects)|no S3 objects found under S3 URL\s{0,3}["']?(?<uri>s3:\/\/[^\s"']{1,300})?|data download failed.{0,400}(?:NoSuchKey|NoSuchBucket|does not exist|\(404\)|not found)|(?:NoSuchKey|NoSuchBucket).{0,400}data download failed|no file found in path/is,
    cause: 'There are no objects where the job’s input should be.',
    fix: 'Check {uri|the S3 URI that the message names} (letter case, trailing slash, region), and that the role may list the bucket (s3:ListBucket).',
    link: DOCS.s3Source,
    example: {
      state: 'failed',
      failureReason:
        'ClientError: Data download failed:NoSuchKey (404): S3 key matched no files on s3: s3://line-3-data/train/',
    },
  },
  {
    id: 'training-data-access',
    says: CLIENT,
    reason: /data download failed.{0,600}(?:access ?denied|\b403\b|forbidden)/is,
    cause:
      'The training role may not read the input: its own policy, the bucket’s or the KMS key’s does not allow it.',
    fix: 'Grant the role s3:GetObject and s3:ListBucket on the input, and kms:Decrypt on its KMS key.',
    link: DOCS.roles,
    kinds: {
      cause:
        'The job’s role may not read the input: its own policy, the bucket’s or the KMS key’s does not allow it.',
    },
    example: {
      state: 'failed',
      failureReason:
        'ClientError: Data download failed:Failed to download data. AccessDenied (403): Access Denied when accessing s3://line-3-data/train/',
    },
  },
  {
    id: 'training-data-download',
    says: CLIENT,
    reason: /data download failed/i,
    cause: 'SageMaker could not download the input.',
    fix: 'Check the input’s S3 URIs or file system, what the role may read, and whether the volume is large enough.',
    link: DOCS.s3Source,
    example: {
      state: 'failed',
      failureReason:
        'ClientError: Data download failed:Failed to download data. Connection to the file system timed out.',
    },
  },
  {
    id: 'training-image-start',
    says: CLIENT,
    reason:
      /executable file not found in \$PATH|exec format error|OCI runtime create failed|permission denied.{0,40}\btrain\b/i,
    cause:
      'The training image was pulled but does not start: it has no train program, or was built for another processor.',
    fix: 'Put an executable train on the image’s PATH (or set an entry point), built for linux/amd64 unless the instance is Graviton.',
    link: DOCS.ownImage,
    kinds: {
      cause:
        'The image was pulled but does not start: its entry point is not there, or it was built for another processor.',
      fix: 'Set an entry point that is in the image, built for linux/amd64 unless the instance is Graviton.',
    },
    example: {
      state: 'failed',
      failureReason:
        'ClientError: Artifact upload failed:API error (400): OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "train": executable file not found in $PATH: unknown',
    },
  },
  {
    id: 'training-image',
    says: CLIENT,
    reason:
      /cannot pull algorithm container|CannotPullContainer|\bmanifest (?:for .{1,300}not found|unknown)|requested image .{0,200}not found|pull access denied/is,
    cause:
      'The training image cannot be pulled: wrong URI or tag, no permission in ECR, or larger than the volume.',
    fix: 'Check the URI, the tag and the repository’s policy; for a very large image raise VolumeSizeInGB.',
    link: DOCS.imagePolicy,
    kinds: {
      cause: 'The image cannot be pulled: wrong URI or tag, no permission in ECR, or larger than the volume.',
    },
    example: {
      state: 'failed',
      failureReason:
        'ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are incorrect.',
    },
  },
  {
    id: 'training-output-access',
    says: CLIENT,
    reason:
      /(?:artifact )?upload failed.{0,600}(?:access ?denied|\b403\b|forbidden|kms|NoSuchBucket|does not exist)/is,
    cause:
      'The training ran, but its result could not be written: the role’s, the bucket’s or the KMS key’s policy does not allow it, or the bucket does not exist.',
    fix: 'Grant the role s3:PutObject on the output path and kms:GenerateDataKey on its KMS key; check the bucket’s name and region.',
    link: DOCS.roles,
    kinds: {
      cause:
        'The job ran, but its result could not be written: the role’s, the bucket’s or the KMS key’s policy does not allow it, or the bucket does not exist.',
    },
    example: {
      state: 'failed',
      failureReason:
        'ClientError: Artifact upload failed:AccessDenied (403): Access Denied when writing to s3://line-3-models/train-resnet/output/',
    },
  },
  {
    id: 'training-artifact-upload',
    says: CLIENT,
    reason: /artifact upload failed/i,
    cause: 'The training ran, but SageMaker could not upload its result.',
    fix: 'Check the output path, what the role may write there, the volume’s free space, and what the script writes to /opt/ml/model.',
    link: DOCS.output,
    kinds: {
      cause: 'The job ran, but SageMaker could not upload its result.',
      fix: 'Check the output path, what the role may write there, the volume’s free space, and what the script writes where the output is taken from.',
    },
    example: {
      state: 'failed',
      failureReason: 'ClientError: Artifact upload failed: no route to S3',
    },
  },
  {
    id: 'training-gpu-needed',
    says: CLIENT,
    reason: /use a GPU instance|requires? (?:a )?GPU instance/i,
    cause: 'This algorithm runs only on GPU instances.',
    fix: 'Choose an instance type with a GPU.',
    link: DOCS.resources,
    example: { state: 'failed', failureReason: 'ClientError: Please use a GPU instance for training' },
  },
  {
    id: 'training-channel',
    says: CLIENT,
    reason:
      /["'“]?(?<channel>\b(?!The\b|A\b|data\b|input\b)[A-Za-z][\w-]{0,40})["'”]? (?:data |input )?channel (?:is|was) (?:not (?:specified|found|given|provided)|missing|required)|\bchannel ["'“]?(?<named>[A-Za-z][\w-]{0,40})["'”]? (?:(?:is|was) )?(?:not (?:specified|found|given|provided)|missing|required)|(?:missing|no) ["'“](?<lacking>[A-Za-z][\w-]{0,40})["'”] (?:data |input )?channel|["'](?<required>train|validation|test|training|model)["'] is a required property|(?:missing|required|no) (?:input )?channel/i,
    error:
      /KeyError: ['"]SM_CHANNEL_[A-Z0-9_]{1,40}|No such file or directory:? ['"]?\/opt\/ml\/input\/data\/(?<folder>[\w-]{1,60})['"\s]|no file found in path \/opt\/ml\/input\/data\/(?<path>[\w-]{1,60})/,
    cause:
      'The algorithm reads an input channel that the job does not have: {channel/named/lacking/required/folder/path|see the message}.',
    fix: 'Give the job an input channel of exactly that name (train and training are not the same).',
    link: DOCS.channels,
    kinds: {
      cause:
        'The script reads an input that the job does not have: {channel/named/lacking/required/folder/path|see the message}.',
      fix: 'Give the job an input of exactly that name and path.',
    },
    elsewhere: {
      cause:
        'The script reads an input folder that is not there: {channel/named/lacking/required/folder/path|see the message}.',
      fix: 'Tell the script where its data is: by the argument or the variable that the message names.',
    },
    example: { state: 'failed', failureReason: 'ClientError: train channel is not specified.' },
  },
  {
    id: 'training-hyperparameter',
    says: CLIENT,
    reason: /hyper-?\s?parameters?\b|ValidationError/i,
    cause: 'The algorithm rejected a hyperparameter or a setting of the input.',
    fix: 'Correct what the message names (the algorithm’s page lists what it takes), then run it again.',
    link: DOCS.algorithms,
    example: {
      state: 'failed',
      failureReason:
        "ClientError: Unable to initialize the algorithm. Failed to validate hyperparameters. (caused by ValidationError) 'many' is not of type 'integer'",
    },
  },
  {
    id: 'training-capacity',
    says: ['capacity', ...CLIENT],
    reason:
      /^\W{0,10}(?:Capacity|Insufficient\w{0,20}Capacity)\w{0,20}|InsufficientInstanceCapacity|unable to provision requested ML compute capacity|do(?:es)? not have (?:sufficient|enough) .{1,60}capacity/i,
    cause: 'AWS has no capacity for this instance type at the moment.',
    fix: 'Run it again later, with another instance type, or in a subnet of another zone.',
    link: DOCS.resources,
    example: {
      state: 'failed',
      failureReason:
        'CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.',
    },
  },
  {
    id: 'training-quota',
    says: ['quota', ...CLIENT],
    reason: /ResourceLimitExceeded|account-level service limit '(?<limit>[^']{1,120})'|service quota/i,
    cause: 'The account’s quota for this instance type is used up.',
    fix: 'Wait for other jobs to end, use another type, or raise the quota in Service Quotas.',
    link: DOCS.quotas,
    example: {
      state: 'failed',
      failureReason:
        "ResourceLimitExceeded: The account-level service limit 'ml.p3.2xlarge for training job usage' is 1 Instances, with current utilization of 1 Instances and a request delta of 1 Instances.",
    },
  },
  {
    id: 'training-internal',
    says: ['service'],
    reason:
      /^\W{0,10}(?:Internal\s?)?(?:Server|Service)\s?(?:Error|Exception)|^\W{0,10}(?:Internal (?:server|service) error|We encountered an internal error|InternalFailure|InternalError|ServiceUnavailable|System ?Error:)/i,
    cause: 'AWS had a fault of its own.',
    fix: 'Run it again. With a RetryStrategy the job does that by itself.',
    link: DOCS.retries,
    example: {
      state: 'failed',
      failureReason: 'InternalServerError: We encountered an internal error. Please try again.',
    },
  },
];
