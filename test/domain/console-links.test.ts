import { describe, expect, it } from 'vitest';
import {
  alarmUrl,
  compilationJobUrl,
  compilationLogUrl,
  componentUrl,
  coreDeviceUrl,
  trainingJobUrl,
  trainingLogUrl,
} from '../../src/domain/console-links.ts';

describe('[G3] links into the console', () => {
  const region = 'eu-west-1';

  it('open the thing in its region', () => {
    const base = 'https://eu-west-1.console.aws.amazon.com';
    expect(trainingJobUrl(region, 'train-1')).toBe(`${base}/sagemaker/home?region=eu-west-1#/jobs/train-1`);
    expect(compilationJobUrl(region, 'c-1')).toBe(
      `${base}/sagemaker/home?region=eu-west-1#/compilation-jobs/c-1`,
    );
    expect(componentUrl(region, 'model-resnet')).toBe(
      `${base}/iot/home?region=eu-west-1#/greengrass/v2/components/model-resnet`,
    );
    expect(coreDeviceUrl(region, 'camera-04')).toBe(
      `${base}/iot/home?region=eu-west-1#/greengrass/v2/cores/details/camera-04`,
    );
    expect(alarmUrl(region, 'cpu high')).toBe(
      `${base}/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/cpu%20high`,
    );
    expect(trainingLogUrl(region, 'train-1')).toBe(
      `${base}/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Dtrain-1$252F`,
    );
    expect(compilationLogUrl(region, 'c-1')).toBe(
      `${base}/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Fsagemaker$252FCompilationJobs$3FlogStreamNameFilter$3Dc-1`,
    );
  });

  it('go to the partition of the region', () => {
    expect(trainingJobUrl('cn-north-1', 'j')).toMatch(
      /^https:\/\/cn-north-1\.console\.amazonaws\.cn\/sagemaker\//,
    );
    expect(trainingJobUrl('us-gov-west-1', 'j')).toMatch(
      /^https:\/\/us-gov-west-1\.console\.amazonaws-us-gov\.com\/sagemaker\//,
    );
  });

  it('encode whatever a name holds, so that no mrkdwn link breaks', () => {
    for (const url of [trainingJobUrl, compilationLogUrl, componentUrl, coreDeviceUrl, alarmUrl])
      expect(url(region, `a>b|c <!channel> '"(x)*\ud800 ü/`)).toMatch(/^https:\/\/[A-Za-z0-9.:/?#=&%$_~-]+$/);
  });
});
