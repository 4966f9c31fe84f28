/** Machines that are kept: notebook instances and a HyperPod cluster. */
import type { EpochMs } from '#sandbox';
import { type ClusterSeed, instanceId, type LogScript, type WorkSeed } from '#sandbox/seeds';
import { HOUR, MINUTE } from '../job-maker.ts';
import { LINE_3 } from '../line-3.ts';
import { trainingRoleArn } from '../roles.ts';
import { DATA, stream } from './parts.ts';

export function line3Notebooks(now: EpochMs): WorkSeed[] {
  const lab = now - 5 * HOUR;
  const broken = now - 2 * HOUR;
  const details = {
    InstanceType: 'ml.t3.xlarge',
    VolumeSizeInGB: 50,
    RoleArn: trainingRoleArn(LINE_3.account),
    NotebookInstanceLifecycleConfigName: 'line-3-lab',
    PlatformIdentifier: 'notebook-al2023-v1',
  };
  return [
    {
      name: 'ada-panels',
      details,
      transitions: [
        { at: lab, status: 'Pending' },
        { at: lab + 4 * MINUTE, status: 'InService' },
      ],
      streams: [
        stream('ada-panels/LifecycleConfigOnStart', lab + 2 * MINUTE, 940, (script) => {
          script.say('+ pip install --quiet timm==1.0.11', 900);
          script.say('+ mount -t nfs line-3-efs:/ /home/ec2-user/SageMaker/shared', 22_000);
        }),
        stream('ada-panels/jupyter.log', lab + 3 * MINUTE, 941, (script) => {
          script.say('[I ServerApp] jupyterlab | extension was successfully linked.', 1_100);
          script.say('[I ServerApp] Kernel started: conda_pytorch_p310', 340_000);
        }),
      ],
    },
    {
      name: 'ben-panels',
      details,
      transitions: [
        { at: broken, status: 'Pending' },
        { at: broken + 8 * MINUTE, status: 'Failed' },
      ],
      failureReason:
        "Notebook Instance Lifecycle Config 'arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance-lifecycle-config/line-3-lab' for Notebook Instance 'arn:aws:sagemaker:eu-west-1:123456789012:notebook-instance/ben-panels' took longer than 5 minutes. Please check your CloudWatch logs for more details if your Notebook Instance has Internet access.",
      streams: [
        stream('ben-panels/LifecycleConfigOnStart', broken + 2 * MINUTE, 942, (script) => {
          script.say('+ pip install --quiet timm==1.0.11', 900);
          script.say('+ mount -t nfs line-3-efs:/ /home/ec2-user/SageMaker/shared', 22_000);
          script.say('mount.nfs: Connection timed out', 180_000);
        }),
      ],
    },
  ];
}

/** Three groups of machines, of which one could not set itself up. */
export function line3Clusters(now: EpochMs): ClusterSeed[] {
  const createdAt = now - 52 * HOUR;
  const replacedAt = now - 3 * HOUR;
  const group = (name: string, instanceType: string, count: number) => ({
    name,
    instanceType,
    count,
    roleArn: trainingRoleArn(LINE_3.account),
    scripts: `${DATA}/hyperpod/lifecycle/`,
  });
  const node = (of: string, index: number, launchedAt: EpochMs) => ({
    group: of,
    id: instanceId(`weld-pretraining/${of}/${index}`),
    launchedAt,
  });
  const nodes = [
    node('controller', 0, createdAt + 6 * MINUTE),
    ...[0, 1, 2, 3].map((index) => node('workers', index, createdAt + 9 * MINUTE)),
    ...[0, 1].map((index) => node('data', index, createdAt + 8 * MINUTE)),
  ];
  const replacement = node('workers', 4, replacedAt);
  const lcs = `Instance lifecycle script execution for EC2InstanceId ${replacement.id} has Failed`;
  return [
    {
      name: 'weld-pretraining',
      transitions: [
        { at: createdAt, status: 'Creating' },
        { at: createdAt + 24 * MINUTE, status: 'InService' },
        { at: replacedAt, status: 'SystemUpdating' },
        { at: replacedAt + 20 * MINUTE, status: 'InService' },
      ],
      groups: [
        group('controller', 'ml.m5.2xlarge', 1),
        { ...group('workers', 'ml.g5.48xlarge', 5), status: 'Degraded' },
        group('data', 'ml.m5.4xlarge', 2),
      ],
      nodes: [...nodes, { ...replacement, status: 'Failure', message: lcs }],
      events: [
        {
          at: replacedAt,
          group: 'workers',
          description: 'Instance group workers is replacing 1 instance',
          level: 'Info',
        },
        {
          at: replacedAt + 12 * MINUTE,
          group: 'workers',
          node: replacement.id,
          description: lcs,
          level: 'Error',
        },
        {
          at: now + 8 * MINUTE,
          group: 'workers',
          node: nodes[2]!.id,
          description: 'Please Replace the Faulty Node.',
          level: 'Error',
          health: {
            status: 'Unhealthy',
            reason:
              'HyperPod Health Monitoring Agent (HMA) has detected fault type NvidiaErrorTerminate on this node and is unhealthy.',
            repair: 'None',
          },
        },
      ],
      streams: [
        ...[...nodes, replacement].map(({ group: of, id, launchedAt }, index) =>
          stream(`LifecycleConfig/${of}/${id}`, launchedAt + MINUTE, 950 + index, (script) =>
            setUp(script, of, id === replacement.id),
          ),
        ),
        // Such a stream is there once the agent has found something.
        stream(`SagemakerHealthMonitoringAgent/workers/${nodes[2]!.id}`, now + 8 * MINUTE, 970, (script) =>
          script.say(
            JSON.stringify({
              HealthMonitoringAgentDetectionEvent: 'HealthEvent',
              condition: {
                type: 'NvidiaErrorTerminate',
                reason: 'XidHardwareFailure',
                message: 'NVRM: Xid 79',
              },
            }),
          ),
        ),
      ],
      tags: { project: LINE_3.project },
    },
  ];
}

function setUp(script: LogScript, group: string, fails: boolean): void {
  script.say(`[INFO] lifecycle scripts of ${group}: on_create.sh`, 500);
  script.say('[INFO] Instance metadata: provisioning_parameters.json found, workload manager slurm', 1_100);
  script.say('+ ./utils/install_docker.sh', 2_400);
  script.say('Setting up docker-ce (5:27.3.1-1~ubuntu.22.04~jammy) ...', 41_000);
  script.say('+ mount -t lustre fs-0f3c9a.fsx.eu-west-1.amazonaws.com@tcp:/w4n8ubev /fsx', 3_000);
  if (fails) {
    script.say(
      'mount.lustre: mount fs-0f3c9a.fsx.eu-west-1.amazonaws.com@tcp:/w4n8ubev at /fsx failed: Connection timed out',
      300_000,
    );
    script.say('[ERROR] on_create.sh: line 88: exit code 110');
    script.say('Lifecycle scripts did not run successfully');
    return;
  }
  script.say('+ systemctl restart slurmd', 4_000);
  script.say('[INFO] Lifecycle scripts ran successfully', 2_000);
}
