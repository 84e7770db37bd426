/** For FFmpeg and FFprobe, before the file: films only, whatever its name says; play lists and scripts name other files. */
export const FILMS_ONLY = [
  ...['-protocol_whitelist', 'file'],
  ...['-format_whitelist', 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif'],
] as const;
