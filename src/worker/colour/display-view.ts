/** How linear light becomes a picture for a screen. */
export type View = 'srgb' | 'filmic';

export interface DisplayView {
  view: View;
  /** Stops: 1 is twice the light. */
  exposure: number;
}

/** Linear light at which a view is white. */
const WHITE: Readonly<Record<View, number>> = { srgb: 1, filmic: 12 };
/** Of the film curve's input, so that middle grey keeps its place; as its author recommends. */
const FILM_SCALE = 0.6;

/**
 * One channel of linear light → what a screen is sent, 0 … 1.
 * `srgb`: light above 1 is white; the curve is that of IEC 61966-2-1. `filmic`: highlights roll off first, by the fit to the
 * ACES film curve of K. Narkowicz ("ACES Filmic Tone Mapping Curve", 2016). What is no number or negative is black.
 */
export function toDisplay(linear: number, { view, exposure }: DisplayView): number {
  const light = linear * 2 ** exposure;
  if (!(light > 0)) return 0;
  return srgb(Math.min(1, view === 'filmic' ? film(light) : light));
}

function film(light: number): number {
  const x = Math.min(light, WHITE.filmic) * FILM_SCALE;
  return (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14);
}

function srgb(linear: number): number {
  return linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
}

const ENTRIES = 16_384;

/** The same as a table for FFmpeg's `lut1d`, in the Cube format 1.0 of Adobe: from black to the light that is white. */
export function displayCube(display: DisplayView): string {
  const white = WHITE[display.view] / 2 ** display.exposure;
  const lines = Array.from({ length: ENTRIES }, (_, i) => {
    // Close steps where it is dark would be wanted; the format knows only even ones.
    const value = toDisplay((i / (ENTRIES - 1)) * white, display).toFixed(6);
    return `${value} ${value} ${value}`;
  });
  const top = white.toPrecision(9);
  return [`LUT_1D_SIZE ${ENTRIES}`, 'DOMAIN_MIN 0 0 0', `DOMAIN_MAX ${top} ${top} ${top}`, ...lines, ''].join(
    '\n',
  );
}
