import {
  createRouter,
  createWebHistory,
  type RouteRecordRaw,
  type RouteRecordSingleView,
  type Router,
} from 'vue-router';
import JobsPage from './jobs/jobs-page.vue';

declare module 'vue-router' {
  interface RouteMeta {
    title: string;
  }
}

type Page = NonNullable<RouteRecordSingleView['component']>;

const place = (path: string, name: string, title: string, component: Page): RouteRecordSingleView => ({
  path,
  name,
  component,
  meta: { title },
});

const ROUTES: readonly RouteRecordRaw[] = [
  { path: '/', redirect: '/jobs' },
  place('/overview', 'overview', 'Overview', () => import('./overview/overview-page.vue')),
  place('/jobs', 'jobs', 'Jobs', JobsPage),
  place('/jobs/:id', 'job', 'Job', () => import('./job/job-page.vue')),
  place('/submit', 'submit', 'Submit', () => import('./submit/submit-page.vue')),
  place('/workers', 'workers', 'Workers', () => import('./workers/workers-page.vue')),
  place('/queue', 'queue', 'Queue', () => import('./queue/queue-page.vue')),
  place('/queue/lanes', 'lanes', 'Lanes', () => import('./queue/lanes-page.vue')),
  place('/queue/rules', 'rules', 'Limits and shares', () => import('./queue/rules-page.vue')),
  place('/farm/webhooks', 'webhooks', 'Webhooks', () => import('./webhooks/webhooks-page.vue')),
  place('/farm/storage', 'storage', 'Storage', () => import('./storage/storage-page.vue')),
  { path: '/farm', redirect: '/farm/webhooks' },
  { path: '/webhooks', redirect: '/farm/webhooks' },
  { path: '/storage', redirect: '/farm/storage' },
  place('/workers/:id', 'worker', 'Worker', () => import('./workers/worker-page.vue')),
  place('/failures', 'failures', 'Failures', () => import('./failures/failures-page.vue')),
  place('/templates', 'templates', 'Templates', () => import('./templates/templates-page.vue')),
  place('/templates/:name', 'template', 'Template', () => import('./templates/template-page.vue')),
  place('/batches', 'batches', 'Batches', () => import('./batches/batches-page.vue')),
  place('/batches/:id', 'batch', 'Batch', () => import('./batches/batch-page.vue')),
  place('/:rest(.*)*', 'not-found', 'Not found', () => import('./shell/not-found-page.vue')),
];

/** The page's places. Reads the address when called: whatever must not stay in it has to be gone by then. */
export function createFarmRouter(): Router {
  const router = createRouter({ history: createWebHistory(), routes: ROUTES });
  router.afterEach((to) => {
    document.title = `${to.meta.title} · Farmhand`;
  });
  return router;
}
