import { STREAMS } from './streams.ts';
import { SUBJECTS } from '../contracts/subjects.ts';

export const ROLES = ['coordinator', 'gateway', 'worker', 'submitter', 'operator'] as const;
export type Role = (typeof ROLES)[number];

interface SubjectRights {
  publish: readonly string[];
  subscribe: readonly string[];
}

/** Each role has an inbox of its own, so that no role can read another's replies. */
export const inboxPrefix = (role: Role): string => `_INBOX_${role}`;

const allStreams = Object.values(STREAMS).map((stream) => stream.name);
const infoOf = (names: readonly string[]): string[] => names.map((name) => `$JS.API.STREAM.INFO.${name}`);

/** What each role may say and hear. Nothing else is allowed. */
export const PERMISSIONS: Record<Role, SubjectRights> = {
  coordinator: {
    publish: [
      '$JS.API.>',
      '$JS.ACK.>',
      'jobs',
      'jobs.control.*',
      'tasks.>',
      'status.job.*',
      'dead.>',
      'control.worker.*',
      'control.job.*',
      SUBJECTS.enginesAll,
      // Replies. A wildcard stands for a whole token only, so each role's inbox is named; the last one is the operator's.
      ...ROLES.map((role) => `${inboxPrefix(role)}.>`),
      '_INBOX.>',
    ],
    subscribe: [
      'jobs.submit',
      'jobs.batch',
      'jobs.why',
      'jobs.next',
      'manage',
      'ask.*.*',
      'status.>',
      SUBJECTS.enginesAll,
      SUBJECTS.maxDeliveries,
      `${inboxPrefix('coordinator')}.>`,
    ],
  },
  gateway: {
    publish: [
      'jobs',
      'jobs.submit',
      'jobs.batch',
      'jobs.why',
      'jobs.next',
      'manage',
      'jobs.control.*',
      '$JS.API.INFO',
      ...infoOf(allStreams),
      ...['STATUS', 'STATUS_LIVE', 'LOGS', 'DEAD'].flatMap((name) => [
        `$JS.API.CONSUMER.CREATE.${name}`,
        `$JS.API.CONSUMER.CREATE.${name}.>`,
        `$JS.API.CONSUMER.INFO.${name}.*`,
        `$JS.API.CONSUMER.DELETE.${name}.*`,
        `$JS.API.CONSUMER.MSG.NEXT.${name}.*`,
        `$JS.API.STREAM.MSG.GET.${name}`,
        `$JS.API.DIRECT.GET.${name}`,
        `$JS.API.DIRECT.GET.${name}.>`,
        `$JS.ACK.${name}.>`,
        `$JS.ACK.*.*.${name}.>`,
      ]),
      '$JS.FC.>',
    ],
    subscribe: ['status.>', 'logs.>', SUBJECTS.enginesAll, `${inboxPrefix('gateway')}.>`],
  },
  worker: {
    publish: [
      '$JS.API.CONSUMER.MSG.NEXT.TASKS.*',
      `$JS.API.DIRECT.GET.${STREAMS.engines.name}`,
      '$JS.ACK.TASKS.>',
      '$JS.ACK.*.*.TASKS.>',
      'status.task.>',
      'status.worker.*',
      'status.progress.*',
      'logs.>',
      'ask.*.*',
    ],
    subscribe: ['control.worker.*', 'control.job.*', SUBJECTS.enginesAll, `${inboxPrefix('worker')}.>`],
  },
  submitter: {
    publish: ['jobs', 'jobs.submit', 'jobs.batch', 'jobs.control.*'],
    subscribe: ['status.job.*', `${inboxPrefix('submitter')}.>`],
  },
  // A person with the nats program: everything, with the program's usual inbox.
  operator: { publish: ['>'], subscribe: ['>'] },
};

interface NatsUser {
  user: Role;
  password: string;
  permissions: { publish: { allow: readonly string[] }; subscribe: { allow: readonly string[] } };
}

/** The `authorization.users` list of a nats-server configuration. */
export function natsUsers(passwords: Record<Role, string>): NatsUser[] {
  return ROLES.map((role) => ({
    user: role,
    password: passwords[role],
    permissions: {
      publish: { allow: PERMISSIONS[role].publish },
      subscribe: { allow: PERMISSIONS[role].subscribe },
    },
  }));
}
