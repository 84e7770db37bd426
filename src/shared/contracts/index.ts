export * from './api.ts';
export * from './decode.ts';
export * from './engine-catalogue.ts';
export * from './job-document.ts';
export * from './manifest.ts';
export * from './messages.ts';
export * from './realtime.ts';
export * from './subjects.ts';
