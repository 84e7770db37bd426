import type { Finding, Measures } from '../../contracts/quality.ts';

/** A frame as the sequence's checks see it. */
export interface SequenceFrame {
  number: number;
  measures: Pick<Measures, 'width' | 'height' | 'channels' | 'depth' | 'pixels'>;
  /** 64 × 36 pixels of red, green and blue; null where there is none: the frame is held against nothing then. */
  thumbnail: Uint8Array | null;
  /** It is of one colour. */
  isBlank?: boolean;
}

/** What a check of the sequence says of one of its frames. */
export interface SequenceFinding {
  frame: number;
  finding: Finding;
}

/** A frame with those before and after it, as far as they are there. */
export interface Around {
  /** The nearest first. */
  before: readonly SequenceFrame[];
  after: readonly SequenceFrame[];
}
