/** boto3 and the AWS CLI, as processes of their own, on S3, training, Neo and Greengrass. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BUCKET, edgeSandbox, FAR_BUCKET, NEO_ROLE } from './edge-support.ts';
import { clientEnvironment, hasBoto3, hasCli, python, run } from './other-clients.ts';
import { ACCOUNT, EXTERNAL_ID, REGION, ROLE_ARN } from './support.ts';

/** Every look at the clock takes two seconds, so that whoever polls sees time pass; the world's own looks are off. */
function impatientClock() {
  let at = Date.now();
  return { now: () => (at += 2000) };
}

const COMPILE = `
import boto3, json
from botocore.exceptions import ClientError
sm = boto3.client("sagemaker")
def create(name, **changes):
    return sm.create_compilation_job(CompilationJobName=name, RoleArn="${NEO_ROLE}",
        InputConfig={"S3Uri": "s3://${BUCKET}/m/model.tar.gz", "Framework": "PYTORCH", "DataInputConfig": '{"input":[1,3,224,224]}', **changes},
        OutputConfig={"S3OutputLocation": "s3://${BUCKET}/out", "TargetPlatform": {"Os": "LINUX", "Arch": "X86_64"}},
        StoppingCondition={"MaxRuntimeInSeconds": 900})
out = {"arn": create("boto-1")["CompilationJobArn"]}
seen = []
while not seen or seen[-1] not in ("COMPLETED", "FAILED"):
    job = sm.describe_compilation_job(CompilationJobName="boto-1")
    if job["CompilationJobStatus"] not in seen: seen.append(job["CompilationJobStatus"])
out["seen"] = seen
out["seconds"] = (job["CompilationEndTime"] - job["CompilationStartTime"]).total_seconds()
bucket, key = job["ModelArtifacts"]["S3ModelArtifacts"][5:].split("/", 1)
out["size"] = boto3.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"]
try: create("boto-1")
except ClientError as error: out["again"] = error.response["Error"]["Code"]
try: sm.describe_compilation_job(CompilationJobName="none")
except sm.exceptions.ResourceNotFound as error: out["none"] = error.response["Error"]["Message"]
create("boto-2"); sm.stop_compilation_job(CompilationJobName="boto-2")
out["names"] = [s["CompilationJobName"] for page in sm.get_paginator("list_compilation_jobs").paginate(SortBy="Name", PaginationConfig={"PageSize": 1}) for s in page["CompilationJobSummaries"]]
print(json.dumps(out))
`;

const TRAIN = `
import boto3, json
from botocore.exceptions import ClientError
sm = boto3.client("sagemaker")
def create(name, **changes):
    return sm.create_training_job(**{"TrainingJobName": name, "RoleArn": "arn:aws:iam::${ACCOUNT}:role/TrainingExecution",
        "AlgorithmSpecification": {"TrainingImage": "repository/image:1", "TrainingInputMode": "File"},
        "HyperParameters": {"epochs": "1", "image-size": "2048", "batch-size": "8"},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://${BUCKET}/data/"}}}],
        "OutputDataConfig": {"S3OutputPath": "s3://${BUCKET}/out"}, "Environment": {"STAGE": "night"},
        "ResourceConfig": {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600}, **changes})
def end(name):
    while True:
        job = sm.describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] in ("Completed", "Failed"): return job
create("boto-1", Tags=[{"Key": "owner", "Value": "ada"}])
old = end("boto-1")
out = {"first": old["TrainingJobStatus"]}
# As people repeat a job by script: what is described is what is asked for.
again = {key: old[key] for key in ("AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition", "Environment")}
create("boto-2", **again, HyperParameters={**old["HyperParameters"], "batch-size": "4"}, Tags=sm.list_tags(ResourceArn=old["TrainingJobArn"])["Tags"])
new = end("boto-2")
out.update(second=new["TrainingJobStatus"], stage=new["Environment"], tags=sm.list_tags(ResourceArn=new["TrainingJobArn"])["Tags"])
for key, call in {"taken": lambda: create("boto-1"), "quota": lambda: create("big", ResourceConfig={"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1})}.items():
    try: call()
    except ClientError as error: out[key] = error.response["Error"]["Code"]
print(json.dumps(out))
`;

