import { plural } from '../common/units.ts';
import type { Able } from './able-workers.ts';

export interface Summary {
  jobs: number;
  /** Of one job; undefined: nobody knows yet. */
  frames: number | undefined;
  scene: string;
  engine: string;
  able: Able | undefined;
  /** A version range that the job asks for. */
  version: string | undefined;
  video: string | null;
  /** Frames come first that show whether all is well. */
  preview: boolean;
}

/** `Renders 240 frames of shot.blend with Blender 3.4.1; 2 workers can.` */
export function summaryText({ jobs, frames, scene, engine, able, version, video, preview }: Summary): string {
  if (engine === '') return 'Add a scene: files, a folder, or the name of one that the farm can reach.';
  const what = jobs > 1 ? `${plural(jobs, 'scene')}, a job of each,` : scene || 'no scene';
  const many = frames === undefined ? 'Renders' : `Renders ${plural(frames, 'frame')} of`;
  const first = preview ? ', first, middle and last before the others' : '';
  const film =
    video === null ? ', with its further steps' : video === '' ? '' : ', and makes a video of them';
  const versionText = able?.version === undefined ? '' : ` ${able.version}`;
  return `${many} ${what} with ${engine}${versionText}${first}${film}${who(engine, able, version)}.`;
}

function who(engine: string, able: Able | undefined, version: string | undefined): string {
  if (able === undefined) return '';
  if (able.workers === 1) return '; 1 worker can';
  if (able.workers > 1) return `; ${able.workers.toLocaleString('en-US')} workers can`;
  return `. No worker has ${engine}${version === undefined ? '' : ` ${version}`} with what the job needs; it would wait until one does`;
}
