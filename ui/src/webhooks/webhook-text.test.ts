import { expect, it } from 'vitest';
import type { Delivery, Webhook } from '../../../src/shared/contracts/webhook-api.ts';
import { answerText, eventsText, webhookLook, webhookSentence } from './webhook-text.ts';

const NOW = Date.parse('2026-01-01T12:00:00.000Z');
const hook = (changes: Partial<Webhook> = {}): Webhook => ({
  id: 'w',
  url: 'https://example.com/',
  events: ['job.failed'],
  scope: { kind: 'farm' },
  paused: false,
  createdBy: 'ana',
  createdAt: '2026-01-01T00:00:00.000Z',
  previousSecretUntil: null,
  lastDeliveredAt: '2026-01-01T11:00:00.000Z',
  failing: null,
  pending: 0,
  failed: 0,
  ...changes,
});

it('says how a webhook stands', () => {
  const failing = { since: '2026-01-01T11:30:00.000Z', error: 'It answered 500.' };
  expect(webhookLook(hook()).word).toBe('Delivers');
  expect(webhookLook(hook({ failing })).word).toBe('Failing');
  expect(webhookLook(hook({ failing, paused: true })).word).toBe('Paused');
  expect(webhookSentence(hook(), NOW)).toBe('Last delivered 1 h ago.');
  expect(webhookSentence(hook({ failing, pending: 2, failed: 1 }), NOW)).toBe(
    'Takes nothing for 30 m: It answered 500. Last delivered 1 h ago. 2 deliveries to be sent. 1 given up in the last seven days.',
  );
  expect(webhookSentence(hook({ paused: true, pending: 1 }), NOW)).toContain('1 delivery kept until');
  expect(eventsText(['job.failed', 'job.held'])).toBe('job.failed, job.held');
});

it('says what came of a delivery', () => {
  const delivery = (changes: Partial<Delivery>): Delivery => ({
    id: 'd1',
    webhook: 'w',
    event: 'evt',
    type: 'ping',
    job: null,
    state: 'pending',
    createdAt: '',
    nextAt: null,
    endedAt: null,
    tries: [],
    ...changes,
  });
  const tried = (error: string | null, status: number | null) => [
    { at: '', seconds: 0.2, status, error, response: '' },
  ];
  expect(answerText(delivery({}), NOW)).toBe('It is sent at once.');
  expect(answerText(delivery({ state: 'delivered', tries: tried(null, 204) }), NOW)).toBe(
    'Answered 204 within 0.2 s.',
  );
  expect(
    answerText(delivery({ tries: tried('It answered 500.', 500), nextAt: '2026-01-01T12:05:00.000Z' }), NOW),
  ).toBe('It answered 500. Next try in 5 min.');
});
