import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  DEFAULT_RECIPE_TEMPLATE,
  RECIPE_PLACEHOLDERS,
  type RecipeValues,
  renderRecipe,
} from '../../src/domain/recipes.ts';
import { AppError } from '../../src/ground/errors.ts';

const VALUES: RecipeValues = {
  name: 'model-resnet-jetson-xavier',
  version: '1.0.4',
  architecture: 'aarch64',
  artifactUri: 's3://line-3-models/compiled/resnet-jetson.tar.gz',
  artifactFile: 'resnet-jetson.tar.gz',
  target: 'jetson-xavier',
  model: 'resnet',
  trainingJob: 'train-resnet-2026-01-31',
  compilationJob: 'train-resnet-jetson-xavier-k3j9d2',
  useCase: 'line-3',
};

function refusal(template: string, values: RecipeValues = VALUES): AppError {
  try {
    renderRecipe(template, values);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('an AppError was expected');
}

describe('[G1] the built-in recipe', () => {
  it('is a recipe that unpacks the model at installation', () => {
    const recipe = parse(renderRecipe(DEFAULT_RECIPE_TEMPLATE, VALUES));
    expect(recipe).toMatchObject({
      RecipeFormatVersion: '2020-01-25',
      ComponentName: VALUES.name,
      ComponentVersion: '1.0.4',
      Manifests: [
        {
          Platform: { os: 'linux', architecture: 'aarch64' },
          Artifacts: [{ Uri: VALUES.artifactUri, Unarchive: 'NONE' }],
        },
      ],
    });
    expect(recipe.Manifests[0].Lifecycle.Install.Script).toContain(
      'tar -xzf "{artifacts:path}/resnet-jetson.tar.gz" -C "{work:path}/model"',
    );
  });

  it('names only placeholders that are listed', () => {
    const named = [...DEFAULT_RECIPE_TEMPLATE.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !Object.hasOwn(RECIPE_PLACEHOLDERS, name!))).toEqual([]);
  });
});

describe('[G1] a use case’s own recipe', () => {
  it('keeps its comments, quotes and everything that is not a placeholder', () => {
    const template = DEFAULT_RECIPE_TEMPLATE.replace(
      'Manifests:',
      '# made for {{ target }}\nComponentConfiguration:\n  DefaultConfiguration:\n    "{{model}}": ["{{version}}", 3]\nManifests:',
    );
    const recipe = renderRecipe(template, VALUES);
    expect(recipe).toContain('# made for jetson-xavier');
    expect(parse(recipe).ComponentConfiguration.DefaultConfiguration).toEqual({ resnet: ['1.0.4', 3] });
    expect(recipe).toContain('{artifacts:path}');
  });

  it('says which placeholder is not known, and which are', () => {
    const error = refusal(DEFAULT_RECIPE_TEMPLATE.replace('{{version}}', '{{verzion}}'));
    expect(error.message).toContain('{{verzion}}');
    expect(error.hint).toMatch(/^Did you mean \{\{version\}\}\? Known are \{\{name\}\} \{\{version\}\}/);
  });

  it('says what is wrong with the YAML', () => {
    expect(refusal('Manifests: [\n').message).toMatch(/^The recipe template is not YAML: .*line/);
    expect(refusal('Manifests: *nowhere').code).toBe('invalid_input');
    expect(refusal('just text').message).toContain('Expected a mapping with Manifests');
  });

  it('lists everything that Greengrass would not accept', () => {
    const { message } = refusal(`RecipeFormatVersion: '2021-01-01'
ComponentName: somebody-elses
ComponentVersion: 1
Manifests:
  - Platform: { os: macos, architecture: sparc }
    Artifacts: [{ Uri: 'https://example.com/m', Unarchive: TAR }, { Uri: 's3://b/m.tar.gz', Unarchive: ZIP }]
  - Artifacts: []
  - Platform: { os: linux, architecture: amd64 }
    Lifecycle: { install: 'echo nothing' }
    Artifacts: [{ Uri: 's3://b/m.tar.gz' }]
`);
    for (const problem of [
      'RecipeFormatVersion: ',
      'ComponentName: expected {{name}}, but got “"somebody-elses"”.',
      'ComponentVersion: expected {{version}}, but got “1”.',
      'Manifests[0].Platform.os: ',
      'Manifests[0].Platform.architecture: ',
      'Manifests[0].Artifacts[0].Uri: expected s3://bucket/key',
      'Manifests[0].Artifacts[0].Unarchive: expected NONE or ZIP, but got “"TAR"”.',
      'Manifests[0].Artifacts[1].Unarchive: ZIP is for .zip files',
      'Manifests[0].Lifecycle: expected an Install step',
      'Manifests[1].Platform: expected os and architecture, but got nothing.',
      'Manifests[1].Artifacts: expected a list',
      'Manifests[2].Lifecycle.Install: it must unpack',
    ])
      expect(message).toContain(problem);
    expect(refusal(`RecipeFormatVersion: '2020-01-25'`).message).toContain('Manifests: expected a list');
  });

  it('lets no value change the recipe’s structure', () => {
    const hostile = 'x\nManifests: []\n# "\' {{name}} *a &b';
    const recipe = parse(renderRecipe(DEFAULT_RECIPE_TEMPLATE, { ...VALUES, trainingJob: hostile }));
    expect(recipe.Manifests).toHaveLength(1);
    expect(recipe.ComponentDescription).toContain('x Manifests: [] # "\' {{name}} *a &b');
  });

  it('refuses a file name that would be more than a name in the install script', () => {
    expect(
      refusal(DEFAULT_RECIPE_TEMPLATE, { ...VALUES, artifactFile: 'm$(reboot).tar.gz' }).message,
    ).toContain('cannot stand in a script');
  });
});
