const SIDE = 32;

/** Draws a mark over the page's icon: how far something is, or what became of it. @param look null: the icon as it is */
export function badgeFavicon(look: { share: number; colour: string } | null): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel~="icon"]');
  if (!link) return;
  link.dataset['plain'] ??= link.href;
  const plain = link.dataset['plain'];
  if (look === null) {
    if (link.href !== plain) link.href = plain;
    return;
  }
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext('2d');
  if (!context) return;
  const middle = SIDE / 2;
  context.lineWidth = 8;
  context.strokeStyle = '#71717a';
  context.beginPath();
  context.arc(middle, middle, middle - 5, 0, 2 * Math.PI);
  context.stroke();
  context.strokeStyle = context.fillStyle = look.colour;
  context.beginPath();
  context.arc(middle, middle, middle - 5, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * look.share);
  context.stroke();
  if (look.share >= 1) {
    context.beginPath();
    context.arc(middle, middle, middle - 6, 0, 2 * Math.PI);
    context.fill();
  }
  link.href = canvas.toDataURL('image/png');
}
