import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../src/shared/contracts/api.ts';
import type { CreatedWebhook, DeliveriesPage } from '../../src/shared/contracts/webhook-api.ts';
import { createTestContext, type TestContext } from '../support/farm-context.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let context: TestContext;
let gateway: TestGateway;

beforeAll(async () => {
  context = await createTestContext();
  gateway = await startTestGateway(context, { FARMHAND_WEBHOOK_ALLOW: '127.0.0.1' });
});
afterAll(async () => {
  await gateway.stop();
  await context.dispose();
});

const addHook = (url: string) => gateway.post<CreatedWebhook>('/api/webhooks', 201, { url });

describe('what is asked of webhooks', () => {
  const problem = (body: unknown, status = 400) => gateway.post<Problem>('/api/webhooks', status, body);

  it.each([
    'http://169.254.169.254/latest',
    'http://[::ffff:169.254.169.254]/',
    'http://2852039166/',
    'http://10.0.0.1/',
  ])('does not lead to %s', async (url) => {
    expect((await problem({ url }, 403)).detail).toMatch(/no public address/);
  });

  it.each([
    [{ url: 'ftp://example.com' }, 'url'],
    [{ url: 'https://u:p@example.com' }, 'url'],
    [{ url: 'https://example.com', events: ['job.started'] }, 'events[0]'],
    [{ url: 'https://example.com', events: [] }, 'events'],
    [{ url: 'https://example.com', scope: { kind: 'job' } }, 'scope.job'],
    [{ url: 'https://example.com', secret: 'mine' }, 'secret'],
    [{}, 'url'],
  ])('%j is not valid at %s', async (body, path) => {
    expect((await problem(body)).errors?.[0]?.path).toBe(path);
  });

  it('is answered with what is not there', async () => {
    const { id } = await addHook('https://example.com/?token=t');
    expect((await problem({ id, url: 'https://example.com' }, 409)).detail).toMatch(/There is a webhook/);
    expect(await gateway.json(`/api/webhooks/${id}`)).toMatchObject({ url: 'https://example.com/?…' });
    for (const path of ['none', `${id}/deliveries/d1/redeliver`, 'none/rotate', 'none/test'])
      await gateway.json(`/api/webhooks/${path}`, 404, path === 'none' ? {} : { method: 'POST', body: '{}' });
    await gateway.json('/api/webhooks/none/deliveries', 404);
    await gateway.json(`/api/webhooks/${id}/deliveries?cursor=x`, 400);
    await gateway.json('/api/webhooks/a.b', 400);
  });

  it('changes what is given, and sends nothing while it is paused', async () => {
    const { id } = await addHook('http://127.0.0.1:1/?token=t');
    const change = (body: unknown, status = 200) =>
      gateway.json(`/api/webhooks/${id}`, status, { method: 'PATCH', body: JSON.stringify(body) });
    await gateway.post(`/api/webhooks/${id}/test`, 202);
    expect(await change({ paused: true, events: ['job.failed', 'job.failed'] })).toMatchObject({
      paused: true,
      events: ['job.failed'],
      url: 'http://127.0.0.1:1/?…',
    });
    for (const path of ['test', 'deliveries/d1/redeliver'])
      expect(await gateway.post<Problem>(`/api/webhooks/${id}/${path}`, 409)).toMatchObject({
        detail: expect.stringMatching(/paused/) as unknown,
      });
    expect(await change({ paused: false, url: 'http://127.0.0.1:2/' })).toMatchObject({
      paused: false,
      failing: null,
      url: 'http://127.0.0.1:2/',
    });
    for (const wrong of [{}, { events: [] }, { url: 'ftp://x' }, { secret: 'mine' }])
      await change(wrong, 400);
    await change({ url: 'http://10.0.0.1/' }, 403);
    await gateway.json('/api/webhooks/none', 404, { method: 'PATCH', body: '{"paused":true}' });
  });

  it('pages through the log, newest first', async () => {
    // Nobody listens there.
    const { id } = await addHook('http://127.0.0.1:1/');
    for (let n = 0; n < 3; n++) await gateway.post(`/api/webhooks/${id}/test`, 202);
    const first = await gateway.json<DeliveriesPage>(`/api/webhooks/${id}/deliveries?limit=2`);
    const rest = await gateway.json<DeliveriesPage>(
      `/api/webhooks/${id}/deliveries?limit=2&cursor=${String(first.next)}`,
    );
    const keys = [...first.deliveries, ...rest.deliveries].map((delivery) => Number(delivery.id.slice(1)));
    expect(keys).toHaveLength(3);
    expect(keys).toEqual([...keys].sort((a, b) => b - a));
    expect(rest.next).toBeNull();
  });
});
