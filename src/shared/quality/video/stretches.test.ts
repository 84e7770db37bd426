import { describe, expect, it } from 'vitest';
import { judgeVideo } from '../judge.ts';
import { CompiledPolicy } from '../policy.ts';
import type { QualityPolicy } from '../../contracts/quality.ts';
import { qualityPolicySchema } from '../../contracts/quality.ts';
import type { MeasuredVideo } from './measure-video.ts';
import { readDetections } from './read-detections.ts';
import { outside, parseStretches } from '../../domain/stretches.ts';

/** As FFmpeg 5 prints it. */
const LINES = [
  '[blackdetect @ 0x55] black_start:0 black_end:1.2 black_duration:1.2',
  '[Parsed_freezedetect_1 @ 0x56] lavfi.freezedetect.freeze_start: 0',
  '[Parsed_freezedetect_1 @ 0x56] lavfi.freezedetect.freeze_duration: 1.16',
  '[Parsed_freezedetect_1 @ 0x56] lavfi.freezedetect.freeze_end: 1.16',
  '[silencedetect @ 0x57] silence_start: -0.02',
  '[silencedetect @ 0x57] silence_end: 2 | silence_duration: 2.02',
  '[blackdetect @ 0x55] black_start:30 black_end:37 black_duration:7',
  '[Parsed_freezedetect_1 @ 0x56] lavfi.freezedetect.freeze_start: 58.5',
];

const video: MeasuredVideo = {
  ...{ frames: 1_500, claimedFrames: 1_500, fps: 25, seconds: 60, width: 160, height: 90 },
  ...readDetections(LINES, 60),
};

function found(policy: QualityPolicy = {}): [string, string][] {
  const compiled = new CompiledPolicy(qualityPolicySchema.parse(policy));
  return judgeVideo(video, compiled, {}, null).findings.map(({ check, message }) => [check, message]);
}

describe('stretches of a film', () => {
  it('are read with their begin and end', () => {
    expect(video).toMatchObject({
      black: [
        { start: 0, end: 1.2 },
        { start: 30, end: 37 },
      ],
      frozen: [
        { start: 0, end: 1.16 },
        { start: 58.5, end: 60 },
      ],
      silent: [{ start: 0, end: 2 }],
    });
  });

  it('are told where they are too long, and where all together are', () => {
    expect(found()).toEqual([['video-black-stretch', 'It is black for 7 s on end, from 30 s to 37 s.']]);
    expect(found({ checks: { 'video-black': { threshold: 0.1 } } })[0]).toEqual([
      'video-black',
      'It is black for 13.7 % of the time: 0–1.2 s and 30–37 s.',
    ]);
    expect(found({ checks: { 'video-freeze-stretch': { threshold: 1.4 } } })[1]).toEqual([
      'video-freeze-stretch',
      'Nothing moves for 1.5 s on end, from 58.5 s to 60 s.',
    ]);
  });

  it('that are intended are left out, as far as they are', () => {
    const intended = (seconds: string): QualityPolicy => ({
      intended: [{ seconds, checks: ['video-black-stretch'] }],
    });
    expect(found(intended('30-37'))).toEqual([]);
    expect(found(intended('0-2,31-38'))).toEqual([]);
    expect(found(intended('35-40'))).toEqual([]);
    expect(found(intended('36-40'))).toEqual([
      ['video-black-stretch', 'It is black for 6 s on end, from 30 s to 36 s.'],
    ]);
  });

  it('are written as seconds, of which the second is the later one', () => {
    expect(parseStretches('0-1.5, 58-60')).toEqual([
      { start: 0, end: 1.5 },
      { start: 58, end: 60 },
    ]);
    for (const text of ['', '5', '3-2', '1-2-3', 'a-b', '-1-2', Array(201).fill('1-2').join(',')])
      expect(parseStretches(text), text).toBeUndefined();
    expect(outside([{ start: 0, end: 10 }], [{ start: 2, end: 3 }])).toHaveLength(2);
    const both = { intended: [{ frames: '1', seconds: '1-2', checks: ['blank'] }] };
    expect(qualityPolicySchema.safeParse(both).error?.issues[0]?.message).toContain('frames or seconds');
  });
});
