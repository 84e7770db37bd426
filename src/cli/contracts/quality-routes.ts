import type { RouteEntry } from './http-schemas.ts';

/** What was found in results. */
export const QUALITY_ROUTES: readonly RouteEntry[] = [
  {
    method: 'get',
    path: '/api/jobs/{id}/frames/{step}/{frame}/quality',
    summary: "what was found in a frame's result, and the history of earlier ones with what was decided",
    replies: { 200: 'FrameQuality' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/quality',
    summary: 'verdicts and findings of its results, frames that wait for a decision, workers that disagree',
    replies: { 200: 'JobQuality' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/verdicts',
    summary: 'the verdict of each frame, a letter each',
    replies: { 200: 'JobVerdicts' },
  },
];
