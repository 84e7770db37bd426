import { decodeMessage, encodeMessage } from '../../src/shared/contracts/decode.ts';
import {
  manageReplySchema,
  whyReplySchema,
  type ManageReply,
  type WhyReply,
} from '../../src/shared/contracts/messages.ts';
import { newId } from '../../src/shared/domain/new-id.ts';
import type { TestContext } from './farm-context.ts';

/** Asks on `manage`, with the gateway's rights. */
export async function manage(context: TestContext, request: Record<string, unknown>): Promise<ManageReply> {
  const reply = await ask(context, 'manage', { requestId: newId('r'), by: 'wanda', ...request });
  return decodeMessage(manageReplySchema, reply, 'The reply');
}

export type Explanation = Extract<WhyReply, { reasons: unknown }>;

/** Asks on `jobs.why`. @throws when there is no answer but an error */
export async function why(context: TestContext, jobId: string): Promise<Explanation> {
  const reply = decodeMessage(
    whyReplySchema,
    await ask(context, 'jobs.why', { version: 1, jobId }),
    'The reply',
  );
  if ('error' in reply) throw new Error(reply.error);
  return reply;
}

async function ask(context: TestContext, subject: string, request: unknown): Promise<Uint8Array> {
  const connection = await context.connectAs('gateway');
  const reply = await connection.request(subject, encodeMessage(request), { timeout: 10_000 });
  await connection.close();
  return reply.data;
}
