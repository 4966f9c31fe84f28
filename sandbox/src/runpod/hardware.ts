/** The machines that a pod can be had on here, with round prices near RunPod's own of 2026. Others are out of stock. */

interface GpuType {
  /** US dollars per GPU and hour; undefined: not sold on that cloud. */
  SECURE?: number;
  COMMUNITY?: number;
  /** Of its host for each GPU. */
  vcpus: number;
  memoryGb: number;
}

const GPUS: Readonly<Record<string, GpuType>> = {
  'NVIDIA RTX A4000': { SECURE: 0.25, COMMUNITY: 0.17, vcpus: 5, memoryGb: 16 },
  'NVIDIA RTX A5000': { SECURE: 0.27, COMMUNITY: 0.16, vcpus: 9, memoryGb: 25 },
  'NVIDIA GeForce RTX 4090': { SECURE: 0.69, COMMUNITY: 0.34, vcpus: 6, memoryGb: 41 },
  'NVIDIA GeForce RTX 5090': { SECURE: 0.94, COMMUNITY: 0.69, vcpus: 9, memoryGb: 35 },
  'NVIDIA L40S': { SECURE: 0.86, COMMUNITY: 0.79, vcpus: 16, memoryGb: 94 },
  'NVIDIA A100 80GB PCIe': { SECURE: 1.64, COMMUNITY: 1.19, vcpus: 8, memoryGb: 117 },
  'NVIDIA A100-SXM4-80GB': { SECURE: 1.74, vcpus: 16, memoryGb: 125 },
  'NVIDIA H100 80GB HBM3': { SECURE: 2.99, vcpus: 20, memoryGb: 125 },
};

const CPUS: Readonly<Record<string, { perVcpu: number; memoryPerVcpuGb: number }>> = {
  cpu3c: { perVcpu: 0.03, memoryPerVcpuGb: 2 },
  cpu3g: { perVcpu: 0.04, memoryPerVcpuGb: 4 },
  cpu5c: { perVcpu: 0.035, memoryPerVcpuGb: 2 },
  cpu5g: { perVcpu: 0.05, memoryPerVcpuGb: 4 },
};

/** GPUs in one host. */
const MOST_GPUS = 8;

/** @returns US dollars an hour; undefined where there is no such machine */
export function costPerHour(
  gpu: { id: string; count: number } | undefined,
  cpu: { id: string; vcpuCount: number } | undefined,
  cloud: 'SECURE' | 'COMMUNITY',
): number | undefined {
  const cents = (dollars: number): number => Math.round(dollars * 1000) / 1000;
  if (gpu) {
    const price = gpu.count > MOST_GPUS ? undefined : GPUS[gpu.id]?.[cloud];
    return price === undefined ? undefined : cents(price * gpu.count);
  }
  const flavor = cpu && CPUS[cpu.id];
  return flavor ? cents(flavor.perVcpu * cpu.vcpuCount) : undefined;
}

/** What the host gives to a pod beside its GPUs or as its CPUs, as answers tell it. */
export function gpuFacts(gpu: { id: string; count: number }): Record<string, unknown> {
  const type = GPUS[gpu.id];
  return { ...gpu, vcpuCount: (type?.vcpus ?? 1) * gpu.count, memory: (type?.memoryGb ?? 1) * gpu.count };
}

export function cpuFacts(cpu: { id: string; vcpuCount: number }): Record<string, unknown> {
  return { ...cpu, memory: (CPUS[cpu.id]?.memoryPerVcpuGb ?? 2) * cpu.vcpuCount };
}

export const isVcpuCount = (count: number): boolean => Number.isInteger(Math.log2(count));
