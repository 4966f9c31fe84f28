import { describe, expect, it } from 'vitest';
import { adviceForDeployment, adviceForDevice } from '../../src/domain/failure-guidance.ts';

/** Words of aws-greengrass-nucleus (ComponentStatusCode.java), as they stand in `lifecycleStateDetails`. */
describe('guidance for a component on a device', () => {
  it.each([
    [
      'INSTALL_ERROR',
      'An error occurred during installation. The install script exited with code 127.',
      'device-install-exit-127',
      /install script calls a command that is not on the device \(exit code 127\)/,
    ],
    [
      'RUN_ERROR',
      'An error occurred while running the component. The run script exited with code 137.',
      'device-run-exit-137',
      /killed \(exit code 137\).*memory/,
    ],
    [
      'STARTUP_ERROR',
      'An error occurred during startup. The startup script exited with code 1.',
      'device-startup-failed',
      /startup script failed \(exit code 1\)/,
    ],
    [
      'RUN_TIMEOUT',
      "Run script didn't finish within the timeout period. Increase the timeout to give it more time to run or check your code.",
      'device-run-timeout',
      /run script did not finish within its time limit/,
    ],
    [
      'INSTALL_MISSING_DEFAULT_RUNWITH',
      "Couldn't determine the user or group to use when installing the component. Check the runWith section of your recipe and try your request again.",
      'device-install-run-with',
      /as which user/,
    ],
    [
      'STARTUP_CONFIG_NOT_VALID',
      "The component couldn't be started. The structure of the startup section of the recipe is not valid. Check the startup section and try your request again.",
      'device-startup-config',
      /The Startup section of the recipe is not valid/,
    ],
    [
      'INSTALL_IO_ERROR',
      'There was an I/O error during installation. Check the component log for more information.',
      'device-install-io',
      /Reading or writing failed/,
    ],
  ])('says the true cause of %s', (code, details, id, cause) => {
    const advice = adviceForDevice({ codes: [code], details });
    expect(advice.id).toBe(id);
    expect(advice.cause).toMatch(cause);
    expect(`${advice.cause} ${advice.fix}`).not.toMatch(/[{}]/);
    // It was never started, or never ended: no cause is made up.
    if (!id.includes('run-failed')) expect(advice.cause).not.toContain('did not stay up');
  });

  it('understands the words without a code, and the code without words', () => {
    expect(adviceForDevice({ details: 'The install script exited with code 127: jq: not found' }).id).toBe(
      'device-install-exit-127',
    );
    expect(adviceForDevice({}, 'The run script exited with code 1 three times.').id).toBe(
      'device-run-failed',
    );
    expect(adviceForDevice({ codes: ['SHUTDOWN_ERROR'] }).id).toBe('device-shutdown-failed');
  });

  it('goes by the component’s own words where there are several codes', () => {
    const codes = ['INSTALL_ERROR', 'RUN_ERROR'];
    expect(adviceForDevice({ codes, details: 'The run script exited with code 139.' }).id).toBe(
      'device-run-exit-139',
    );
    expect(adviceForDevice({ codes }, 'The run script of another one exited with code 1.').id).toBe(
      'device-install-failed',
    );
  });

  it('claims nothing where nothing is said', () => {
    for (const given of [{}, { codes: ['SOMETHING_NEW'] }, { details: 'broken' }])
      expect(adviceForDevice(given)).toMatchObject({
        id: 'component-broken',
        cause: expect.stringContaining('does not say why'),
      });
  });
});

describe('guidance for a deployment', () => {
  it.each([
    [
      'S3_HEAD_OBJECT_ACCESS_DENIED: FAILED_NO_STATE_CHANGE: Failed to download artifact name: ‘s3://m/x.tar.gz’ for component model-1.0.0, due to S3 HeadObject returns 403 Access Denied.',
      'deployment-artifact-access',
    ],
    [
      'DEPLOYMENT_FAILURE › ARTIFACT_DOWNLOAD_ERROR › S3_ERROR › S3_ACCESS_DENIED',
      'deployment-artifact-access',
    ],
    [
      'DEPLOYMENT_FAILURE › NO_AVAILABLE_COMPONENT_VERSION › COMPONENT_VERSION_REQUIREMENTS_NOT_MET',
      'deployment-no-version',
    ],
    ['FAILED (DEPLOYMENT_FAILURE › IO_ERROR › DISK_SPACE_CRITICAL)', 'deployment-disk'],
    ['DEPLOYMENT_FAILURE › COMPONENT_UPDATE_ERROR › COMPONENT_BROKEN', 'deployment-component'],
    ['FAILED_ROLLBACK_NOT_REQUESTED: Service m in broken state after deployment', 'deployment-component'],
    ['DOCKER_ERROR › DOCKER_PULL_ERROR', 'deployment-docker'],
    ['FAILED', 'deployment-failed'],
    [undefined, 'deployment-failed'],
  ])('%s', (words, id) => {
    expect(adviceForDeployment(words).id).toBe(id);
  });
});
