export type MediaKind = 'image' | 'video' | 'other' | 'none';

/** How a browser can show a result, by the ending of its object's key; `none` when nothing is stored. */
export function mediaKind(key: string | null): MediaKind {
  if (key === null) return 'none';
  const ending = key.slice(key.lastIndexOf('.') + 1).toLowerCase();
  if (['png', 'jpg', 'jpeg', 'webp', 'gif', 'avif', 'svg'].includes(ending)) return 'image';
  if (['mp4', 'webm', 'mov', 'm4v'].includes(ending)) return 'video';
  return 'other';
}
