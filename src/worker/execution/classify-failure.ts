import type { FailureClass } from '../../shared/contracts/messages.ts';
import { FarmError, messageOf } from '../../shared/domain/errors.ts';
import { EngineFailure } from '../engines/engine.ts';

export interface Failure {
  class: FailureClass;
  message: string;
}

const DISK_FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Whether the machine's disk has no room: the worker's trouble, not the scene's. */
export function isDiskFull(error: unknown): boolean {
  const { code, cause } = error as NodeJS.ErrnoException;
  return (code !== undefined && DISK_FULL.has(code)) || (cause !== undefined && isDiskFull(cause));
}

/** The class and sentence under which the farm keeps a failed attempt. */
export function classifyFailure(error: unknown): Failure {
  if (error instanceof EngineFailure) return { class: error.failure, message: error.message };
  if (isDiskFull(error)) return { class: 'host', message: `The worker's disk is full: ${messageOf(error)}` };
  if (error instanceof FarmError && error.code === 'invalid')
    return { class: 'scene', message: error.message };
  return { class: 'host', message: `The worker could not go on: ${messageOf(error)}` };
}
