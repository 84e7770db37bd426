import { createRouter, createWebHistory, type Router } from 'vue-router';
import JobsPage from './jobs/jobs-page.vue';

declare module 'vue-router' {
  interface RouteMeta {
    title: string;
  }
}

/** The page's places. Reads the address when called: whatever must not stay in it has to be gone by then. */
export function createFarmRouter(): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/', redirect: '/jobs' },
      {
        path: '/overview',
        name: 'overview',
        component: () => import('./overview/overview-page.vue'),
        meta: { title: 'Overview' },
      },
      { path: '/jobs', name: 'jobs', component: JobsPage, meta: { title: 'Jobs' } },
      {
        path: '/jobs/:id',
        name: 'job',
        component: () => import('./job/job-page.vue'),
        meta: { title: 'Job' },
      },
      {
        path: '/submit',
        name: 'submit',
        component: () => import('./submit/submit-page.vue'),
        meta: { title: 'Submit' },
      },
      {
        path: '/workers',
        name: 'workers',
        component: () => import('./workers/workers-page.vue'),
        meta: { title: 'Workers' },
      },
      {
        path: '/queue',
        name: 'queue',
        component: () => import('./queue/queue-page.vue'),
        meta: { title: 'Queue' },
      },
      {
        path: '/queue/lanes',
        name: 'lanes',
        component: () => import('./queue/lanes-page.vue'),
        meta: { title: 'Lanes' },
      },
      {
        path: '/queue/rules',
        name: 'rules',
        component: () => import('./queue/rules-page.vue'),
        meta: { title: 'Limits and shares' },
      },
      {
        path: '/farm/webhooks',
        name: 'webhooks',
        component: () => import('./webhooks/webhooks-page.vue'),
        meta: { title: 'Webhooks' },
      },
      {
        path: '/farm/storage',
        name: 'storage',
        component: () => import('./storage/storage-page.vue'),
        meta: { title: 'Storage' },
      },
      { path: '/farm', redirect: '/farm/webhooks' },
      { path: '/webhooks', redirect: '/farm/webhooks' },
      { path: '/storage', redirect: '/farm/storage' },
      {
        path: '/workers/:id',
        name: 'worker',
        component: () => import('./workers/worker-page.vue'),
        meta: { title: 'Worker' },
      },
      {
        path: '/failures',
        name: 'failures',
        component: () => import('./failures/failures-page.vue'),
        meta: { title: 'Failures' },
      },
      {
        path: '/templates',
        name: 'templates',
        component: () => import('./templates/templates-page.vue'),
        meta: { title: 'Templates' },
      },
      {
        path: '/templates/:name',
        name: 'template',
        component: () => import('./templates/template-page.vue'),
        meta: { title: 'Template' },
      },
      {
        path: '/batches',
        name: 'batches',
        component: () => import('./batches/batches-page.vue'),
        meta: { title: 'Batches' },
      },
      {
        path: '/batches/:id',
        name: 'batch',
        component: () => import('./batches/batch-page.vue'),
        meta: { title: 'Batch' },
      },
      {
        path: '/:rest(.*)*',
        name: 'not-found',
        component: () => import('./shell/not-found-page.vue'),
        meta: { title: 'Not found' },
      },
    ],
  });
  router.afterEach((to) => {
    document.title = `${to.meta.title} · Farmhand`;
  });
  return router;
}
