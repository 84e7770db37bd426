import { fileURLToPath } from 'node:url';
import sharp, { type OverlayOptions } from 'sharp';
import type { HelperRequest, Size } from './helper-requests.ts';

const FONT_FILE = fileURLToPath(new URL('../engines/lottie/fonts/Inter-Regular.ttf', import.meta.url));
const GREY = '#2a2a2a';
const RED = '#5c1f1f';
const GROUND = '#161616';
/** Below each picture of a contact sheet, for its frame's number. */
const LABEL_HEIGHT = 20;
const GAP = 6;

/** A text as a picture; white, in a font that comes with the product. */
async function textPicture(text: string, size: number): Promise<{ input: Buffer } & Size> {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const { data, info } = await sharp({
    text: {
      text: `<span foreground="white">${escaped || ' '}</span>`,
      ...{ font: `Inter ${size}`, fontfile: FONT_FILE, rgba: true, dpi: 72 },
    },
  })
    .png()
    .toBuffer({ resolveWithObject: true });
  return { input: data, width: info.width, height: info.height };
}

async function centred(
  text: string,
  size: number,
  box: Size & { left: number; top: number },
): Promise<OverlayOptions[]> {
  const { input, width, height } = await textPicture(text, size);
  if (width > box.width || height > box.height) return [];
  return [
    {
      input,
      left: box.left + Math.floor((box.width - width) / 2),
      top: box.top + Math.floor((box.height - height) / 2),
    },
  ];
}

/** A grey picture with lines of text in its middle. */
export async function writeSlate({
  to,
  width,
  height,
  lines,
}: Extract<HelperRequest, { do: 'slate' }>): Promise<Size> {
  const size = Math.max(9, Math.round(height / 14));
  const lineHeight = Math.min(size * 2, Math.floor(height / Math.max(1, lines.length)));
  const first = Math.floor((height - lineHeight * lines.length) / 2);
  const texts = await Promise.all(
    lines.map((text, i) =>
      centred(text, size, { left: 0, top: first + i * lineHeight, width, height: lineHeight }),
    ),
  );
  const info = await sharp({ create: { width, height, channels: 3, background: GREY } })
    .composite(texts.flat())
    .jpeg({ quality: 90, chromaSubsampling: '4:4:4' })
    .toFile(to);
  return { width: info.width, height: info.height };
}

/** Many small pictures in rows, each with its frame below; what has no picture is a box that says why. */
export async function writeSheet(request: Extract<HelperRequest, { do: 'sheet' }>): Promise<Size> {
  const { to, columns, cell, cells } = request;
  const [stepX, stepY] = [cell.width + GAP, cell.height + LABEL_HEIGHT + GAP];
  const overlays: OverlayOptions[] = [];
  for (const [i, { label, picture, note, isFailure }] of cells.entries()) {
    const place = { left: GAP + (i % columns) * stepX, top: GAP + Math.floor(i / columns) * stepY };
    if (picture === null) {
      const background = isFailure ? RED : GREY;
      overlays.push({ input: { create: { ...cell, channels: 3, background } }, ...place });
      overlays.push(...(await centred(note, 12, { ...place, ...cell })));
    } else overlays.push({ input: picture, ...place });
    const strip = { left: place.left, top: place.top + cell.height, width: cell.width, height: LABEL_HEIGHT };
    overlays.push(...(await centred(label, 12, strip)));
  }
  const rows = Math.max(1, Math.ceil(cells.length / columns));
  const [width, height] = [GAP + columns * stepX, GAP + rows * stepY];
  const info = await sharp({ create: { width, height, channels: 3, background: GROUND } })
    .composite(overlays)
    .jpeg({ quality: 85 })
    .toFile(to);
  return { width: info.width, height: info.height };
}
