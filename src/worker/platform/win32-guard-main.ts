import { execFileSync, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { setPriority, constants } from 'node:os';

/**
 * Leads an engine's processes on Windows: `node win32-guard-main.ts LIFELINE NICE PROGRAM ARGUMENT…`. When the worker ends in
 * any way, the read of the lifeline ends and the whole tree is killed, the guard with it.
 */
const [lifeline, nice, program, ...args] = process.argv.slice(2);
if (lifeline === undefined || nice === undefined || program === undefined)
  throw new Error('LIFELINE NICE PROGRAM ARGUMENT… are expected');
const replies = Array.from({ length: Number(lifeline) - 3 }, (_, i) => i + 3);
const engine = spawn(program, args, { stdio: [0, 1, 2, ...replies], windowsHide: true });
engine.on('spawn', () => {
  if (engine.pid !== undefined && Number(nice) > 0)
    setPriority(engine.pid, constants.priority.PRIORITY_BELOW_NORMAL);
});
engine.on('error', (error) => {
  // As `nice` of a POSIX shell says that a program cannot be run.
  process.stderr.write(`nice: ${error.message}\n`);
  process.exit(127);
});
engine.on('exit', (code) => process.exit(code ?? 1));
createReadStream('', { fd: Number(lifeline) })
  .resume()
  .on('close', () => {
    execFileSync('taskkill', ['/T', '/F', '/PID', String(process.pid)], { stdio: 'ignore' });
  });
