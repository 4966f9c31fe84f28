/** Generic jobs: an agent that learns from its attempts, and one that is judged by them. */
import type { EpochMs } from '#sandbox';
import type { KindSeeds, LogScript } from '#sandbox/seeds';
import { HOUR, MINUTE, SECOND } from '../job-maker.ts';
import { LINE_3 } from '../line-3.ts';
import { trainingRoleArn } from '../roles.ts';
import { DATA, stream } from './parts.ts';

export function line3Agents(now: EpochMs): NonNullable<KindSeeds['job']> {
  const roleArn = trainingRoleArn(LINE_3.account);
  const config = (tasks: string) =>
    JSON.stringify({
      BaseModelArn: 'openai-reasoning-gpt-oss-20b',
      TrainingData: `${DATA}/agents/${tasks}/`,
    });
  const learning = now - 55 * MINUTE;
  const judged = now - 20 * HOUR;
  const failed = now - 8 * HOUR;
  return [
    {
      name: 'AgentRFT/inspector-agent',
      roleArn,
      config: config('inspector'),
      transitions: [
        { at: learning, status: 'InProgress', secondary: 'Starting' },
        { at: learning + 6 * MINUTE, status: 'InProgress', secondary: 'Downloading' },
        { at: learning + 9 * MINUTE, status: 'InProgress', secondary: 'Training' },
        { at: now + 70 * MINUTE, status: 'InProgress', secondary: 'Evaluating' },
        { at: now + 80 * MINUTE, status: 'InProgress', secondary: 'Uploading' },
        { at: now + 84 * MINUTE, status: 'Completed', secondary: 'Completed' },
      ],
      streams: [
        stream(
          phase('inspector-agent', 'training', learning + 9 * MINUTE),
          learning + 9 * MINUTE,
          980,
          (script) => learn(script, 110),
        ),
      ],
      tags: { project: LINE_3.project },
    },
    {
      name: 'AgentRFTEvaluation/inspector-agent-before',
      roleArn,
      config: config('inspector-held-out'),
      transitions: [
        { at: judged, status: 'InProgress', secondary: 'Starting' },
        { at: judged + 5 * MINUTE, status: 'InProgress', secondary: 'Evaluating' },
        { at: judged + 31 * MINUTE, status: 'Completed', secondary: 'Completed' },
      ],
      streams: [
        stream(
          phase('inspector-agent-before', 'evaluation', judged + 5 * MINUTE),
          judged + 5 * MINUTE,
          981,
          (script) => {
            for (let task = 10; task <= 120; task += 10)
              script.say(`${task}/120 tasks, mean reward ${script.near(0.41, 0.05).toFixed(3)}`, 120_000);
          },
        ),
      ],
    },
    {
      name: 'AgentRFT/shift-planner',
      roleArn,
      config: config('shifts'),
      transitions: [
        { at: failed, status: 'InProgress', secondary: 'Starting' },
        { at: failed + 6 * MINUTE, status: 'InProgress', secondary: 'Training' },
        { at: failed + 22 * MINUTE, status: 'Failed', secondary: 'Failed' },
      ],
      failureReason:
        'ClientError: The agent did not answer: 64 of 64 rollouts of step 4 failed with AccessDeniedException on bedrock-agentcore:InvokeAgentRuntime.',
      streams: [
        stream(
          phase('shift-planner', 'training', failed + 6 * MINUTE),
          failed + 6 * MINUTE,
          982,
          (script) => {
            learn(script, 3);
            script.say('step 4: 64 rollouts invoked, 0 returned', 60_000);
            script.say(
              'ERROR rollout 4-0: AccessDeniedException when calling InvokeAgentRuntime: not authorized to perform bedrock-agentcore:InvokeAgentRuntime',
              2_000,
            );
            script.say('ERROR step 4: no trajectory is left, giving up', 30 * SECOND);
          },
        ),
      ],
    },
  ];
}

/** As the service names the stream of one of a job's phases. */
const phase = (job: string, name: string, at: EpochMs): string =>
  `${job}/${name}-${new Date(at).toISOString().replaceAll(':', '-').slice(0, 21)}Z`;

function learn(script: LogScript, steps: number): void {
  for (let step = 1; step <= steps; step++) {
    const reward = 0.42 + 0.4 * (1 - Math.exp(-step / 40));
    script.say(`step ${step}: 64 rollouts invoked, 64 returned`, script.between(20_000, 30_000));
    script.say(
      `step ${step}: reward ${script.near(reward, 0.05).toFixed(3)}, kl ${script.near(0.012, 0.2).toFixed(4)}, turns ${script.near(6.1, 0.1).toFixed(1)}`,
      script.between(15_000, 25_000),
    );
  }
}
