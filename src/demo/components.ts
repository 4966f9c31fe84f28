/** Component versions of the seeded world: one model in many versions, one that failed, and what uses the models. */

import type { EpochMs } from '#sandbox';
import { type ComponentSeed, checkRecipe, filler, type ObjectSeed, writeTarGz } from '#sandbox/seeds';
import { compiledUri } from './compilations.ts';
import { HOUR } from './job-maker.ts';

const DAY = 24 * HOUR;
const MODELS = 'line-3-models';

export const JETSON_MODEL = 'model-defects-resnet101-ddp-jetson-xavier';
export const CPU_MODEL = 'model-defects-resnet101-ddp-x86_64-cpu';
const BOLTS_MODEL = 'model-yolo-bolts-2-x86_64-cpu';
export const INSPECTOR = 'line3-inspector';
/** Versions of the model for Jetson devices; the last is from the newest training. */
const JETSON_VERSIONS = 12;
/** Of one of the harbour's components, so that paging has something to do. */
const CRANE_VERSIONS = 500;

interface ModelSketch {
  name: string;
  version: string;
  architecture: 'aarch64' | 'amd64';
  artifact: string;
  createdAt: EpochMs;
  tags?: Readonly<Record<string, string>>;
}

/** As Signalbox's own template makes them: Neo writes tar.gz, which Greengrass does not unpack. */
function modelComponent(sketch: ModelSketch): ComponentSeed {
  const file = sketch.artifact.replace(/^.*\//, '');
  return component(sketch.createdAt, sketch.tags, {
    ComponentName: sketch.name,
    ComponentVersion: sketch.version,
    ComponentDescription: `Compiled model for linux/${sketch.architecture}`,
    Manifests: [
      {
        Platform: { os: 'linux', architecture: sketch.architecture },
        Lifecycle: {
          Install: `mkdir -p {work:path}/model && tar -xzf {artifacts:path}/${file} -C {work:path}/model`,
        },
        Artifacts: [{ URI: sketch.artifact, Unarchive: 'NONE' }],
      },
    ],
  });
}

function component(
  createdAt: EpochMs,
  tags: Readonly<Record<string, string>> | undefined,
  recipe: Record<string, unknown>,
): ComponentSeed {
  const document = { RecipeFormatVersion: '2020-01-25', ComponentPublisher: 'Foundry Robotics', ...recipe };
  return { recipe: checkRecipe(document), createdAt, ...(tags ? { tags } : {}) };
}

export function line3Components(now: EpochMs): ComponentSeed[] {
  const jetson = Array.from({ length: JETSON_VERSIONS }, (_, index) => {
    const newest = index === JETSON_VERSIONS - 1;
    return modelComponent({
      name: JETSON_MODEL,
      version: `1.0.${index}`,
      architecture: 'aarch64',
      artifact: newest
        ? compiledUri(MODELS, 'defects-resnet101-ddp', 'jetson-xavier')
        : `s3://${MODELS}/${archiveKey(index)}`,
      createdAt: newest ? now - 13 * HOUR : now - (JETSON_VERSIONS - index) * 9 * DAY,
      ...(newest ? { tags: { 'training-job': 'defects-resnet101-ddp' } } : {}),
    });
  });
  const cpu = ['1.0.0', '1.0.1'].map((version, index) =>
    modelComponent({
      name: CPU_MODEL,
      version,
      architecture: 'amd64',
      artifact: compiledUri(MODELS, 'defects-resnet101-ddp', 'x86_64-cpu'),
      createdAt: now - (13 - index) * HOUR,
      tags: { 'training-job': 'defects-resnet101-ddp' },
    }),
  );
  const bolts = [
    // Somebody mistyped the artifact's name.
    modelComponent({
      name: BOLTS_MODEL,
      version: '1.0.0',
      architecture: 'amd64',
      artifact: compiledUri(MODELS, 'yolo-bolts-2', 'x86_64-cpu').replace('.tar.gz', '.tgz'),
      createdAt: now - 26 * HOUR,
    }),
  ];
  const inspector = (
    [
      ['2.3.0', 60],
      ['2.3.1', 12],
      ['2.4.0-rc.1', 1],
    ] as const
  ).map(([version, days]) =>
    component(now - days * DAY, undefined, {
      ComponentName: INSPECTOR,
      ComponentVersion: version,
      ComponentDescription: 'Looks at panels with the newest model and counts defects',
      ComponentDependencies: {
        [JETSON_MODEL]: { VersionRequirement: '>=1.0.0 <2.0.0', DependencyType: 'HARD' },
      },
      Manifests: [
        {
          Platform: { os: 'linux', architecture: 'aarch64' },
          Lifecycle: { Run: 'python3 -u {artifacts:decompressedPath}/inspector/main.py' },
          Artifacts: [{ URI: `s3://${MODELS}/apps/inspector.zip`, Unarchive: 'ZIP' }],
        },
      ],
    }),
  );
  return [...jetson, ...cpu, ...bolts, ...inspector];
}

const archiveKey = (version: number) => `archive/defects-resnet101/v${version}.tar.gz`;

/** What the older versions were made from. */
export function line3Objects(now: EpochMs): ObjectSeed[] {
  const archived = Array.from({ length: JETSON_VERSIONS - 1 }, (_, version) => ({
    bucket: MODELS,
    key: archiveKey(version),
    at: now - (JETSON_VERSIONS - version) * 9 * DAY,
    bytes: () => writeTarGz([{ name: 'compiled.so', content: filler(`v${version}`, 8 * 1024) }]),
  }));
  return [
    ...archived,
    {
      bucket: MODELS,
      key: 'apps/inspector.zip',
      at: now - 60 * DAY,
      bytes: () => filler('inspector', 12 * 1024),
    },
  ];
}

export function harborComponents(now: EpochMs): ComponentSeed[] {
  const artifact = compiledUri('harbor-models', 'yolo-crane', 'x86_64-cuda');
  return Array.from({ length: CRANE_VERSIONS }, (_, index) =>
    modelComponent({
      name: 'model-yolo-crane-x86_64-cuda',
      version: `1.${Math.floor(index / 50)}.${index % 50}`,
      architecture: 'amd64',
      artifact,
      createdAt: now - (CRANE_VERSIONS - index) * 6 * HOUR,
    }),
  );
}
