import { z, ZodError } from 'zod';
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
  if (!(error instanceof Error)) return false;
  const { code, cause } = error as NodeJS.ErrnoException;
  return (code !== undefined && DISK_FULL.has(code)) || isDiskFull(cause);
}

/** The class and sentence under which the farm keeps a failed attempt. */
export function classifyFailure(error: unknown, diskFull: boolean): Failure {
  if (diskFull) return { class: 'host', message: `The worker's disk is full: ${messageOf(error)}` };
  if (error instanceof ZodError)
    return { class: 'scene', message: `The settings do not fit the engine: ${z.prettifyError(error)}` };
  if (error instanceof EngineFailure) return { class: error.failure, message: error.message };
  if (error instanceof FarmError && error.code === 'invalid')
    return { class: 'scene', message: error.message };
  return { class: 'host', message: `The worker could not go on: ${messageOf(error)}` };
}
