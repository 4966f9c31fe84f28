/** A few of the components that AWS publishes to everybody. */
import type { ComponentSeed } from './component-store.ts';
import { checkRecipe } from './recipe.ts';

const PUBLISHED: readonly (readonly [name: string, version: string, description: string])[] = [
  ['aws.greengrass.Nucleus', '2.12.6', 'The nucleus of the Greengrass core software'],
  ['aws.greengrass.Cli', '2.12.6', 'Local development and debugging'],
  ['aws.greengrass.LogManager', '2.3.7', 'Uploads logs of core devices to CloudWatch Logs'],
  ['aws.greengrass.TokenExchangeService', '2.0.3', 'AWS credentials for components'],
];

const PUBLISHED_AT = Date.UTC(2024, 6, 1);

export function publicComponents(): ComponentSeed[] {
  return PUBLISHED.map(([name, version, description]) => {
    const document = {
      RecipeFormatVersion: '2020-01-25',
      ComponentName: name,
      ComponentVersion: version,
      ComponentDescription: description,
      ComponentPublisher: 'AWS',
      Manifests: [{ Platform: { os: 'linux' }, Lifecycle: { Run: 'true' } }],
    };
    return { recipe: checkRecipe(document, 'aws'), createdAt: PUBLISHED_AT };
  });
}
