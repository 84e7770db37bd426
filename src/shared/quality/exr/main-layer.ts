import { ExrError, type ExrPart } from './exr-header.ts';
import type { PictureShape } from '../measure/picture-sink.ts';

/** The layer that people look at: the colours without a layer's name, else the first layer that has colours. */
export interface MainLayer {
  part: number;
  /** Indices of its channels in the part: R, G, B, A or Y, A, as far as they are there. */
  channels: number[];
  shape: PictureShape;
}

export function mainLayer(parts: readonly ExrPart[]): MainLayer {
  for (const wanted of [['R', 'G', 'B'], ['Y']]) {
    for (const [index, part] of parts.entries()) {
      const prefixes = [...new Set(part.channels.map(({ name }) => prefixOf(name)))];
      for (const prefix of prefixes.toSorted((a, b) => Number(a !== '') - Number(b !== ''))) {
        const colours = wanted.map((leaf) => indexOf(part, prefix + leaf));
        if (colours.includes(-1)) continue;
        const alpha = indexOf(part, `${prefix}A`);
        return layerOf(parts, index, alpha < 0 ? colours : [...colours, alpha], alpha >= 0);
      }
    }
  }
  const first = parts[0]?.channels.findIndex((one) => one.xSampling === 1 && one.ySampling === 1) ?? -1;
  return layerOf(parts, 0, first < 0 ? [] : [first], false);
}

const prefixOf = (name: string): string => name.slice(0, name.lastIndexOf('.') + 1);

/** A channel that has a sample for each pixel. */
function indexOf({ channels }: ExrPart, name: string): number {
  return channels.findIndex(
    (channel) => channel.name === name && channel.xSampling === 1 && channel.ySampling === 1,
  );
}

function layerOf(parts: readonly ExrPart[], index: number, channels: number[], alpha: boolean): MainLayer {
  const part = parts[index];
  if (!part) throw new ExrError('it has no part');
  const types = new Set(channels.map((one) => part.channels[one]?.type));
  const [type] = types;
  const integer = type === 'uint' ? 'uint32' : type;
  const allChannels = parts.reduce((sum, one) => sum + one.channels.length, 0);
  const depth = types.size === 1 && integer !== undefined ? integer : 'mixed';
  const size = { width: part.displayWidth, height: part.displayHeight };
  const light = { white: null, premultiplied: true };
  return {
    part: index,
    channels,
    shape: { ...size, ...light, depth, channels: channels.length, alpha, allChannels },
  };
}

/** Distances are infinite where nothing is; colours are not. */
export const isDistance = (name: string): boolean =>
  /^(?:z|zback|depth|dist|distance)$/i.test(name.slice(name.lastIndexOf('.') + 1)) ||
  /(?:^|\.)(?:depth|mist|z)(?:\.[A-Z])?$/i.test(name);
