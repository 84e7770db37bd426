/* global document, localStorage, matchMedia */
// Runs before the first paint, so that a light page does not flash dark. A file of its own: the page has no inline scripts.
(() => {
  let chosen = 'dark';
  try {
    chosen = localStorage.getItem('farmhand-theme') ?? 'dark';
  } catch {
    // Storage is forbidden in this browser: the default theme it is.
  }
  const system = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  const theme = chosen === 'auto' ? system : chosen === 'light' ? 'light' : 'dark';
  document.documentElement.classList.remove('dark', 'light');
  document.documentElement.classList.add(theme);
})();
