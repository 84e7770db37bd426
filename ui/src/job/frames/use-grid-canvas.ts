import { useDevicePixelRatio, useElementVisibility } from '@vueuse/core';
import { watch, type Ref } from 'vue';
import { useTheme } from '../../shell/use-theme.ts';
import { GridPainter, paintOf, type GridPaint } from './draw-grid.ts';
import { drawMarks, type GridMarks } from './draw-marks.ts';
import type { GridLayout } from './grid-layout.ts';

/** What a grid's canvases show. */
export interface GridPicture {
  layout: Readonly<Ref<GridLayout>>;
  /** A byte a frame. They may change in place; then `version` is raised. */
  bytes: Readonly<Ref<Uint8Array>>;
  version: () => number;
  /** Of bytes behind `GRID_MARKS`. */
  colours: () => readonly string[] | undefined;
  marks: Readonly<Ref<GridMarks>>;
}

/** Keeps two canvases up, while they are in view: cells below, and over them what is marked. */
export function useGridCanvas(
  canvas: Readonly<Ref<HTMLCanvasElement | null>>,
  over: Readonly<Ref<HTMLCanvasElement | null>>,
  { layout, bytes, version, colours, marks }: GridPicture,
): void {
  const { pixelRatio } = useDevicePixelRatio();
  const visible = useElementVisibility(canvas);
  const { dark } = useTheme();
  const painter = new GridPainter();
  let paint: GridPaint | null = null;

  function contextOf(element: HTMLCanvasElement | null): CanvasRenderingContext2D | null {
    if (!element || !visible.value) return null;
    const { columns, pitch, height } = layout.value;
    resize(element, columns * pitch, height, pixelRatio.value);
    const context = element.getContext('2d');
    context?.setTransform(pixelRatio.value, 0, 0, pixelRatio.value, 0, 0);
    return context;
  }
  function paintAll(): void {
    const context = contextOf(canvas.value);
    if (!context || !canvas.value) return;
    paint = paintOf(canvas.value, colours());
    painter.paintAll(context, bytes.value, { layout: layout.value, paint });
  }
  function paintChanges(): void {
    const context = contextOf(canvas.value);
    if (context && paint) painter.paintChanges(context, bytes.value, { layout: layout.value, paint });
  }
  function paintOver(): void {
    const context = contextOf(over.value);
    if (context && paint) drawMarks(context, marks.value, layout.value, paint);
  }

  watch([canvas, visible, layout, pixelRatio, dark, colours], paintAll, { flush: 'post' });
  watch([version, bytes], paintChanges, { flush: 'post' });
  watch([over, visible, layout, pixelRatio, dark, marks], paintOver, { flush: 'post' });
}

/** Only when needed: a canvas that is given a size forgets its picture and its memory. */
function resize(element: HTMLCanvasElement, cssWidth: number, cssHeight: number, ratio: number): void {
  const [deviceWidth, deviceHeight] = [Math.round(cssWidth * ratio), Math.round(cssHeight * ratio)];
  if (element.width === deviceWidth && element.height === deviceHeight) return;
  element.width = deviceWidth;
  element.height = deviceHeight;
  element.style.width = `${cssWidth}px`;
  element.style.height = `${cssHeight}px`;
}
