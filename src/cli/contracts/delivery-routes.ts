import { PAGED, SELECTED, type RouteEntry } from './http-schemas.ts';

/** Routes by which results leave the farm. */
export const DELIVERY_ROUTES: readonly RouteEntry[] = [
  {
    method: 'get',
    path: '/api/jobs/{id}/manifest',
    summary: 'what each file is and what made it; with `format=csv` as a table',
    query: { ...SELECTED, format: '`json` (default) or `csv`' },
    replies: { 200: 'JobManifest' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/results/check',
    summary: 'looks whether the storage has its files in their sizes, and names those that it lacks',
    query: { ...SELECTED, ...PAGED },
    replies: { 200: 'StoredCheck' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/zip',
    summary: 'its files as one zip; an answer that breaks off is not whole',
    query: SELECTED,
    replies: { 200: null },
  },
  {
    method: 'post',
    path: '/api/jobs/{id}/deliveries',
    summary: 'copy its files to a target in the background; 200 for `dryRun`',
    body: 'JobDeliveryRequest',
    replies: { 200: 'JobDelivery', 201: 'JobDelivery' },
  },
  {
    method: 'get',
    path: '/api/jobs/{id}/deliveries',
    summary: 'its last 100 deliveries, newest first',
    replies: { 200: 'JobDeliveries' },
  },
  {
    method: 'get',
    path: '/api/deliveries/{id}',
    summary: 'how far a delivery is, and what could not be copied',
    replies: { 200: 'JobDelivery' },
  },
  {
    method: 'post',
    path: '/api/deliveries/{id}/cancel',
    summary: 'end a delivery; what was copied stays',
    replies: { 200: 'JobDelivery' },
  },
  {
    method: 'get',
    path: '/api/targets',
    summary: 'buckets outside of the farm that results may be delivered to, without their secrets',
    replies: { 200: 'Targets' },
  },
  {
    method: 'put',
    path: '/api/targets/{name}',
    summary: 'open a bucket for deliveries, or store a new key for it',
    body: 'TargetRequest',
    replies: { 204: null },
  },
  {
    method: 'delete',
    path: '/api/targets/{name}',
    summary: 'close a bucket for deliveries',
    replies: { 204: null },
  },
];
