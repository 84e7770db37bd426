/** A picture line by line, as decoders give it. */
export interface PictureShape {
  width: number;
  height: number;
  /** What is measured: at most four; the last is alpha where `alpha` says so. */
  channels: number;
  alpha: boolean;
  depth: 'uint8' | 'uint16' | 'uint32' | 'half' | 'float' | 'mixed';
  /** Of the whole file, also of what is not measured. */
  allChannels: number;
  /** Of integers the largest value; null for linear light, where white is 1 and more is there. */
  white: number | null;
  /** Colours are multiplied with alpha already. */
  premultiplied: boolean;
}

/** Takes a picture's lines of light from a decoder, one channel after another. */
export interface PictureSink {
  /** Called as soon as the header is read: who wants another size throws, and nothing is decoded. */
  size?: (width: number, height: number) => void;
  /** Called once, before any line. */
  begin: (shape: PictureShape) => void;
  /** Lines may come in any order, and in pieces (`x` is where one begins), but each sample once. */
  line: (x: number, y: number, channels: readonly Float32Array[], length: number) => void;
  /** The decoded bytes, in the order in which they are hashed. */
  bytes: (bytes: Uint8Array) => void;
  notFinite: (notANumber: number, infinite: number) => void;
}

/** Samples of integers as decoders of screen formats give them. */
export type Integers = Uint8Array | Uint16Array;

/** Takes pictures of integers as well, without their being taken apart first. */
export interface IntegerSink extends PictureSink {
  /** A whole line: the samples of a pixel side by side, as many as the picture has channels. */
  integerLine: (y: number, samples: Integers) => void;
}
