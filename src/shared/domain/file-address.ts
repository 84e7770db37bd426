/** `file:///S:/show/a.png` and `file://nas/show/a.png` as the paths that they stand for; any other text, and percent signs, stay. */
export function pathOfAddress(reference: string): string {
  const [, host, path] = /^file:\/\/([^/]*)(\/.*)$/i.exec(reference) ?? [];
  if (path === undefined) return reference;
  if (host !== '' && host !== 'localhost') return `//${host ?? ''}${path}`;
  return /^\/[A-Za-z]:/.test(path) ? path.slice(1) : path;
}

/** Without its percent signs, unless they are no code. */
export function decodeAddress(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign of its own
  }
}

/** Whether a path means the same wherever it is named from: `/a`, `S:\a`, `\\nas\a`. */
export const isAbsoluteAnywhere = (path: string): boolean => /^(?:[A-Za-z]:[\\/]|[\\/])/.test(path);
