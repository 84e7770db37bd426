import { PAGED, type RouteEntry } from './http-schemas.ts';

/** What pictures of a job are drawn from, and its logs. */
export const JOB_VIEW_ROUTES: readonly RouteEntry[] = [
  {
    method: 'get',
    path: '/api/jobs/{id}/levels',
    summary: 'what each frame took, or who made it, a letter each',
    query: { of: '`seconds`, `memory` or `worker`' },
    replies: { 200: 'JobLevels' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/timeline',
    summary: 'its attempts by worker and time; sums of them where there are more than 20,000',
    query: {
      from: 'only what was under way after this time (ISO 8601)',
      to: 'only what was under way before it',
    },
    replies: { 200: 'JobTimeline' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/pace',
    summary: 'how fast its frames came lately, and frames that take far longer than their peers',
    replies: { 200: 'JobPace' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/logs',
    summary: "attempts, newest first; with `attempt`, a piece of that attempt's log",
    query: {
      attempt: 'an attempt id',
      offset: 'bytes of the log already read',
      before: 'the piece that ends at this byte',
      tail: '`true`: the last piece',
      ...PAGED,
    },
    replies: { 200: ['Attempts', 'LogPiece'] },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/log-search',
    summary: "lines of an attempt's log that hold a text",
    query: {
      attempt: 'an attempt id',
      text: 'what is looked for',
      case: '`true`: capitals matter',
      regex: "`true`: `text` is a regular expression, in RE2's syntax",
    },
    replies: { 200: 'LogSearch' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/log-file',
    summary: "the whole of an attempt's log, as a text file",
    query: { attempt: 'an attempt id' },
    replies: { 200: null },
  },
];
