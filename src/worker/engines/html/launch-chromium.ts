import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { CdpConnection } from './cdp-connection.ts';

/** Nothing listens there: whatever gets past the page's own request filter ends at it, on this machine. */
const NOWHERE = 'http://127.0.0.1:9';

/** Features that start processes, look for updates or ask servers; a picture needs none of them. */
const DISABLED = [
  'MediaRouter',
  'Translate',
  'OptimizationHints',
  'DialMediaRouteProvider',
  'AutofillServerCommunication',
  'CertificateTransparencyComponentUpdater',
  'ServiceWorkerStaticRouter',
];

const FLAGS = [
  '--headless=new',
  '--remote-debugging-pipe',
  '--no-startup-window',
  '--no-first-run',
  '--no-default-browser-check',
  '--no-service-autorun',
  '--no-pings',
  '--log-level=3',
  `--disable-features=${DISABLED.join(',')}`,
  '--disable-background-networking',
  '--disable-breakpad',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-extensions',
  '--disable-sync',
  // A page that is not looked at must draw all the same.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // No way out, whatever a page tries: no names, no proxy that answers, no UDP.
  '--host-resolver-rules=MAP * ~NOTFOUND',
  `--proxy-server=${NOWHERE}`,
  '--proxy-bypass-list=<-loopback>',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  // The same pixels on every machine: software rendering, no hinting or subpixels by the system's taste.
  '--disable-gpu',
  '--enable-unsafe-swiftshader',
  '--font-render-hinting=none',
  '--disable-lcd-text',
  '--force-color-profile=srgb',
  '--hide-scrollbars',
  '--mute-audio',
  '--autoplay-policy=user-gesture-required',
  // A picture that is not decoded yet must not be left out.
  '--disable-checker-imaging',
  '--lang=en-US',
];

export interface Chromium {
  connection: CdpConnection;
  version: string;
  /** Asks it to end, and waits until it has. */
  close: () => Promise<void>;
}

/**
 * Starts Chromium with an empty profile of its own. Its chatter goes to this process's stdout and stderr.
 * @param workDir takes the profile
 */
export async function launchChromium(program: string, workDir: string): Promise<Chromium> {
  const profile = join(workDir, 'chromium');
  await mkdir(profile, { recursive: true, mode: 0o700 });
  const sandbox = isRoot() ? ['--no-sandbox'] : [];
  if (isRoot())
    process.stderr.write('Chromium runs without its own sandbox, because the worker runs as root.\n');
  const child = spawn(program, [...FLAGS, ...sandbox, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe'],
    // It makes a socket in TMPDIR, and the path of a socket has 107 bytes at most: a relative one fits however deep the
    // folder lies.
    cwd: workDir,
    // It looks for a session bus and prints a line for each attempt.
    env: { ...process.env, TMPDIR: '.', DBUS_SESSION_BUS_ADDRESS: 'disabled:' },
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject);
  });
  const connection = new CdpConnection(child.stdio[3] as Writable, child.stdio[4] as Readable);
  const { product } = await Promise.race([connection.send('Browser.getVersion'), failed]);
  return {
    connection,
    version: String(product),
    close: async () => {
      await connection.send('Browser.close').catch(() => child.kill('SIGKILL'));
      await ended;
    },
  };
}

/** Chromium's sandbox cannot be set up by root. */
function isRoot(): boolean {
  return process.getuid?.() === 0;
}
