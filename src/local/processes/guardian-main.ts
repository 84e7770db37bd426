import { createInterface } from 'node:readline';
import type { ProcessIdentity } from '../../shared/lifecycle/process-identity.ts';
import { endProcesses } from './end-processes.ts';

type Message = { watch: ProcessIdentity } | { forget: ProcessIdentity };

const STOP_TIMEOUT_MS = 10_000;

// Ctrl-C in the terminal is for the parent; this process ends only after it.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);

const watched = new Map<number, ProcessIdentity>();
for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Message;
  if ('watch' in message) watched.set(message.watch.pid, message.watch);
  else watched.delete(message.forget.pid);
}
await endProcesses([...watched.values()], STOP_TIMEOUT_MS);
