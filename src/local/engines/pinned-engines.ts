/** A release on PyPI and the SHA-256 of its file for each platform that it has one for. */
export interface PinnedRelease {
  requirement: string;
  sha256: readonly string[];
}

/** FFmpeg 9.0.2 with libx264, as one static program. */
export const FFMPEG_RELEASE: PinnedRelease = {
  requirement: 'imageio-ffmpeg==0.8.1',
  sha256: [
    '050d6850601c3b3890bd2b28306f3b842b3daea390a561101174375a1c460bda', // linux x64
    'fad3176f859b25869e60a8ed79957d4e3ed74a97a95e5f0cdcb91455f6c6d00e', // linux arm64
    '5636d691e36e5274b13fe38182b1f627b2e35dcecc63944012c2470f9484fc45', // macOS arm64
    '9538a10e598257263b5de1a1c1b86e7603417bc219245b1e279b452e5e48cc20', // macOS x64
  ],
};

/** Blender 4.5 LTS as a Python module, which exists for this one version of Python. */
export const BLENDER_PYTHON = '3.11';
export const BLENDER_RELEASES: readonly PinnedRelease[] = [
  {
    requirement: 'bpy==4.5.15',
    sha256: [
      '19203fb7825b005d2024b2e724d600fc82550a6deea71fbcc4447244df9ea737', // linux x64
      'f581a22cf852ee4af5aefe3cfd30a3c0eec3315d63c4ca8ed95ac5caf709ac61', // macOS arm64
    ],
  },
  {
    requirement: 'numpy==1.26.4',
    sha256: [
      '666dbfb6ec68962c033a450943ded891bed2d54e6755e35e5835d63f4f6931d5', // linux x64
      'edd8b5fe47dab091176d21bb6de568acdd906d1887a4584a15a9a96a1dca06ef', // macOS arm64
    ],
  },
];

/** A file for pip's `-r`, with which it refuses every other file. */
export function requirementsFile(releases: readonly PinnedRelease[]): string {
  return releases
    .map(
      ({ requirement, sha256 }) =>
        `${requirement}${sha256.map((hash) => ` --hash=sha256:${hash}`).join('')}\n`,
    )
    .join('');
}