const STORE = `
import boto3, hashlib, io, json, os, re, urllib.request, urllib.error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
s3 = boto3.client("s3")
data = os.urandom(400_000)
s3.put_object(Bucket="${BUCKET}", Key="a b/ä+.bin", Body=data, Metadata={"job": "x"})
out = {"same": s3.get_object(Bucket="${BUCKET}", Key="a b/ä+.bin")["Body"].read() == data}
out["range"] = s3.get_object(Bucket="${BUCKET}", Key="a b/ä+.bin", Range="bytes=10-19")["Body"].read() == data[10:20]
large = os.urandom(11_000_000)
s3.upload_fileobj(io.BytesIO(large), "${BUCKET}", "large", Config=TransferConfig(multipart_threshold=6_000_000, multipart_chunksize=6_000_000))
back = io.BytesIO(); s3.download_fileobj("${BUCKET}", "large", back)
out["large"] = hashlib.sha256(back.getvalue()).hexdigest() == hashlib.sha256(large).hexdigest()
out["keys"] = [o["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="${BUCKET}", PaginationConfig={"PageSize": 1}) for o in page["Contents"]]
v4 = boto3.client("s3", config=Config(signature_version="s3v4"))
link = v4.generate_presigned_url("get_object", Params={"Bucket": "${BUCKET}", "Key": "a b/ä+.bin"}, ExpiresIn=900)
out["link"] = urllib.request.urlopen(link).read() == data
try: urllib.request.urlopen(link.replace("X-Amz-Expires=900", "X-Amz-Expires=901"))
except urllib.error.HTTPError as error: out["changed"] = [error.code, "SignatureDoesNotMatch" in error.read().decode()]
session = boto3.client("sts").assume_role(RoleArn="${ROLE_ARN}", RoleSessionName="links", ExternalId="${EXTERNAL_ID}")["Credentials"]
theirs = boto3.client("s3", aws_access_key_id=session["AccessKeyId"], aws_secret_access_key=session["SecretAccessKey"], aws_session_token=session["SessionToken"])
params = {"Bucket": "${BUCKET}", "Key": "a b/ä+.bin", "ResponseContentDisposition": "attachment; filename=x"}
old = s3.generate_presigned_url("get_object", Params=params, ExpiresIn=900)
answer = urllib.request.urlopen(old)
out["old"] = ["AWSAccessKeyId" in old, answer.read() == data, answer.headers["content-disposition"]]
def refused(link):
    try: urllib.request.urlopen(link)
    except urllib.error.HTTPError as error: return [error.code, re.search("<Code>(.*)</Code><Message>([^.<]*)", error.read().decode()).groups()]
out["oldChanged"] = refused(old.replace("filename%3Dx", "filename%3Dy"))
out["oldExpired"] = refused(s3.generate_presigned_url("get_object", Params=params, ExpiresIn=-5))
out["oldTheirs"] = refused(theirs.generate_presigned_url("get_object", Params=params))
try: s3.get_object(Bucket="${BUCKET}", Key="none")
except s3.exceptions.NoSuchKey: out["none"] = True
out["elsewhere"] = s3.head_bucket(Bucket="${FAR_BUCKET}")["ResponseMetadata"]["HTTPStatusCode"]
out["location"] = s3.get_bucket_location(Bucket="${BUCKET}")["LocationConstraint"]
s3.delete_objects(Bucket="${BUCKET}", Delete={"Objects": [{"Key": "large"}]})
print(json.dumps(out))
`;

const COMPONENTS = `
import boto3, json
gg = boto3.client("greengrassv2")
recipe = {"RecipeFormatVersion": "2020-01-25", "ComponentName": "model-a", "ComponentVersion": "1.0.0",
    "Manifests": [{"Platform": {"os": "linux"}, "Artifacts": [{"URI": "s3://${BUCKET}/m/model.tar.gz"}]}]}
made = gg.create_component_version(inlineRecipe=json.dumps(recipe).encode(), clientToken="t-1", tags={"job": "x"})
again = gg.create_component_version(inlineRecipe=json.dumps(recipe).encode(), clientToken="t-1", tags={"job": "x"})
seen = [made["status"]["componentState"]]
while seen[-1] not in ("DEPLOYABLE", "FAILED"):
    state = gg.describe_component(arn=made["arn"])["status"]["componentState"]
    if state not in seen: seen.append(state)
out = {"seen": seen, "same": again["arn"] == made["arn"]}
out["recipe"] = json.loads(gg.get_component(arn=made["arn"], recipeOutputFormat="JSON")["recipe"])["ComponentName"]
try: gg.create_component_version(inlineRecipe=json.dumps(recipe).encode())
except gg.exceptions.ConflictException as error: out["conflict"] = error.response["message"] if "message" in error.response else error.response["Error"]["Message"]
out["components"] = [c["componentName"] for page in gg.get_paginator("list_components").paginate() for c in page["components"]]
out["devices"] = [d["coreDeviceThingName"] for page in gg.get_paginator("list_core_devices").paginate(PaginationConfig={"PageSize": 1}) for d in page["coreDevices"]]
made = gg.create_deployment(targetArn="arn:aws:iot:${REGION}:${ACCOUNT}:thing/cam-1", components={"model-a": {"componentVersion": "1.0.0"}})
while gg.get_deployment(deploymentId=made["deploymentId"])["deploymentStatus"] == "ACTIVE": pass
out["installed"] = [[c["componentName"], c["lifecycleState"]] for c in gg.list_installed_components(coreDeviceThingName="cam-1", topologyFilter="ALL")["installedComponents"]]
gg.delete_component(arn=again["arn"])
print(json.dumps(out))
`;

