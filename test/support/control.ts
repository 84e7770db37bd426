import { jetstream } from '@nats-io/jetstream';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { jobStatusSchema, type JobControl, type JobStatus } from '../../src/shared/contracts/messages.ts';
import { newId } from '../../src/shared/domain/new-id.ts';
import type { TestContext } from './farm-context.ts';

export type ControlStatus = Extract<JobStatus, { type: 'control' }>;

/** Longer than a coordinator takes to be told anew of what was lost on the way. */
const ANSWER_WITHIN_MS = 30_000;

/** Sends a control message as the gateway does and gives its outcome as everybody hears it. @throws when there is none */
export async function control(
  context: TestContext,
  jobId: string,
  message: Omit<JobControl, 'requestId'>,
  requestId = newId('r'),
): Promise<ControlStatus> {
  const gateway = await context.connectAs('gateway');
  const heard = gateway.subscribe(`status.job.${jobId}`);
  await gateway.flush();
  await jetstream(gateway).publish(`jobs.control.${jobId}`, encodeMessage({ ...message, requestId }));
  const timer = setTimeout(() => heard.unsubscribe(), ANSWER_WITHIN_MS);
  try {
    for await (const said of heard) {
      const status = jobStatusSchema.parse(said.json());
      if (status.type === 'control' && status.requestId === requestId) return status;
    }
    throw new Error(`Nobody said what came of "${message.verb}" for job ${jobId}`);
  } finally {
    clearTimeout(timer);
    await gateway.close();
  }
}
