import type { Check, CheckVerdict } from '../../contracts/quality.ts';
import type { MeasuredPicture } from '../measure/measurer.ts';
import type { MeasuredVideo } from '../video/measure-video.ts';

/** What a job asked for. */
export interface Expected {
  width?: number | undefined;
  height?: number | undefined;
  /** Of videos. */
  fps?: number | undefined;
}

/** What a check has to say. */
export interface Found {
  /** One sentence, with figures and units. */
  message: string;
  /** In the check's own unit; null where the answer is yes or no. */
  value: number | null;
}

interface CommonCheck {
  name: Check;
  /** What comes of it where no policy says otherwise. */
  verdict: CheckVerdict;
  /** Where no policy says otherwise, in the unit of `docs/quality.md`; null: it has none, or is not made without one. */
  threshold: number | null;
}

/** One way to look at a decoded picture. */
export interface PictureCheck extends CommonCheck {
  look: (picture: MeasuredPicture, threshold: number | null, expected: Expected) => Found | null;
}

/** One way to look at a decoded video. */
export interface VideoCheck extends CommonCheck {
  look: (video: MeasuredVideo, threshold: number | null, expected: Expected) => Found | null;
}

/** A figure in a sentence: `12`, `0.034`. */
export const figure = (value: number): string => String(Number(value.toPrecision(3)));

export const percent = (share: number): string => `${figure(share * 100)} %`;