describe('[O7] boto3 works on S3, training, Neo and Greengrass', () => {
  it.skipIf(!hasBoto3)(
    'compiles, follows, stops and lists (needs boto3)',
    async () => {
      const aws = await edgeSandbox({ clock: impatientClock(), eventTickMs: 0 });
      expect(await python(COMPILE, aws)).toEqual({
        arn: `arn:aws:sagemaker:${REGION}:${ACCOUNT}:compilation-job/boto-1`,
        seen: ['STARTING', 'INPROGRESS', 'COMPLETED'],
        seconds: 30,
        size: expect.any(Number),
        again: 'ResourceInUse',
        none: 'Requested resource not found.',
        names: ['boto-1', 'boto-2'],
      });
    },
    60_000,
  );

  it.skipIf(!hasBoto3)(
    'trains, fails for want of memory, and trains again with a smaller batch (needs boto3)',
    async () => {
      const aws = await edgeSandbox({ clock: impatientClock(), eventTickMs: 0 });
      expect(await python(TRAIN, aws)).toEqual({
        first: 'Failed',
        second: 'Completed',
        stage: { STAGE: 'night' },
        tags: [{ Key: 'owner', Value: 'ada' }],
        taken: 'ResourceInUse',
        quota: 'ResourceLimitExceeded',
      });
    },
    60_000,
  );

  it.skipIf(!hasBoto3)(
    'stores, reads, lists, links and follows buckets (needs boto3)',
    async () => {
      const aws = await edgeSandbox();
      expect(await python(STORE, aws)).toEqual({
        same: true,
        range: true,
        large: true,
        keys: ['a b/ä+.bin', 'large', 'm/model.tar.gz'],
        link: true,
        changed: [403, true],
        old: [true, true, 'attachment; filename=x'],
        oldChanged: [
          403,
          [
            'SignatureDoesNotMatch',
            expect.stringMatching(/^The request signature we calculated does not match/),
          ],
        ],
        oldExpired: [403, ['AccessDenied', 'Request has expired']],
        oldTheirs: [
          403,
          ['AccessDenied', expect.stringMatching(/is not authorized to perform: s3:GetObject/)],
        ],
        none: true,
        elsewhere: 200,
        location: REGION,
      });
    },
    60_000,
  );

  it.skipIf(!hasBoto3)(
    'makes a component, deploys it and sees it on a device (needs boto3)',
    async () => {
      const device = {
        name: 'cam-1',
        architecture: 'amd64' as const,
        coreVersion: '2.12.6',
        status: 'HEALTHY' as const,
        reportedAt: 0,
        groups: [],
        installed: [],
      };
      const devices = [device, { ...device, name: 'cam-2' }];
      const aws = await edgeSandbox({ clock: impatientClock(), eventTickMs: 0 }, { devices });
      expect(await python(COMPONENTS, aws)).toEqual({
        seen: ['REQUESTED', 'INITIATED', 'DEPLOYABLE'],
        same: true,
        recipe: 'model-a',
        conflict: `Component [model-a : 1.0.0] for account [${ACCOUNT}] already exists with state: [DEPLOYABLE]`,
        components: ['model-a'],
        devices: ['cam-1', 'cam-2'],
        installed: [['model-a', 'FINISHED']],
      });
    },
    60_000,
  );
});

describe('[O7] the AWS CLI works on S3 and Greengrass', () => {
  it.skipIf(!hasCli)(
    'copies files there and back, also those in several parts (needs the AWS CLI)',
    async () => {
      const aws = await edgeSandbox();
      const folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'));
      try {
        const file = join(folder, 'model.tar.gz');
        const bytes = randomBytes(18_000_000);
        await writeFile(file, bytes);
        const cli = (...args: string[]) => run('aws', args, { env: clientEnvironment(aws) });
        await cli('s3', 'cp', file, `s3://${BUCKET}/up/model.tar.gz`, '--quiet');
        await cli('s3', 'cp', `s3://${BUCKET}/up/model.tar.gz`, join(folder, 'back'), '--quiet');
        const digest = (data: Buffer) => createHash('sha256').update(data).digest('hex');
        expect(digest(await readFile(join(folder, 'back')))).toBe(digest(bytes));
        expect((await cli('s3', 'ls', `s3://${BUCKET}/`)).stdout).toMatch(/PRE m\/.*PRE up\//s);
        const { stdout } = await cli(
          'greengrassv2',
          'list-components',
          '--scope',
          'PUBLIC',
          '--output',
          'json',
        );
        expect(JSON.parse(stdout).components).not.toHaveLength(0);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    60_000,
  );
});
