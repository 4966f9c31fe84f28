/**
 * Why a deployment fails on a device: the nucleus's `errorStack`, general to special, since its version 2.8. Codes:
 * https://docs.aws.amazon.com/greengrass/v2/developerguide/troubleshooting-deployment.html
 */
import { DOCS, type FailureAdvice } from './failure-tables.ts';

interface CodeRow {
  id: string;
  /** Matched against any code in the stack, or the reason given instead of one. */
  pattern: RegExp;
  cause: string;
  fix: string;
}

/** The first row that matches counts. */
const ROWS: readonly CodeRow[] = [
  {
    id: 'deployment-artifact-access',
    pattern: /\bS3_(?:\w+_)?ACCESS_DENIED\b|\bGET_COMPONENT_VERSION_ARTIFACT_ACCESS_DENIED\b/,
    cause: 'The device may not read an artifact of the component in S3.',
    fix: 'Grant s3:GetObject on it, and kms:Decrypt where it is encrypted, to the device’s token exchange role; then deploy again.',
  },
  {
    id: 'deployment-artifact-missing',
    pattern: /\bS3_(?:\w+_)?RESOURCE_NOT_FOUND\b/,
    cause: 'An artifact of the component is not in S3, or no longer.',
    fix: 'Look for the object that the message names; package the model again and deploy the new version.',
  },
  {
    id: 'deployment-checksum',
    pattern: /\bARTIFACT_CHECKSUM_MISMATCH\b/,
    cause: 'An artifact in S3 is not the one that the component was made from.',
    fix: 'Package the model again, as a new version: an artifact must not change after that.',
  },
  {
    id: 'deployment-no-version',
    pattern: /\bCOMPONENT_VERSION_REQUIREMENTS_NOT_MET\b|\bNO_AVAILABLE_COMPONENT_VERSION\b/,
    cause:
      'No version of a component meets all that is asked of it, or none is made for this device’s platform.',
    fix: 'Compare the recipe’s platform with the device’s, and the versions that its deployments and dependencies ask for.',
  },
  {
    id: 'deployment-disk',
    pattern: /\bDISK_SPACE_CRITICAL\b|Component store size limit reached/,
    cause: 'The device’s disk, or Greengrass’s component store on it, is full.',
    fix: 'Remove old component versions on the device, or raise the nucleus’s componentStoreMaxSizeBytes.',
  },
  {
    id: 'deployment-docker',
    pattern: /\bDOCKER_\w+|\bGET_ECR_CREDENTIAL_ERROR\b|\bUSER_NOT_AUTHORIZED_FOR_DOCKER\b/,
    cause: 'A container image could not be pulled or run on the device.',
    fix: 'Check that Docker runs there, that the component’s user may use it, and that the device’s role may pull the image.',
  },
  {
    id: 'deployment-network',
    pattern: /\b(?:NETWORK|HTTP_REQUEST|DOWNLOAD_\w+)_ERROR\b/,
    cause: 'The device could not reach a service that it downloads from.',
    fix: 'Check its network, proxy and firewall; then deploy again.',
  },
  {
    id: 'deployment-recipe',
    pattern: /\bRECIPE_\w+|\bARTIFACT_URI_NOT_VALID\b|\bCOMPONENT_CONFIGURATION_NOT_VALID\b/,
    cause: 'The device does not accept the component’s recipe or configuration.',
    fix: 'Correct the recipe template or the deployment’s configuration where the message says; package and deploy again.',
  },
  {
    id: 'deployment-access',
    pattern: /\b\w*ACCESS_DENIED\b|\bPERMISSION_ERROR\b/,
    cause: 'The device’s role may not do what the deployment needs.',
    fix: 'Grant the action that the message names to the device’s token exchange role.',
  },
  {
    id: 'deployment-component',
    pattern: /\bCOMPONENT_(?:BROKEN|UPDATE_ERROR|BOOTSTRAP_\w+)\b|in broken state/,
    cause: 'A component of the deployment could not be installed or started on the device.',
    fix: 'Read /greengrass/v2/logs on the device, its greengrass.log and the component’s own; then deploy a version that works.',
  },
];

/** The device says no more than that; its log says why. */
const NOT_SAID: FailureAdvice = {
  id: 'deployment-failed',
  cause: 'The deployment failed on the device; what it reported names no cause that is known.',
  fix: 'Read /greengrass/v2/logs on the device, its greengrass.log first.',
  link: DOCS.greengrassErrors,
};

/** @param words reason and codes, as the event has them */
export function adviceForDeployment(words: string | undefined): FailureAdvice {
  const row = ROWS.find(({ pattern }) => pattern.test((words ?? '').slice(0, 4_096)));
  return row ? { id: row.id, cause: row.cause, fix: row.fix, link: DOCS.deploymentCodes } : NOT_SAID;
}
