import { formatBytes } from '../../common/units.ts';
import type { UploadCounts, UploadState } from './ship-files.ts';

export interface UploadLook {
  title: string;
  detail: string;
  icon: string;
  tone: string;
  done: number;
  total: number;
}

/** An upload's state in words. */
export function uploadText(
  state: UploadState,
  { hashed, bytes, sent, toSend, already }: UploadCounts,
  { waiting, problem }: { waiting: boolean; problem: string },
): UploadLook {
  const sending = { done: sent, total: toSend };
  const progress = `${formatBytes(sent)} of ${formatBytes(toSend)} sent`;
  const there = already === 0 ? '' : `${formatBytes(already)} were at the farm already`;
  const detail = [progress, there].filter(Boolean).join(', ');
  switch (state) {
    case 'empty':
    case 'hashing':
      return {
        ...{ title: 'Reading the files', detail: `${formatBytes(hashed)} of ${formatBytes(bytes)} read` },
        ...{ icon: 'i-lucide-fingerprint', tone: 'text-primary', done: hashed, total: bytes },
      };
    case 'uploading':
      if (waiting)
        return {
          ...{ title: 'Waiting for the farm', detail: `${problem} It goes on by itself. ${progress}` },
          ...{ icon: 'i-lucide-cloud-off', tone: 'text-warning', ...sending },
        };
      return { title: 'Uploading', detail, icon: 'i-lucide-cloud-upload', tone: 'text-primary', ...sending };
    case 'paused':
      return { title: 'Paused', detail, icon: 'i-lucide-circle-pause', tone: 'text-muted', ...sending };
    case 'failed':
      return {
        ...{ title: 'The upload has stopped', detail: problem, icon: 'i-lucide-triangle-alert' },
        ...{ tone: 'text-error', ...sending },
      };
    case 'stored':
      return {
        title: toSend === 0 ? 'The farm had it all' : 'Uploaded',
        detail: toSend === 0 ? 'Nothing was sent' : detail,
        ...{ icon: 'i-lucide-circle-check', tone: 'text-success', done: toSend, total: toSend },
      };
  }
}
