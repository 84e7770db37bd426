import type { EncodePreset } from './presets.ts';

export interface FilterRequest {
  preset: EncodePreset;
  /** Size asked for; the pictures are fitted into it. */
  width: number | undefined;
  height: number | undefined;
  extension: string;
  hasAlpha: boolean;
  /** Filters that cover or write over the pictures when they have their size. */
  overlays: readonly string[];
}

/** The table that makes linear light a picture; a file in the working folder. */
export const VIEW_CUBE = 'view.cube';

/** From decoded pictures to what the encoder takes: light, transparency, size, writing, colour. */
export function pictureFilters(request: FilterRequest): string[] {
  const { preset, extension, overlays } = request;
  const keepsAlpha = request.hasAlpha && preset.keepsAlpha;
  const steps: string[] = extension === 'exr' ? lightToDisplay() : [];
  // Transparent pictures are flattened on black.
  if (request.hasAlpha && !keepsAlpha) steps.push('format=gbrap', 'premultiply=inplace=1', 'format=gbrp');
  steps.push(...sizeFilters(request, keepsAlpha));
  const pixelFormat = preset.pixelFormat(keepsAlpha);
  if (overlays.length > 0) steps.push(`format=${keepsAlpha ? 'rgba' : 'rgb24'}`, ...overlays);
  if (pixelFormat === null) return steps;
  steps.push('scale=out_color_matrix=bt709:out_range=tv', `format=${pixelFormat}`);
  // Without these players guess, and guess by size.
  steps.push('setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709');
  return steps;
}

function sizeFilters({ preset, width, height }: FilterRequest, keepsAlpha: boolean): string[] {
  const by = { width: preset.even === 'none' ? 1 : 2, height: preset.even === 'both' ? 2 : 1 };
  const [w, h] = [multipleOf(by.width, width), multipleOf(by.height, height)];
  const around = keepsAlpha ? ':color=black@0' : '';
  if (w !== undefined && h !== undefined) {
    const fit = `force_original_aspect_ratio=decrease:force_divisible_by=${Math.max(by.width, by.height)}`;
    return [`scale=${w}:${h}:${fit}`, `pad=${w}:${h}:(ow-iw)/2:(oh-ih)/2${around}`];
  }
  if (w !== undefined || h !== undefined) return [`scale=${w ?? -by.width}:${h ?? -by.height}`];
  if (preset.even === 'none') return [];
  // Colour at half the resolution needs even sides: an odd one gets a black row or column.
  const evenHeight = preset.even === 'both' ? 'ceil(ih/2)*2' : 'ih';
  return [`pad=ceil(iw/2)*2:${evenHeight}:0:0${around}`];
}

/** EXR holds linear light, multiplied by alpha already: dropping alpha leaves it on black. */
function lightToDisplay(): string[] {
  return ['format=gbrpf32', `lut1d=${VIEW_CUBE}`, 'format=gbrp16'];
}

function multipleOf(by: number, side: number | undefined): number | undefined {
  return side === undefined ? undefined : Math.max(by, Math.ceil(side / by) * by);
}
