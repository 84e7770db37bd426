import { z } from 'zod';
import { idSchema } from './job-document.ts';
import { EVENT_TYPES } from './events.ts';

export const MAX_WEBHOOKS = 1_000;

/** Which jobs a webhook hears of. `named`: those whose document lists it under `webhooks`. */
export const webhookScopeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('farm') }),
  z.strictObject({ kind: z.literal('project'), project: z.string().min(1).max(100) }),
  z.strictObject({ kind: z.literal('job'), job: idSchema }),
  z.strictObject({ kind: z.literal('named') }),
]);
export type WebhookScope = z.infer<typeof webhookScopeSchema>;

/** `POST /api/webhooks` */
export const webhookRequestSchema = z.strictObject({
  /** Default: one that the farm makes. */
  id: idSchema.optional(),
  /** http or https, without user and password. */
  url: z.string().min(1).max(2_000),
  /** Default: all. */
  events: z.array(z.enum(EVENT_TYPES)).min(1).max(EVENT_TYPES.length).optional(),
  /** Default: every job of the farm. */
  scope: webhookScopeSchema.optional(),
  by: z.string().min(1).max(100).optional(),
});
export type WebhookRequest = z.infer<typeof webhookRequestSchema>;

/** `PATCH /api/webhooks/:id`: what is given is changed. */
export const webhookUpdateSchema = z
  .strictObject({
    /** What waits to be sent goes there, too. */
    url: webhookRequestSchema.shape.url.optional(),
    events: webhookRequestSchema.shape.events,
    /** Nothing is sent to it while it is, and of what comes about meanwhile it hears nothing. */
    paused: z.boolean().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'at least one of url, events and paused');
export type WebhookUpdate = z.infer<typeof webhookUpdateSchema>;

export const webhookSchema = z.object({
  id: z.string(),
  /** Without its query, which may hold a secret. */
  url: z.string(),
  events: z.array(z.enum(EVENT_TYPES)),
  scope: webhookScopeSchema,
  paused: z.boolean(),
  createdBy: z.string(),
  createdAt: z.string(),
  /** Until then bodies are signed with the secret before the last rotation, too. */
  previousSecretUntil: z.string().nullable(),
  lastDeliveredAt: z.string().nullable(),
  /** Since when its receiver has taken nothing, and what was wrong the last time. */
  failing: z.object({ since: z.string(), error: z.string() }).nullable(),
  /** Deliveries that wait for their next try, and those that were given up, of the last seven days. */
  pending: z.int(),
  failed: z.int(),
});
export type Webhook = z.infer<typeof webhookSchema>;
export const webhooksSchema = z.object({ webhooks: z.array(webhookSchema) });

/** The secret is shown this once. */
export const createdWebhookSchema = webhookSchema.extend({ secret: z.string() });
export type CreatedWebhook = z.infer<typeof createdWebhookSchema>;

/** `POST /api/webhooks/:id/rotate` */
export const rotateRequestSchema = z.strictObject({
  /** How long bodies are signed with the old secret, too; default: a day. */
  keepSeconds: z.int().min(0).max(604_800).optional(),
});

const tryReportSchema = z.object({
  at: z.string(),
  seconds: z.number(),
  /** The answer's status; null: there was none. */
  status: z.int().nullable(),
  /** What was wrong; null: it was taken. */
  error: z.string().nullable(),
  /** The first 1,024 bytes of the answer. */
  response: z.string(),
});
export type TryReport = z.infer<typeof tryReportSchema>;

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export const hookDeliverySchema = z.object({
  id: z.string(),
  webhook: z.string(),
  /** `webhook-id` of its requests, the same in each try. */
  event: z.string(),
  type: z.string(),
  job: z.string().nullable(),
  state: z.enum(DELIVERY_STATES),
  createdAt: z.string(),
  /** When it is tried next; null: it has ended. */
  nextAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  /** The last ten tries, oldest first. */
  tries: z.array(tryReportSchema),
});
export type Delivery = z.infer<typeof hookDeliverySchema>;
/** `GET /api/webhooks/:id/deliveries`: newest first. */
export const hookDeliveriesPageSchema = z.object({
  deliveries: z.array(hookDeliverySchema),
  next: z.string().nullable(),
});
export type DeliveriesPage = z.infer<typeof hookDeliveriesPageSchema>;
