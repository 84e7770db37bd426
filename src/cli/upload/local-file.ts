/** A file on this machine and its place in the asset. */
export interface LocalFile {
  /** Relative, with `/`. */
  path: string;
  file: string;
}

/** What a file was when it was hashed. */
export interface HashedFile extends LocalFile {
  size: number;
  sha256: string;
  /** Device, inode, size and times: another mark says that somebody has written to the file since. */
  mark: string;
}
