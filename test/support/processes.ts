import { readFileSync, readdirSync } from 'node:fs';

/** Processes in whose environment a variable is this folder or one inside it. Linux only: it reads /proc. */
export function processesOf(variable: string, folder: string): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const value = environmentValue(pid, variable);
    return value === folder || value?.startsWith(`${folder}/`) === true ? [pid] : [];
  });
}

function environmentValue(pid: number, variable: string): string | undefined {
  let environment: string;
  try {
    environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return undefined; // it has ended meanwhile, or is somebody else's
  }
  const entry = environment.split('\0').find((line) => line.startsWith(`${variable}=`));
  return entry?.slice(variable.length + 1);
}
