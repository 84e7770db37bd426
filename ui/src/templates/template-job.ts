import type { Problem, Template } from '../../../src/shared/contracts/api.ts';
import { SINGLE_STEP, type JobDocument } from '../../../src/shared/contracts/job-document.ts';

/** What may be made of the frames beside them, and the files that come of it. */
export const VIDEOS = [
  { preset: 'h264', label: 'H.264 (MP4)', format: 'mp4' },
  { preset: 'h265', label: 'H.265 (MP4)', format: 'mp4' },
  { preset: 'prores', label: 'ProRes 422 HQ (MOV)', format: 'mov' },
  { preset: 'vp9', label: 'VP9 (WebM)', format: 'webm' },
  { preset: 'gif', label: 'GIF', format: 'gif' },
] as const;

export interface RenderChoices {
  name: string;
  /** Empty: the template's, or those of its scene. */
  frames: string;
  /** A preset of `VIDEOS`; empty: only frames. */
  video: string;
  data: NonNullable<JobDocument['data']>;
}

type Named = Pick<Template, 'name' | 'version' | 'engine' | 'label' | 'defaults'>;

/** The job that renders a template once. What the template says itself is left to it. */
export function templateJob(template: Named, { name, frames, video, data }: RenderChoices): JobDocument {
  const step = {
    engine: template.engine,
    scene: `template:${template.name}@${template.version}`,
    ...(frames.trim() === '' ? {} : { frames: frames.trim() }),
    ...(Object.keys(data).length === 0 ? {} : { data }),
  };
  const head = { version: 1 as const, name: name.trim() === '' ? template.label : name.trim() };
  const encode = VIDEOS.find(({ preset }) => preset === video);
  if (!encode) return { ...head, ...step };
  const fps = template.defaults.output?.fps;
  const film = {
    name: 'encode',
    engine: 'ffmpeg',
    inputs: { frames: { step: SINGLE_STEP } },
    settings: { encode: encode.preset },
    output: { format: encode.format, ...(fps === undefined ? {} : { fps }) },
  };
  return { ...head, steps: [{ name: SINGLE_STEP, ...step }, film] };
}

type Issue = NonNullable<Problem['errors']>[number];

/** What is wrong, by the form's field (`data.title`, `frames`, `name`); under the empty name what belongs to none. */
export function issuesByField(issues: readonly Issue[], fields: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { path, value, expected } of issues) {
    // Paths begin at the document: `data.title`, or `steps[0].data.title`.
    const place = path.replace(/^steps\[\d+\]\.?/, '');
    const field = fields.find(
      (one) => place === one || place.startsWith(`${one}.`) || place.startsWith(`${one}[`),
    );
    const text =
      field === undefined ? `${path}: ${value}; expected ${expected}` : `${value}; expected ${expected}`;
    const before = found.get(field ?? '');
    found.set(field ?? '', before === undefined ? text : `${before}. ${text}`);
  }
  return found;
}
