import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ProcessIdentity } from '../../shared/lifecycle/process-identity.ts';

/**
 * Children outlive a parent that is killed with SIGKILL. The guardian is a process in a session of its own that holds
 * the other end of a pipe: when this process ends in whatever way, the pipe closes, and the guardian ends
 * the children that were not taken off its list. One for each process that starts children; made at the first use.
 */
let pipe: Writable | undefined;

export function guard(identity: ProcessIdentity): void {
  tell({ watch: identity });
}

export function unguard(identity: ProcessIdentity): void {
  tell({ forget: identity });
}

function tell(message: object): void {
  pipe ??= startGuardian();
  pipe.write(`${JSON.stringify(message)}\n`);
}

function startGuardian(): Writable {
  const script = fileURLToPath(new URL('guardian-main.ts', import.meta.url));
  const child = spawn(process.execPath, [script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    // Nothing of the farm's secrets is needed there.
    env: {},
  });
  child.once('exit', () => (pipe = undefined));
  child.stdin.on('error', () => (pipe = undefined));
  child.unref();
  // A pipe to a child is a socket; it must not keep this process alive either.
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child.stdin;
}
