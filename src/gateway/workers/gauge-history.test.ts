import { describe, expect, it } from 'vitest';
import { heartbeatOf } from '../../../test/support/heartbeat.ts';
import { HISTORY_SAMPLES } from '../../shared/contracts/worker-api.ts';
import { GaugeHistory } from './gauge-history.ts';

const busy = (load: number, workerId = 'w1') =>
  heartbeatOf({ workerId, load, cores: 4, memoryBytes: 100, freeMemoryBytes: 50, slots: 2 });
const at = (second: number): number => 1_000_000_000_000 + second * 1_000;

describe('what workers said in the last ten minutes', () => {
  it('is a letter for each ten seconds: their mean, from A for nothing to Z for all', () => {
    const history = new GaugeHistory();
    for (const [second, load] of [
      [0, 0],
      [2, 4],
      [10, 0],
      [12, 0],
      [20, 9],
    ] as const)
      history.add(busy(load), at(second));
    expect(history.tell(at(21)).workers).toEqual({ w1: { cpu: 'NAZ', memory: 'NNN', slots: 'AAA' } });
  });

  it('has a gap where nothing was heard, and is not changed by being told', () => {
    const history = new GaugeHistory();
    history.add(busy(4), at(0));
    history.add(busy(4), at(40));
    expect(history.tell(at(41)).workers['w1']?.cpu).toBe('Z...Z');
    expect(history.tell(at(75)).workers['w1']?.cpu).toBe('Z...Z..');
    history.add(busy(0), at(42));
    expect(history.tell(at(43)).workers['w1']?.cpu).toBe('Z...N');
  });

  it('is bounded in time, and silent workers are forgotten', () => {
    const history = new GaugeHistory();
    for (let second = 0; second < 3_000; second += 10) history.add(busy(1), at(second));
    history.add(busy(1, 'w2'), at(3_000));
    expect(history.tell(at(3_001)).workers['w1']?.cpu).toHaveLength(HISTORY_SAMPLES);
    expect(Object.keys(history.tell(at(3_650)).workers)).toEqual([]);
    expect(history.tell(at(3_001), 'nobody').workers).toEqual({});
  });
});
