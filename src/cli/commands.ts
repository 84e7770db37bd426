import type { Command } from 'commander';

/** Adds a command with its options and action to the program. */
export type Register = (program: Command) => void;

export interface CommandEntry {
  name: string;
  /** The line in `farmhand --help`; the command's own help is in its module. */
  description: string;
  load: () => Promise<Register>;
}

/** Every command: one module each, which exports `register<Name>(program)`. In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    description: 'render the examples on a farm of this machine',
    load: async () => (await import('./demo.ts')).registerDemo,
  },
  {
    name: 'up',
    description: 'start a farm on this machine',
    load: async () => (await import('./up.ts')).registerUp,
  },
  {
    name: 'down',
    description: 'stop the farm of this FARMHAND_HOME',
    load: async () => (await import('./down.ts')).registerDown,
  },
  {
    name: 'status',
    description: 'say what of the farm runs',
    load: async () => (await import('./status.ts')).registerStatus,
  },
  {
    name: 'doctor',
    description: 'say what this machine lacks and how to get it',
    load: async () => (await import('./doctor.ts')).registerDoctor,
  },
  {
    name: 'env',
    description: 'print export lines for nats, psql, curl and S3 clients',
    load: async () => (await import('./env.ts')).registerEnv,
  },
  {
    name: 'invite',
    description: 'print what another machine needs to render for this farm',
    load: async () => (await import('./invite.ts')).registerInvite,
  },
  {
    name: 'submit',
    description: 'render a scene, a folder, a template or a job document',
    load: async () => (await import('./submit.ts')).registerSubmit,
  },
  {
    name: 'inspect',
    description: 'say what a scene has and needs',
    load: async () => (await import('./inspect.ts')).registerInspect,
  },
  {
    name: 'template',
    description: 'store a scene that others fill with data; list and show what is stored',
    load: async () => (await import('./template.ts')).registerTemplate,
  },
  {
    name: 'render',
    description: 'render a template with data, or with each row of a table',
    load: async () => (await import('./render.ts')).registerRender,
  },
  {
    name: 'batch',
    description: 'show a batch of rows, take its results as CSV, or end it',
    load: async () => (await import('./batch.ts')).registerBatch,
  },
  {
    name: 'worker',
    description: 'render on this machine for the farm that an invitation names',
    load: async () => (await import('./worker.ts')).registerWorker,
  },
  {
    name: 'jobs',
    description: 'list jobs, newest first',
    load: async () => (await import('./jobs.ts')).registerJobs,
  },
  {
    name: 'job',
    description: 'show one job',
    load: async () => (await import('./job.ts')).registerJob,
  },
  {
    name: 'why',
    description: 'say why a job waits',
    load: async () => (await import('./why.ts')).registerWhy,
  },
  {
    name: 'frames',
    description: "list a job's frames",
    load: async () => (await import('./frames.ts')).registerFrames,
  },
  {
    name: 'logs',
    description: 'print what the engines of a job printed',
    load: async () => (await import('./logs.ts')).registerLogs,
  },
  {
    name: 'cancel',
    description: 'end a job',
    load: async () => (await import('./control.ts')).registerCancel,
  },
  {
    name: 'pause',
    description: 'give out no more frames of a job',
    load: async () => (await import('./control.ts')).registerPause,
  },
  {
    name: 'resume',
    description: 'go on with a job',
    load: async () => (await import('./control.ts')).registerResume,
  },
  {
    name: 'retry',
    description: 'render frames again',
    load: async () => (await import('./control.ts')).registerRetry,
  },
  {
    name: 'skip',
    description: 'leave frames out',
    load: async () => (await import('./control.ts')).registerSkip,
  },
  {
    name: 'accept',
    description: 'take results that wait for a decision as they are',
    load: async () => (await import('./control.ts')).registerAccept,
  },
  {
    name: 'quality',
    description: "say what was found in a job's results",
    load: async () => (await import('./quality.ts')).registerQuality,
  },
  {
    name: 'add-frames',
    description: 'render more frames with a job',
    load: async () => (await import('./control.ts')).registerAddFrames,
  },
  {
    name: 'priority',
    description: "change a job's priority",
    load: async () => (await import('./job-settings.ts')).registerPriority,
  },
  {
    name: 'chunk',
    description: "change how many of a job's frames go out together",
    load: async () => (await import('./job-settings.ts')).registerChunk,
  },
  {
    name: 'limit',
    description: "limit how many of a job's frames run at once",
    load: async () => (await import('./job-settings.ts')).registerLimit,
  },
  {
    name: 'note',
    description: 'write a note about a job',
    load: async () => (await import('./note.ts')).registerNote,
  },
  {
    name: 'resubmit',
    description: 'submit a job once more, with changes',
    load: async () => (await import('./resubmit.ts')).registerResubmit,
  },
  {
    name: 'preview',
    description: "a contact sheet and a small video of a job's frames",
    load: async () => (await import('./preview.ts')).registerPreview,
  },
  {
    name: 'encode',
    description: "make a video of a job's frames: H.264, H.265, ProRes, VP9 or GIF",
    load: async () => (await import('./encode.ts')).registerEncode,
  },
  {
    name: 'delete',
    description: 'put ended jobs into the bin',
    load: async () => (await import('./delete.ts')).registerDelete,
  },
  {
    name: 'restore',
    description: 'take jobs out of the bin',
    load: async () => (await import('./delete.ts')).registerRestore,
  },
  {
    name: 'keep',
    description: 'keep jobs for good',
    load: async () => (await import('./delete.ts')).registerKeep,
  },
  {
    name: 'storage',
    description: 'say what the storage is used for',
    load: async () => (await import('./storage.ts')).registerStorage,
  },
  {
    name: 'retention',
    description: 'set for how long jobs and what nothing points to are kept',
    load: async () => (await import('./farm-settings.ts')).registerRetention,
  },
  {
    name: 'download',
    description: "take a job's frames and videos home",
    load: async () => (await import('./download.ts')).registerDownload,
  },
  {
    name: 'manifest',
    description: "print what a job's files are, with checksums",
    load: async () => (await import('./manifest.ts')).registerManifest,
  },
  {
    name: 'deliver',
    description: "copy a job's files to a bucket outside of the farm",
    load: async () => (await import('./deliver.ts')).registerDeliver,
  },
  {
    name: 'target',
    description: 'open buckets outside of the farm for deliveries',
    load: async () => (await import('./target.ts')).registerTarget,
  },
  {
    name: 'events',
    description: 'print what happens in the farm, as it happens',
    load: async () => (await import('./events.ts')).registerEvents,
  },
  {
    name: 'webhooks',
    description: 'tell other programs what happens; list, add, test and remove them',
    load: async () => (await import('./webhooks.ts')).registerWebhooks,
  },
  {
    name: 'workers',
    description: 'list the workers; pause, drain or give them back',
    load: async () => (await import('./workers.ts')).registerWorkers,
  },
  {
    name: 'limits',
    description: 'limit how many frames of a project, owner, engine or licence run at once',
    load: async () => (await import('./farm-settings.ts')).registerLimits,
  },
  {
    name: 'shares',
    description: 'set what projects and owners get of the farm',
    load: async () => (await import('./farm-settings.ts')).registerShares,
  },
  {
    name: 'guarantees',
    description: 'guarantee slots to a project',
    load: async () => (await import('./farm-settings.ts')).registerGuarantees,
  },
  {
    name: 'engine-versions',
    description: 'set the engine versions of jobs that do not say',
    load: async () => (await import('./farm-settings.ts')).registerEngineVersions,
  },
  {
    name: 'roots',
    description: 'list the shared storage that workers mount, or make it known',
    load: async () => (await import('./roots.ts')).registerRoots,
  },
  {
    name: 'engines',
    description: 'list the engines of the farm; give it another one, or install one here',
    load: async () => (await import('./engines.ts')).registerEngines,
  },
  {
    name: 'check',
    description: 'decode pictures and videos and say what is wrong with them',
    load: async () => (await import('./check.ts')).registerCheck,
  },
  {
    name: 'bench',
    description: 'measure the farm',
    load: async () => (await import('./bench.ts')).registerBench,
  },
  {
    name: 'simulate',
    description: 'play a trace of jobs on a farm that is not there',
    load: async () => (await import('./simulate.ts')).registerSimulate,
  },
  {
    name: 'test',
    description: 'run the tests, with servers and a farm of their own',
    load: async () => (await import('./test.ts')).registerTest,
  },
];
