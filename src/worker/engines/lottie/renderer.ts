import { readFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CanvasKit, ManagedSkottieAnimation, Surface } from 'canvaskit-wasm';
import sharp from 'sharp';
import { readLottie, type LottieAnimation } from '../../../shared/scenes/lottie-animation.ts';
import { FarmError } from '../../../shared/domain/errors.ts';
import { EngineFailure, type MovedFolder } from '../engine.ts';
import { decodeDataUrl, findFont } from './fonts.ts';
import { movedFiles, type MovedFiles } from './moved-files.ts';
import { charactersByFont, fillSlots, SlotError } from './slots.ts';

export interface LottieOptions {
  scenePath: string;
  data: Record<string, unknown>;
  /** `#rrggbb` or `#rrggbbaa` */
  background: string | undefined;
  /** 1 … 100, of JPEG and WebP */
  quality: number | undefined;
  format: string;
  width: number | undefined;
  height: number | undefined;
  /** Where absolute paths in it lead to here. */
  paths: readonly MovedFolder[];
}

/** Renders the frames of one Lottie animation with Skottie, in software, the same bytes for the same frame. */
export class LottieRenderer {
  readonly warnings: readonly string[];
  readonly #kit: CanvasKit;
  readonly #options: LottieOptions;
  readonly #lottie: LottieAnimation;
  readonly #animation: ManagedSkottieAnimation;
  readonly #surface: Surface;
  readonly #width: number;
  readonly #height: number;

  /** @throws EngineFailure `scene` or `missing-asset`, naming what is wrong */
  static async open(kit: CanvasKit, options: LottieOptions): Promise<LottieRenderer> {
    const lottie = readAndFill(options);
    return new LottieRenderer(kit, options, lottie, await movedFiles(lottie, options.paths));
  }

