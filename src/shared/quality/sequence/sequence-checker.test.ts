import { describe, expect, it } from 'vitest';
import { CompiledPolicy } from '../policy.ts';
import { CommonCounter } from './consistent.ts';
import { findMissing } from './missing.ts';
import { SequenceChecker } from './sequence-checker.ts';
import type { SequenceFrame } from './sequence-frame.ts';

const [WIDTH, HEIGHT] = [64, 36];

/** A bright square on a ground of one colour. `key` stands for the pixels: equal keys, equal pictures. */
function frame(number: number, x: number, ground = 60, key = `${x} ${ground}`): SequenceFrame {
  const thumbnail = new Uint8Array(WIDTH * HEIGHT * 3).fill(ground);
  for (let row = 10; row < 26; row++)
    for (let column = 0; column < 16; column++) {
      const at = (row * WIDTH + ((Math.floor(x) + column) % WIDTH)) * 3;
      thumbnail.set(
        [230, 120, 30].map((value) => Math.round((value * ground) / 60)),
        at,
      );
    }
  const measures = { width: 160, height: 90, channels: 3, depth: 'uint8', pixels: key } as const;
  return { number, measures, thumbnail, isBlank: ground === 0 };
}

function look(frames: readonly SequenceFrame[], policy = new CompiledPolicy()): string[] {
  const checker = new SequenceChecker(policy);
  const found = [...frames.flatMap((one) => checker.add(one)), ...checker.finish()];
  return found.map(({ frame: number, finding }) => `${finding.check} ${number}`);
}

const moving = (count: number): SequenceFrame[] => Array.from({ length: count }, (_, i) => frame(i + 1, i));
const withOne = (at: number, other: (before: SequenceFrame) => SequenceFrame): SequenceFrame[] =>
  moving(30).map((one, index, all) => (one.number === at ? other(all[index - 1] ?? one) : one));

describe('SequenceChecker', () => {
  it('finds a lone black frame, one in other colours, and one that was shown twice', () => {
    expect(look(withOne(15, () => frame(15, 14, 0)))).toEqual(['outlier 15']);
    const shifted = withOne(15, () => {
      const one = frame(15, 14);
      one.thumbnail?.forEach((_, i, all) => {
        if (i % 3 === 0) all.subarray(i, i + 3).reverse();
      });
      return one;
    });
    expect(look(shifted)).toEqual(['outlier 15']);
    expect(look(withOne(15, (before) => ({ ...before, number: 15 })))).toEqual(['duplicate 15']);
  });

  it('takes cuts, strobes, fades, drawings on twos and threes, holds and end cards for what they are', () => {
    const clean: Record<string, SequenceFrame[]> = {
      moving: moving(30),
      cut: moving(30).map((one) => (one.number < 15 ? one : frame(one.number, one.number + 20, 110))),
      'cuts every three frames': moving(30).map((one) =>
        frame(one.number, one.number, one.number % 6 < 3 ? 40 : 110),
      ),
      strobe: moving(30).map((one) => frame(one.number, one.number, one.number % 2 === 0 ? 20 : 110)),
      'strobe of one in three': moving(30).map((one) =>
        frame(one.number, one.number, one.number % 3 === 0 ? 110 : 20),
      ),
      'fade from black and to it': moving(40).map((one) =>
        frame(one.number, one.number, Math.min(60, (20 - Math.abs(20 - one.number)) * 5)),
      ),
      'on twos': moving(30).map((one) => frame(one.number, 2 * Math.floor(one.number / 2))),
      'on threes': moving(30).map((one) => frame(one.number, 3 * Math.floor(one.number / 3))),
      hold: moving(30).map((one) =>
        frame(one.number, Math.min(one.number, 10) + Math.max(0, one.number - 20)),
      ),
      'end card': moving(30).map((one) => frame(one.number, Math.min(one.number, 15))),
      'turning round': moving(40).map((one) =>
        frame(one.number, 20 - Math.round(20 * Math.cos(one.number / 6))),
      ),
      'one frame': moving(1),
    };
    for (const [name, frames] of Object.entries(clean)) expect(look(frames), name).toEqual([]);
  });

  it('explains blank frames of a fade, and not a lone one', () => {
    const explained = (frames: SequenceFrame[]): number[] => {
      const checker = new SequenceChecker(new CompiledPolicy());
      for (const one of frames) checker.add(one);
      checker.finish();
      return checker.explainedBlanks;
    };
    expect(explained(moving(30).map((one) => frame(one.number, 0, Math.max(0, one.number - 3) * 2)))).toEqual(
      [1, 2, 3],
    );
    expect(explained(withOne(15, () => frame(15, 14, 0)))).toEqual([]);
  });

  it('explains what a broken worker or a dark shot gives, too: the gate does not go by it', () => {
    const explained = (frames: SequenceFrame[]): number[] => {
      const checker = new SequenceChecker(new CompiledPolicy());
      for (const one of frames) checker.add(one);
      checker.finish();
      return checker.explainedBlanks;
    };
    const chunk = moving(30).map((one) =>
      one.number > 10 && one.number <= 13 ? frame(one.number, 0, 0) : one,
    );
    expect(explained(chunk)).toEqual([11, 12, 13]);
    const night = moving(30).map((one) => frame(one.number, one.number, one.number === 15 ? 0 : 8));
    expect(explained(night)).toEqual([15]);
  });

  it('says nothing of what a policy switches off or calls intended', () => {
    const frames = withOne(15, () => frame(15, 14, 0));
    const intended = { intended: [{ frames: '10-20x5', checks: ['outlier' as const] }] };
    expect(look(frames, new CompiledPolicy(intended))).toEqual([]);
    expect(look(frames, new CompiledPolicy({ checks: { outlier: { verdict: 'off' } } }))).toEqual([]);
    expect(look(frames, new CompiledPolicy({ checks: { outlier: { threshold: 0.9 } } }))).toEqual([]);
    expect(
      look(frames, new CompiledPolicy({ intended: [{ frames: '16-20', checks: ['outlier'] }] })),
    ).toEqual(['outlier 15']);
  });

  it('tells frames that are unlike most', () => {
    const frames = moving(9).map((one) =>
      one.number === 4 ? { ...one, measures: { ...one.measures, width: 80, channels: 4 } } : one,
    );
    const common = new CommonCounter();
    for (const one of frames) common.add(one);
    const checker = new SequenceChecker(new CompiledPolicy(), common.most());
    const found = [...frames.flatMap((one) => checker.add(one)), ...checker.finish()];
    expect(found.map(({ frame: number, finding }) => [number, finding.check])).toEqual([
      [4, 'size'],
      [4, 'alpha'],
    ]);
  });

  it('keeps a few frames of a long sequence', () => {
    const checker = new SequenceChecker(new CompiledPolicy());
    let found = 0;
    const one = frame(0, 0);
    const other = frame(0, 20, 110);
    for (let number = 0; number < 100_000; number++)
      found += checker.add({ ...(number % 1_000 === 500 ? other : one), number }).length;
    expect(found + checker.finish().length).toBe(100);
  }, 120_000);
});

describe('findMissing', () => {
  it('finds gaps, in steps too', () => {
    expect(findMissing([1, 2, 3, 5, 8])).toEqual([4, 6, 7]);
    expect(findMissing([-4, -2, 0, 4, 6])).toEqual([2]);
    expect(findMissing([7])).toEqual([]);
    expect(findMissing([])).toEqual([]);
  });
});
