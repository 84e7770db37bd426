// Runs before the first paint, so that a light page does not flash dark. A file of its own: the page has no inline scripts.
(function () {
  var root = document.documentElement;
  var chosen = 'dark';
  try {
    chosen = localStorage.getItem('farmhand-theme') || 'dark';
  } catch (error) {
    // Storage is forbidden in this browser: the default theme it is.
  }
  var light =
    chosen === 'light' || (chosen === 'auto' && matchMedia('(prefers-color-scheme: light)').matches);
  root.classList.toggle('dark', !light);
  root.classList.toggle('light', light);
})();
