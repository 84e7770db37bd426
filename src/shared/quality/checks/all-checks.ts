import { alphaCheck } from './alpha.ts';
import { audioSilenceCheck } from './audio-silence.ts';
import { blankCheck } from './blank.ts';
import type { PictureCheck, VideoCheck } from './check.ts';
import { depthCheck } from './depth.ts';
import { firefliesCheck } from './fireflies.ts';
import { notANumberCheck } from './not-a-number.ts';
import { sizeCheck } from './size.ts';
import { videoBlackCheck, videoBlackStretchCheck } from './video-black.ts';
import { videoDurationCheck } from './video-duration.ts';
import { videoFramesCheck } from './video-frames.ts';
import { videoFreezeCheck, videoFreezeStretchCheck } from './video-freeze.ts';
import { videoRateCheck } from './video-rate.ts';

export const PICTURE_CHECKS: readonly PictureCheck[] = [
  sizeCheck,
  depthCheck,
  alphaCheck,
  notANumberCheck,
  blankCheck,
  firefliesCheck,
];

export const VIDEO_CHECKS: readonly VideoCheck[] = [
  videoFramesCheck,
  videoRateCheck,
  videoDurationCheck,
  videoBlackCheck,
  videoBlackStretchCheck,
  videoFreezeCheck,
  videoFreezeStretchCheck,
  audioSilenceCheck,
];
