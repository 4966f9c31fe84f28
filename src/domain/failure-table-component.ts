/** Why Greengrass refuses a component version. The first row that matches counts. */
import { DOCS, type FailureAdvice, type ReasonRow } from './failure-tables.ts';

export const COMPONENT_FAILURES: readonly ReasonRow[] = [
  {
    id: 'component-recipe-unreadable',
    // Greengrass answers an unparsable recipe with a denied action that has no name.
    pattern: /not authorized to perform: null/i,
    cause:
      'The recipe is not valid YAML or JSON, which Greengrass reports as a missing permission for “null”.',
    fix: 'Check the recipe template’s syntax in the preview and package again.',
    link: DOCS.greengrassErrors,
    example:
      'An error occurred (AccessDeniedException) when calling the CreateComponentVersion operation: User: arn:aws:sts::123456789012:assumed-role/SignalboxAccess/pkg-1 is not authorized to perform: null',
  },
  {
    id: 'component-artifact-access',
    pattern: /artifact resource cannot be accessed|following errors in Artifacts/i,
    cause: 'Greengrass cannot read the compiled model: wrong URI, another region, or no permission.',
    fix: 'Check that the artifact exists in a bucket of the same region, and grant s3:GetObject on it to Signalbox’s role.',
    link: DOCS.greengrassErrors,
    example:
      'Invalid Input: Encountered following errors in Artifacts: {s3://line-3-models/compiled/resnet.tar.gz = Specified artifact resource cannot be accessed}',
  },
  {
    id: 'component-version-exists',
    pattern: /already exists|ConflictException/i,
    cause: 'This version of the component exists already, and a version is never used twice.',
    fix: 'Package again: the next free version is used.',
    link: DOCS.createComponent,
    example:
      'ConflictException: Component [model-resnet-jetson-xavier : 1.0.4] for account [123456789012] already exists with state: [DEPLOYABLE]',
  },
  {
    id: 'component-role',
    pattern: /access ?denied|not authorized to perform/i,
    cause: 'The use case’s role may not do this in Greengrass.',
    fix: 'Grant it the action that the message names (greengrass:CreateComponentVersion, greengrass:DescribeComponent, s3:GetObject).',
    link: DOCS.createComponent,
    example:
      'AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/SignalboxAccess/pkg-1 is not authorized to perform: greengrass:CreateComponentVersion on resource: *',
  },
  {
    id: 'component-recipe-invalid',
    pattern: /recipe|Invalid Input|ValidationException/i,
    cause: 'Greengrass does not accept the recipe.',
    fix: 'Correct the recipe template where the message says, check the preview, and package again.',
    link: DOCS.recipe,
    example: 'ValidationException: Invalid Input: Recipe is missing the required field ComponentVersion.',
  },
  {
    id: 'component-quota',
    pattern: /ServiceQuotaExceeded|LimitExceeded|quota/i,
    cause: 'The account holds as many component versions as its quota allows.',
    fix: 'Delete versions that no deployment uses, or raise the quota.',
    link: DOCS.createComponent,
    example: 'ServiceQuotaExceededException: You have reached the maximum number of component versions.',
  },
  {
    id: 'component-throttled',
    pattern: /Throttl|Too ?Many ?Requests|rate exceeded/i,
    cause: 'Greengrass is taking no more requests at the moment.',
    fix: 'Package again in a minute.',
    link: DOCS.createComponent,
    example: 'ThrottlingException: Rate exceeded',
  },
];

export const COMPONENT_UNKNOWN: FailureAdvice = {
  id: 'component-unknown',
  cause: 'Signalbox does not know this failure.',
  fix: 'Read Greengrass’s message and open the component in the console; package again if it is a service error.',
  link: DOCS.componentStatus,
};
