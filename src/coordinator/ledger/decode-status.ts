import { decodeMessage } from '../../shared/contracts/decode.ts';
import { taskStatusSchema, type TaskStatus } from '../../shared/contracts/messages.ts';
import { parseTaskStatusSubject } from '../../shared/contracts/subjects.ts';
import { FarmError } from '../../shared/domain/errors.ts';
import { attemptId } from '../../shared/domain/ids.ts';
import { taskKeyOf } from '../../shared/domain/task-ids.ts';

/** A message on `status.task.<worker>.<job>.<task>` that fits its subject. */
export interface StatusEvent {
  workerId: string;
  jobId: string;
  taskId: string;
  taskKey: string;
  status: TaskStatus;
}

/** @throws FarmError `invalid` when the body is not a status, or not one of the task in the subject. */
export function decodeStatus(subject: string, data: Uint8Array): StatusEvent {
  const parts = parseTaskStatusSubject(subject);
  const taskKey = parts && taskKeyOf(parts.taskId);
  if (!parts || taskKey === undefined)
    throw new FarmError('invalid', `${subject} does not name a task of this farm.`);
  const status = decodeMessage(taskStatusSchema, data, 'The status of a task');
  const attempt = attemptId(parts.taskId, status.feed, status.delivery);
  if (status.attempt !== attempt)
    throw new FarmError('invalid', `The status names attempt ${status.attempt}; expected ${attempt}.`, {
      issues: [{ path: 'attempt', value: JSON.stringify(status.attempt), expected: attempt }],
    });
  return { ...parts, taskKey, status };
}
