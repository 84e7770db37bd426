import { jetstream } from '@nats-io/jetstream';
import { encodeMessage } from '../../src/shared/contracts/decode.ts';
import { jobStatusSchema, type JobControl, type JobStatus } from '../../src/shared/contracts/messages.ts';
import { newId } from '../../src/shared/domain/new-id.ts';
import type { TestContext } from './farm-context.ts';

export type ControlStatus = Extract<JobStatus, { type: 'control' }>;

/** Sends a control message as the gateway does and gives its outcome as everybody hears it. */
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
  for await (const said of heard) {
    const status = jobStatusSchema.parse(said.json());
    if (status.type !== 'control' || status.requestId !== requestId) continue;
    await gateway.close();
    return status;
  }
  throw new Error('The connection closed before the outcome came');
}
