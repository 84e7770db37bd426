import { describe, expect, it } from 'vitest';
import { GpuSlots, parseGpus } from './gpus.ts';

describe('GPUs', () => {
  it('reads what nvidia-smi prints', () => {
    expect(parseGpus('NVIDIA H100 80GB HBM3, 81559\nNVIDIA A10, [N/A]\n')).toEqual([
      { name: 'NVIDIA H100 80GB HBM3', memoryBytes: 81_559 * 1_048_576 },
      { name: 'NVIDIA A10', memoryBytes: null },
    ]);
    expect(parseGpus('\n')).toEqual([]);
  });

  it('gives each task its own, and those without none', () => {
    const slots = new GpuSlots(3);
    const [first, second] = [slots.take(2), slots.take(1)];
    expect([first, second, slots.take(1)]).toEqual([[0, 1], [2], []]);
    slots.giveBack(first);
    expect(slots.take(1)).toEqual([0]);
    expect(slots.environment([1, 2])).toMatchObject({ CUDA_VISIBLE_DEVICES: '1,2' });
    expect(slots.environment([])).toMatchObject({ CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' });
    expect(new GpuSlots(0).environment([])).toEqual({});
  });
});