  private constructor(kit: CanvasKit, options: LottieOptions, lottie: LottieAnimation, moved: MovedFiles) {
    this.#kit = kit;
    this.#options = options;
    this.#lottie = lottie;
    const warnings = this.#lottie.notes.map((note) => `Lottie: ${note}.`);
    const assets = loadImages(kit, this.#lottie, options.scenePath, moved);
    loadFonts(kit, this.#lottie, { scenePath: options.scenePath, moved }, assets, warnings);
    this.#animation = parseAnimation(kit, this.#lottie, assets);
    [this.#width, this.#height] = outputSize(this.#lottie, options);
    const surface = kit.MakeSurface(this.#width, this.#height);
    if (!surface)
      throw new EngineFailure(
        'out-of-memory',
        `No memory for a picture of ${this.#width}×${this.#height} pixels.`,
      );
    this.#surface = surface;
    this.warnings = warnings;
  }

  /**
   * One frame as an encoded picture. Frame numbers are the animation's own: with `ip` 10 its first frame is 10.
   * The animation keeps its aspect: it is fitted into the picture, the rest is background.
   * @throws EngineFailure `scene` for a frame that the animation does not have
   */
  async render(frame: number): Promise<Buffer> {
    const { firstFrame, lastFrame, inPoint } = this.#lottie;
    if (frame < firstFrame || frame > lastFrame) {
      throw new EngineFailure(
        'scene',
        `The animation has frames ${firstFrame} to ${lastFrame}, and no frame ${frame}.`,
        {
          sessionUsable: true,
        },
      );
    }
    this.#animation.seekFrame(frame - inPoint);
    const canvas = this.#surface.getCanvas();
    canvas.clear(this.#background());
    this.#animation.render(canvas, this.#placement());
    this.#surface.flush();
    return this.#encode(this.#pixels());
  }

  /** Gives its memory back, which WebAssembly does not do by itself. */
  dispose(): void {
    this.#animation.delete();
    this.#surface.dispose();
  }

  #background(): Float32Array {
    const { background, format } = this.#options;
    if (background !== undefined) return this.#kit.parseColorString(background);
    // JPEG has no transparency; a page on which animations are played is white.
    return format === 'jpg' ? this.#kit.WHITE : this.#kit.TRANSPARENT;
  }

  #placement(): Float32Array {
    const { width, height } = this.#lottie;
    const scale = Math.min(this.#width / width, this.#height / height);
    const [w, h] = [width * scale, height * scale];
    return this.#kit.XYWHRect((this.#width - w) / 2, (this.#height - h) / 2, w, h);
  }

  #pixels(): Uint8Array {
    const image = this.#surface.makeImageSnapshot();
    const pixels = image.readPixels(0, 0, {
      width: this.#width,
      height: this.#height,
      colorType: this.#kit.ColorType.RGBA_8888,
      alphaType: this.#kit.AlphaType.Unpremul,
      colorSpace: this.#kit.ColorSpace.SRGB,
    });
    image.delete();
    if (!(pixels instanceof Uint8Array)) throw new EngineFailure('engine-crash', 'Skottie gave no pixels.');
    return pixels;
  }

  /** libvips encodes several times as fast as Skia in WebAssembly. */
  async #encode(pixels: Uint8Array): Promise<Buffer> {
    const picture = sharp(pixels, { raw: { width: this.#width, height: this.#height, channels: 4 } });
    const quality = this.#options.quality ?? 90;
    switch (this.#options.format) {
      case 'jpg':
        return picture.removeAlpha().jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
      case 'webp':
        return picture.webp({ quality }).toBuffer();
      default:
        return picture.png({ compressionLevel: 6 }).toBuffer();
    }
  }
}

function readAndFill(options: LottieOptions): LottieAnimation {
  try {
    const lottie = readLottie(readFileSync(options.scenePath), 'The scene');
    fillSlots(lottie.json, options.data);
    return lottie;
  } catch (error) {
    if (error instanceof FarmError || error instanceof SlotError)
      throw new EngineFailure('scene', error.message, { cause: error });
    throw error;
  }
}

function parseAnimation(
  kit: CanvasKit,
  lottie: LottieAnimation,
  assets: Record<string, ArrayBuffer>,
): ManagedSkottieAnimation {
  // The type says otherwise; it is null for what Skottie cannot use.
  const animation = kit.MakeManagedAnimation(
    JSON.stringify(lottie.json),
    assets,
  ) as ManagedSkottieAnimation | null;
  if (!animation)
    throw new EngineFailure('scene', 'Skottie cannot use this animation: its layers are malformed.');
  return animation;
}

/** Skottie finds images by file name only: each gets a name of its own, so that folders do not matter. */
function loadImages(
  kit: CanvasKit,
  lottie: LottieAnimation,
  scenePath: string,
  moved: MovedFiles,
): Record<string, ArrayBuffer> {
  const assets: Record<string, ArrayBuffer> = {};
  const missing: string[] = [];
  for (const [i, image] of lottie.images.entries()) {
    const beside = image.path === null ? null : join(dirname(scenePath), image.path);
    const file = moved.get(image) ?? beside;
    const bytes =
      image.embedded !== null
        ? decodeDataUrl(image.embedded)
        : file && existsSync(file)
          ? readFileSync(file)
          : null;
    if (!bytes) {
      missing.push(image.label);
      continue;
    }
    const decoded = kit.MakeImageFromEncoded(bytes);
    if (!decoded) throw new EngineFailure('scene', `${image.label} is not a picture that can be decoded.`);
    decoded.delete();
    const key = `image-${i}`;
    Object.assign(image.asset, { u: '', p: key, e: 0 });
    assets[key] = exactBuffer(bytes);
  }
  if (missing.length > 0)
    throw new EngineFailure(
      'missing-asset',
      `The animation needs pictures that are not there: ${missing.join(', ')}.`,
    );
  return assets;
}

function loadFonts(
  kit: CanvasKit,
  lottie: LottieAnimation,
  { scenePath, moved }: { scenePath: string; moved: MovedFiles },
  assets: Record<string, ArrayBuffer>,
  warnings: string[],
): void {
  const used = charactersByFont(lottie.json);
  // Outlines that were exported with the file need no font.
  const hasOutlines = Array.isArray(lottie.json['chars']) && lottie.json['chars'].length > 0;
  for (const font of lottie.fonts) {
    const found = findFont(font, scenePath, moved.get(font));
    const bytes = exactBuffer(found.bytes);
    assets[font.name] = bytes;
    const characters = used.get(font.name);
    if (!characters || hasOutlines) continue;
    if (found.substitute !== null)
      warnings.push(
        `The font ${font.name} is not beside the animation; ${found.substitute} stands in for it.`,
      );
    const absent = missingGlyphs(kit, bytes, font.name, [...characters]);
    if (absent.length > 0)
      warnings.push(
        `The font ${found.substitute ?? font.name} has no glyphs for: ${absent.slice(0, 20).join(' ')}`,
      );
  }
}

function missingGlyphs(kit: CanvasKit, bytes: ArrayBuffer, name: string, characters: string[]): string[] {
  const typeface = kit.Typeface.MakeTypefaceFromData(bytes);
  if (!typeface) throw new EngineFailure('scene', `The font ${name} is not a TrueType or OpenType font.`);
  const absent = characters.filter((character) => typeface.getGlyphIDs(character)[0] === 0);
  typeface.delete();
  return absent;
}

/** Output size: as asked; with one side given, the other one follows the animation's aspect. */
function outputSize(lottie: LottieAnimation, { width, height }: LottieOptions): [number, number] {
  const aspect = lottie.width / lottie.height;
  if (width !== undefined) return [width, height ?? Math.max(1, Math.round(width / aspect))];
  if (height !== undefined) return [Math.max(1, Math.round(height * aspect)), height];
  return [lottie.width, lottie.height];
}

function exactBuffer(bytes: Buffer): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
