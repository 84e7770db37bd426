import type { PictureCheck } from './check.ts';

/** Looks at width and height, against what the job asked for. In pixels. */
export const sizeCheck: PictureCheck = {
  name: 'size',
  verdict: 'fail',
  threshold: null,
  look: ({ measures }, _threshold, { width = measures.width, height = measures.height }) => {
    if (measures.width === width && measures.height === height) return null;
    return {
      message: `It is ${measures.width} × ${measures.height} pixels instead of ${width} × ${height}.`,
      value: null,
    };
  },
};
