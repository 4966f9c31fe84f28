import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { clientToken, componentName, isSemver, modelName, nextVersion } from '../../src/domain/components.ts';
import { DEFAULT_RECIPE_TEMPLATE, renderRecipe } from '../../src/domain/recipes.ts';

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 100, maxLength: 300 }),
);
const semver = fc
  .tuple(fc.bigInt({ min: 0n }), fc.nat(3), fc.nat(600), fc.constantFrom('', '-rc.1', '+b7'))
  .map(([major, minor, patch, rest]) => `${major}.${minor}.${patch}${rest}`);

describe('[G1] components for any input', () => {
  it('have names that Greengrass takes', () => {
    fc.assert(
      fc.property(text, text, text, (prefix, job, target) => {
        const name = componentName({ prefix, model: modelName(job), target });
        expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
        expect(name.toLowerCase().startsWith('aws.greengrass')).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('have a next version that is free and above all', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(semver, fc.string()), { maxLength: 520 }), (existing) => {
        const next = nextVersion(existing);
        expect(isSemver(next)).toBe(true);
        expect(existing).not.toContain(next);
        expect(nextVersion([...existing, next])).not.toBe(next);
        // No order of the list matters.
        expect(nextVersion([...existing].reverse())).toBe(next);
      }),
      { numRuns: 300 },
    );
  });

  it('never share a version through any number of retrainings', () => {
    fc.assert(
      fc.property(fc.array(semver, { maxLength: 20 }), fc.integer({ min: 1, max: 50 }), (existing, times) => {
        const taken = [...existing];
        for (let time = 0; time < times; time += 1) taken.push(nextVersion(taken));
        expect(new Set(taken.slice(existing.length)).size).toBe(times);
      }),
    );
  });

  it('have client tokens that Greengrass takes', () => {
    fc.assert(
      fc.property(text, text, (attempt, version) => {
        expect(clientToken(attempt, version)).toMatch(/^[a-zA-Z0-9-]{1,64}$/);
      }),
    );
  });

  it('have a recipe of the template’s structure whatever the values', () => {
    fc.assert(
      fc.property(text, text, text, (trainingJob, model, useCase) => {
        const rendered = renderRecipe(`# {{trainingJob}}\n${DEFAULT_RECIPE_TEMPLATE}# {{useCase}}\n`, {
          name: 'model-x',
          version: '1.0.0',
          architecture: 'amd64',
          artifactUri: 's3://b/m.tar.gz',
          artifactFile: 'm.tar.gz',
          target: 'x86_64-cpu',
          compilationJob: 'c',
          trainingJob,
          model,
          useCase,
        });
        const recipe = parse(rendered);
        expect(Object.keys(recipe)).toEqual([
          'RecipeFormatVersion',
          'ComponentName',
          'ComponentVersion',
          'ComponentDescription',
          'ComponentPublisher',
          'Manifests',
        ]);
        expect(recipe.Manifests).toHaveLength(1);
        expect(recipe.ComponentPublisher).toBe(useCase.replace(/\p{Cc}+/gu, ' '));
      }),
      { numRuns: 300 },
    );
  });
});
