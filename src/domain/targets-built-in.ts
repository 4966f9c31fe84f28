/**
 * The targets that every use case has without saying anything, and the words that SageMaker Neo knows.
 * A new target is one entry of BUILT_IN_TARGETS. Options that Neo takes differ with the JetPack and
 * TensorRT on the device: a use case overrides them where its devices have others.
 */

/** What one entry says; the same shape as in a use case's settings. */
export interface TargetSettings {
  description?: string | undefined;
  /** One of TARGET_DEVICES. Excludes `platform`. */
  device?: string | undefined;
  platform?: { os: string; arch: string; accelerator?: string | undefined } | undefined;
  /** Compiler options: an object, or JSON text. An empty object: none. */
  options?: string | Readonly<Record<string, unknown>> | undefined;
  /** `architecture` of the Greengrass platform, where it does not follow from device or platform. */
  architecture?: string | undefined;
}

const XAVIER = {
  'gpu-code': 'sm_72',
  'max-workspace-size': '2147483648',
  'precision-mode': 'fp16',
  'jetson-platform': 'xavier',
} as const;

export const BUILT_IN_TARGETS: Readonly<Record<string, TargetSettings>> = {
  'jetson-xavier': {
    description: 'NVIDIA Jetson Xavier, JetPack 4.6',
    platform: { os: 'LINUX', arch: 'ARM64', accelerator: 'NVIDIA' },
    options: { 'cuda-ver': '10.2', 'trt-ver': '8.2.1', ...XAVIER },
  },
  'jetson-xavier-jp5': {
    description: 'NVIDIA Jetson Xavier, JetPack 5',
    platform: { os: 'LINUX', arch: 'ARM64', accelerator: 'NVIDIA' },
    options: { 'cuda-ver': '11.4', 'trt-ver': '8.5.2', ...XAVIER },
  },
  'x86_64-cpu': {
    description: 'Linux on 64-bit Intel or AMD',
    platform: { os: 'LINUX', arch: 'X86_64' },
  },
  'x86_64-cuda': {
    description: 'Linux on 64-bit Intel or AMD with an NVIDIA GPU (Turing)',
    platform: { os: 'LINUX', arch: 'X86_64', accelerator: 'NVIDIA' },
    options: {
      'cuda-ver': '10.2',
      'gpu-code': 'sm_75',
      'trt-ver': '8.2.1',
      'max-workspace-size': '2147483648',
      'precision-mode': 'fp16',
    },
  },
  'arm64-cpu': {
    description: 'Linux on 64-bit ARM',
    platform: { os: 'LINUX', arch: 'ARM64' },
  },
};

/** `architecture` of a Greengrass recipe's platform. */
export const GREENGRASS_ARCHITECTURES = ['amd64', 'aarch64', 'arm', 'x86'] as const;
export type GreengrassArchitecture = (typeof GREENGRASS_ARCHITECTURES)[number];

/** Neo's TargetPlatform (service model 2017-07-24); each Arch with what Greengrass calls it. */
export const PLATFORM_OS = ['ANDROID', 'LINUX'] as const;
export const PLATFORM_ARCH: Readonly<Record<string, GreengrassArchitecture>> = {
  X86_64: 'amd64',
  X86: 'x86',
  ARM64: 'aarch64',
  ARM_EABI: 'arm',
  ARM_EABIHF: 'arm',
};
export const PLATFORM_ACCELERATOR = ['INTEL_GRAPHICS', 'MALI', 'NVIDIA', 'NNA'] as const;

/**
 * Every TargetDevice (service model 2017-07-24), each with its Greengrass architecture where a Greengrass
 * core device of that kind has only one; undefined: the use case has to say it.
 */
export const TARGET_DEVICES: Readonly<Record<string, GreengrassArchitecture | undefined>> = {
  lambda: undefined,
  ml_m4: 'amd64',
  ml_m5: 'amd64',
  ml_m6g: 'aarch64',
  ml_c4: 'amd64',
  ml_c5: 'amd64',
  ml_c6g: 'aarch64',
  ml_p2: 'amd64',
  ml_p3: 'amd64',
  ml_g4dn: 'amd64',
  ml_inf1: 'amd64',
  ml_inf2: 'amd64',
  ml_trn1: 'amd64',
  ml_eia2: 'amd64',
  jetson_tx1: 'aarch64',
  jetson_tx2: 'aarch64',
  jetson_nano: 'aarch64',
  jetson_xavier: 'aarch64',
  rasp3b: undefined,
  rasp4b: undefined,
  imx8qm: 'aarch64',
  deeplens: 'amd64',
  rk3399: 'aarch64',
  rk3288: 'arm',
  aisage: 'aarch64',
  sbe_c: undefined,
  qcs605: undefined,
  qcs603: undefined,
  sitara_am57x: 'arm',
  amba_cv2: undefined,
  amba_cv22: undefined,
  amba_cv25: undefined,
  x86_win32: undefined,
  x86_win64: undefined,
  coreml: undefined,
  jacinto_tda4vm: 'aarch64',
  imx8mplus: 'aarch64',
};
