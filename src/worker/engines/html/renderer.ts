import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import sharp from 'sharp';
import { FarmError } from '../../../shared/domain/errors.ts';
import { readHtmlPage, type HtmlPageFacts } from '../../../shared/scenes/html-page.ts';
import { EngineFailure, type MovedFolder } from '../engine.ts';
import type { CdpConnection } from './cdp-connection.ts';
import { HtmlPage } from './html-page.ts';
import { SceneFiles } from './scene-files.ts';

/** By the schema in engine.yaml. */
export interface HtmlSettings {
  /** `#rrggbb` or `#rrggbbaa` behind the page */
  background?: string;
  deviceScaleFactor?: number;
  waitFor?: string;
  /** 1 … 100, of JPEG and WebP */
  quality?: number;
}

export interface HtmlOptions {
  scenePath: string;
  sceneRoot: string;
  /** Where absolute paths in it lead to here. */
  paths: readonly MovedFolder[];
  data: Record<string, unknown>;
  settings: HtmlSettings;
  format: string;
  width: number | undefined;
  height: number | undefined;
  fps: number | undefined;
  startSeconds: number;
}

/** Less than what the worker waits, so that the page's own words about it are heard. */
const WAIT_SHARE = 0.25;
const MAX_WAIT_SECONDS = 60;

/** Renders the frames of one page. */
export class HtmlRenderer {
  readonly #options: HtmlOptions;
  readonly #facts: HtmlPageFacts;
  readonly #openPage: () => Promise<HtmlPage>;
  /** null: the next frame opens one. */
  #page: HtmlPage | null = null;

  /** @throws EngineFailure naming what is wrong with the page */
  static async open(connection: CdpConnection, options: HtmlOptions, threads: number): Promise<HtmlRenderer> {
    sharp.concurrency(threads);
    const facts = await factsOf(options.scenePath);
    const scale = options.settings.deviceScaleFactor ?? 1;
    const viewport = viewportOf(facts, options, scale);
    const files = await SceneFiles.in(options.sceneRoot, options.paths);
    const pageOptions = {
      files,
      address: await files.addressOf(options.scenePath),
      data: options.data,
      fps: options.fps ?? facts.fps,
      firstFrame: facts.firstFrame,
      viewport,
      deviceScaleFactor: scale,
      background: background(options),
      waitFor: options.settings.waitFor,
      waitSeconds: Math.min(MAX_WAIT_SECONDS, options.startSeconds * WAIT_SHARE),
    };
    const renderer = new HtmlRenderer(options, facts, () => HtmlPage.open(connection, pageOptions));
    await renderer.#pageFor(facts.firstFrame);
    return renderer;
  }

  private constructor(options: HtmlOptions, facts: HtmlPageFacts, openPage: () => Promise<HtmlPage>) {
    this.#options = options;
    this.#facts = facts;
    this.#openPage = openPage;
  }

  /** Ends its page. */
  async close(): Promise<void> {
    const page = this.#page;
    this.#page = null;
    await page?.close();
  }

  /** @throws EngineFailure `scene` for a frame that the page does not have */
  async render(frame: number): Promise<{ bytes: Buffer; warnings: string[]; format: string }> {
    const { firstFrame, lastFrame } = this.#facts;
    if (frame < firstFrame || frame > (lastFrame ?? Infinity)) {
      const range = lastFrame === null ? `from ${firstFrame} on` : `${firstFrame} to ${lastFrame}`;
      throw new EngineFailure('scene', `The page has frames ${range}, and no frame ${frame}.`, {
        sessionUsable: true,
      });
    }
    const page = await this.#pageFor(frame);
    const { png, warnings } = await page.render(frame);
    return { bytes: await this.#encode(png), warnings, format: this.#options.format };
  }

  /** A page that has gone past the frame is left for a new one, which has nothing of what the other one stored. */
  async #pageFor(frame: number): Promise<HtmlPage> {
    if (this.#page?.reaches(frame)) return this.#page;
    await this.close();
    return (this.#page = await this.#openPage());
  }

  async #encode(png: Buffer): Promise<Buffer> {
    const quality = this.#options.settings.quality ?? 90;
    switch (this.#options.format) {
      case 'jpg':
        return sharp(png).removeAlpha().jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
      case 'webp':
        return sharp(png).webp({ quality }).toBuffer();
      default:
        return png;
    }
  }
}

async function factsOf(path: string): Promise<HtmlPageFacts> {
  try {
    return readHtmlPage(await readFile(path), basename(path));
  } catch (error) {
    if (error instanceof FarmError) throw new EngineFailure('scene', error.message, { cause: error });
    throw error;
  }
}

/** The picture's size in CSS pixels: as asked; with one side given, the other one follows the page's own aspect. */
function viewportOf(
  facts: HtmlPageFacts,
  { width, height }: Pick<HtmlOptions, 'width' | 'height'>,
  scale: number,
): { width: number; height: number } {
  const aspect = facts.width / facts.height;
  const [w, h] =
    width !== undefined
      ? [width, height ?? Math.max(1, Math.round(width / aspect))]
      : height !== undefined
        ? [Math.max(1, Math.round(height * aspect)), height]
        : [facts.width * scale, facts.height * scale];
  for (const [side, pixels] of [
    ['width', w],
    ['height', h],
  ] as const) {
    if (Number.isInteger(pixels / scale)) continue;
    throw new EngineFailure(
      'scene',
      `The ${side} of ${pixels} pixels is no multiple of settings.deviceScaleFactor, ${scale}; choose one that is.`,
    );
  }
  return { width: w / scale, height: h / scale };
}

/** Transparent, where the format can be; a page on a screen is white. */
function background({ settings, format }: HtmlOptions): { r: number; g: number; b: number; a: number } {
  const text = settings.background ?? (format === 'jpg' ? '#ffffff' : '#00000000');
  const byte = (at: number): number => Number.parseInt(text.slice(at, at + 2), 16);
  return { r: byte(1), g: byte(3), b: byte(5), a: text.length > 7 ? byte(7) / 255 : 1 };
}
