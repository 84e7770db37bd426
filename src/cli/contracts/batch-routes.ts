import { PAGED, type RouteEntry } from './http-schemas.ts';

/** Rows of data that become jobs. */
export const BATCH_ROUTES: readonly RouteEntry[] = [
  {
    method: 'post',
    path: '/api/batches',
    summary: 'render a template with each row of a file; 200 when the same batch is there already',
    body: 'BatchDocument',
    replies: { 200: 'BatchSubmission', 201: 'BatchSubmission' },
  },
  {
    method: 'get',
    path: '/api/batches',
    summary: 'batches, newest first',
    query: PAGED,
    replies: { 200: 'BatchesPage' },
  },
  {
    method: 'get',
    path: '/api/batches/{id}',
    summary: 'one batch: how many rows and jobs are in which state, and the rows that were refused',
    query: { refused: 'how many refused rows are listed (default: 100)' },
    replies: { 200: 'Batch' },
  },
  {
    method: 'post',
    path: '/api/batches/{id}/cancel',
    summary: 'take no more of its rows, and cancel its jobs',
    replies: { 200: 'BatchSubmission' },
  },
  {
    method: 'get',
    path: '/api/batches/{id}/results',
    summary: 'what came of each row, by row',
    query: PAGED,
    replies: { 200: 'RowResultsPage' },
  },
  {
    method: 'get',
    path: '/api/batches/{id}/results.csv',
    summary: 'what came of each row, as CSV: row, name, state, job, files, error',
    replies: { 200: null },
  },
];
