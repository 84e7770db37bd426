/**
 * The POSIX sh program that leads an engine's process group. It starts the engine niced and waits for it; beside it a
 * watcher reads a pipe whose other end only the worker holds. When the worker ends in any way, `kill -9` included, the
 * read ends and the watcher kills the whole group, itself with it. The engine is the shell's foreground child, because a
 * background child of sh would ignore SIGINT, by which engines are asked to stop cleanly.
 * @param lifeline number of the file descriptor of that pipe, 3 … 9
 * @param nice how far the engine stands back behind the rest of the machine, 0 … 19
 */
export function posixGuard(argv: readonly string[], lifeline: number, nice: number): [string, ...string[]] {
  return ['/bin/sh', '-c', guardScript(lifeline, nice), 'engine-guard', ...argv];
}

function guardScript(lifeline: number, nice: number): string {
  const closeReplies = Array.from({ length: lifeline - 3 }, (_, i) => `${i + 3}>&-`).join(' ');
  return [
    // Signals to the group are meant for the engine; the guard stays to report how it ended.
    'trap : INT TERM HUP',
    `( trap "" INT TERM HUP; read -r end <&${lifeline}; kill -KILL 0 ) </dev/null >/dev/null 2>&1 ${closeReplies} &`,
    'watcher=$!',
    'ulimit -c 0',
    // When memory runs out, the kernel is to take the engine and not the worker. Linux only; elsewhere there is no such file.
    '{ echo 500 >/proc/self/oom_score_adj; } 2>/dev/null',
    `nice -n ${nice} "$@" ${lifeline}<&-`,
    'code=$?',
    'kill -KILL "$watcher"',
    'wait "$watcher" 2>/dev/null',
    'exit "$code"',
  ].join('\n');
}
