import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding, FrameQuality, Verdict } from '../../shared/contracts/quality.ts';
import { judgeResult, worstOf, type EarlierResult } from './judge-result.ts';

const found = (verdict: Finding['verdict']): Finding => ({
  check: 'blank',
  verdict,
  message: 'It is blank.',
  value: 0,
  threshold: 0,
});
const PIXELS = { black: '0'.repeat(64), noise: '1'.repeat(64), other: '2'.repeat(64) };
const result = (verdict: Verdict, pixels: string | null = PIXELS.black): FrameQuality => ({
  verdict,
  findings: verdict === 'pass' ? [] : [found(verdict)],
  measures:
    pixels === null
      ? null
      : {
          width: 8,
          height: 8,
          channels: 3,
          depth: 'uint8',
          min: [],
          max: [],
          mean: [],
          notANumber: 0,
          infinite: 0,
          pixels,
        },
});
const earlier = (changes: Partial<EarlierResult>): EarlierResult => ({
  key: '1',
  generation: 1,
  worker: 'w1',
  attempt: 't1-1-1',
  verdict: 'fail',
  pixels: PIXELS.noise,
  decision: 'rendered-again',
  ...changes,
});
const gate = { mode: 'gate' } as const;
const first = { worker: 'w1', generation: 1 };
const second = { worker: 'w2', generation: 2 };

describe('judging a result', () => {
  it('takes what passed, warns or cannot be decoded', () => {
    for (const verdict of ['pass', 'warn', 'unchecked'] as const)
      expect(judgeResult(result(verdict), gate, first, [])).toMatchObject({ becomes: 'done', verdict });
  });

  it('goes by the gravest of what was found, whatever the worker makes of it', () => {
    const claimed = { ...result('pass'), findings: [found('hold')] };
    expect(judgeResult(claimed, gate, first, [])).toMatchObject({ becomes: 'held', verdict: 'hold' });
  });

  it('renders a failed frame again so often as the policy says, and then asks', () => {
    const again = { becomes: 'ready', decision: 'rendered-again' };
    expect(judgeResult(result('fail'), gate, first, [])).toMatchObject(again);
    expect(judgeResult(result('fail'), gate, second, [earlier({})])).toMatchObject({
      becomes: 'held',
      decision: 'held',
    });
    expect(judgeResult(result('fail'), { ...gate, rerenders: 2 }, second, [earlier({})])).toMatchObject(
      again,
    );
    expect(judgeResult(result('fail'), { ...gate, rerenders: 0 }, first, [])).toMatchObject({
      becomes: 'held',
    });
  });

  it('begins to count anew when a person has asked for it', () => {
    const before = [earlier({}), earlier({ generation: 2, pixels: PIXELS.other, decision: 'retried' })];
    expect(judgeResult(result('fail'), gate, { worker: 'w1', generation: 3 }, before).becomes).toBe('ready');
  });

  it('takes equal pixels for how the scene looks, but not those of files that nobody could decode', () => {
    const before = [earlier({ pixels: PIXELS.black })];
    const settled = judgeResult(result('fail'), { ...gate, rerenders: 9 }, second, before);
    expect(settled).toMatchObject({ becomes: 'done', verdict: 'warn', decision: 'settled' });
    expect(settled.findings.at(-1)?.message).toContain('Worker w2 made the same pixels as w1');
    expect(judgeResult(result('fail', null), gate, second, [earlier({ pixels: null })]).becomes).toBe('held');
  });

  it('asks about what is to be held, unless a person has accepted the same picture', () => {
    expect(judgeResult(result('hold'), gate, second, [earlier({ pixels: PIXELS.black })]).becomes).toBe(
      'held',
    );
    const accepted = [earlier({ pixels: PIXELS.black, decision: 'accepted' })];
    expect(judgeResult(result('hold'), gate, second, accepted)).toMatchObject({
      becomes: 'done',
      verdict: 'warn',
    });
  });

  it('ends for every policy and whatever workers make of a frame', () => {
    const outcome = fc.record({
      verdict: fc.constantFrom<Verdict>('pass', 'unchecked', 'warn', 'fail', 'hold'),
      pixels: fc.constantFrom(null, ...Object.values(PIXELS)),
    });
    fc.assert(
      fc.property(
        fc.array(outcome, { minLength: 12, maxLength: 12 }),
        fc.integer({ min: 0, max: 10 }),
        (outcomes, rerenders) => {
          const before: EarlierResult[] = [];
          for (const [index, { verdict, pixels }] of outcomes.entries()) {
            const policy = { mode: 'gate', rerenders } as const;
            const judged = judgeResult(
              result(verdict, pixels),
              policy,
              { worker: 'w', generation: index + 1 },
              before,
            );
            if (judged.becomes !== 'ready') {
              expect(judged.verdict === 'fail' || judged.verdict === 'hold').toBe(judged.becomes === 'held');
              expect(index).toBeLessThanOrEqual(rerenders);
              return;
            }
            before.push(
              earlier({
                generation: index + 1,
                verdict: worstOf([], verdict),
                pixels,
                decision: 'rendered-again',
              }),
            );
          }
          throw new Error('It was rendered more often than the policy says');
        },
      ),
    );
  });
});
