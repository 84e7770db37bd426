/** Formats that every browser shows. */
const SHOWN = /\.(?:png|jpe?g|webp)$/i;
/** A page of thumbnails stays light with files of this size. */
const SMALL_BYTES = 65_536;

/**
 * Whether a frame's picture is so small that it is its own thumbnail. None is made then: for frames of a tenth of a second
 * making one costs more than all the rest that is done with the picture.
 * @param name the file's name or key; its ending tells the format
 */
export function isOwnThumbnail(name: string, bytes: number): boolean {
  return bytes <= SMALL_BYTES && SHOWN.test(name);
}
