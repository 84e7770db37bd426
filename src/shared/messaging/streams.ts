import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { SUBJECTS } from '../contracts/subjects.ts';

const DAY_MS = 86_400_000;
const MIB = 1_048_576;
const nanos = (ms: number): number => ms * 1_000_000;

type StreamTableEntry = Pick<StreamConfig, 'name' | 'subjects'> & Partial<StreamConfig>;

/** Every stream of the farm. Reconciled at start: created where missing, updated where it differs. */
export const STREAMS = {
  jobs: {
    name: 'JOBS',
    subjects: [SUBJECTS.jobs, SUBJECTS.jobsControlAll],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(7 * DAY_MS),
    max_bytes: 1024 * MIB,
  },
  tasks: {
    name: 'TASKS',
    subjects: [SUBJECTS.tasksAll],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    max_msgs_per_subject: 1,
    discard: DiscardPolicy.New,
    discard_new_per_subject: true,
  },
  status: {
    name: 'STATUS',
    subjects: [SUBJECTS.statusTaskAll, SUBJECTS.statusJobAll],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(7 * DAY_MS),
    max_bytes: 4096 * MIB,
  },
  statusLive: {
    name: 'STATUS_LIVE',
    subjects: [SUBJECTS.statusWorkerAll, SUBJECTS.statusProgressAll],
    retention: RetentionPolicy.Limits,
    storage: StorageType.Memory,
    max_msgs_per_subject: 1,
    max_age: nanos(DAY_MS),
    max_bytes: 256 * MIB,
  },
  logs: {
    name: 'LOGS',
    subjects: [SUBJECTS.logsAll],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(3_600_000),
    max_bytes: 512 * MIB,
  },
  engines: {
    name: 'ENGINES',
    subjects: [SUBJECTS.enginesAll],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_msgs_per_subject: 1,
    max_bytes: 512 * MIB,
    // Workers read it without a consumer.
    allow_direct: true,
  },
  dead: {
    name: 'DEAD',
    subjects: [SUBJECTS.deadAll],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(30 * DAY_MS),
    max_bytes: 1024 * MIB,
  },
  advisories: {
    name: 'ADVISORIES',
    subjects: [SUBJECTS.maxDeliveries],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(7 * DAY_MS),
    max_bytes: 64 * MIB,
  },
} as const satisfies Record<string, StreamTableEntry>;

/** A worker that neither acks nor says "in progress" for this long is only a backstop: lost workers are found by heartbeats. */
export const TASK_ACK_WAIT_MS = 150_000;
export const IN_PROGRESS_EVERY_MS = 40_000;
/** Deliveries before the server gives a task up and says so in an advisory. */
export const TASK_MAX_DELIVERIES = 6;
