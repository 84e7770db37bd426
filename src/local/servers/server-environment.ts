/** What servers inherit of this process's environment: enough to run, nothing that would configure them or be secret. */
export function baseEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'SSL_CERT_FILE'];
  return Object.fromEntries(kept.map((name): [string, string | undefined] => [name, process.env[name]]));
}
