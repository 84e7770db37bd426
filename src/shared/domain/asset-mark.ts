/** First digits of an asset's SHA-256: by these heartbeats name assets, and dispatch finds the workers that have them. */
export const assetMark = (sha256: string): string => sha256.slice(0, 16);
