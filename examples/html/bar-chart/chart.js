/**
 * Draws `window.__DATA__`: `{title, csv, note}`, where `csv` is lines of `label,value` under a header, or the rows of
 * sample.csv when no data came with the job.
 */
const COUNT_SECONDS = 1.4;

const data = window.__DATA__ ?? {};
const text = data.csv ?? (await fetch('sample.csv').then((answer) => answer.text()));
const rows = parse(text);
const most = Math.max(...rows.map((row) => row.value), 1);

document.querySelector('h1').textContent = data.title ?? 'Frames a day';
document.querySelector('footer').textContent = data.note ?? '';
document.querySelector('main').append(...rows.map(column));
requestAnimationFrame(count);

/** Lines of `label,value` under a header; a label may stand in quotes. */
function parse(csv) {
  const lines = csv
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
  return lines.slice(1).map((line, index) => {
    const match = /^(?:"((?:[^"]|"")*)"|([^,]*)),\s*(-?[\d.]+)\s*$/.exec(line);
    if (!match) throw new Error(`line ${index + 2} of the data is not label,value: ${line}`);
    return { label: match[1]?.replaceAll('""', '"') ?? match[2], value: Number(match[3]) };
  });
}

function column({ label, value }, index) {
  const column = document.createElement('div');
  column.className = 'column';
  column.style.setProperty('--share', Math.max(0, value / most) * 0.78);
  column.style.setProperty('--index', index);
  for (const [name, content] of [
    ['value', ''],
    ['bar', ''],
    ['label', label],
  ]) {
    const part = document.createElement('div');
    part.className = name;
    part.textContent = content;
    column.append(part);
  }
  return column;
}

/** The numbers run up to their values. */
function count(now) {
  const share = Math.min(1, now / 1000 / COUNT_SECONDS);
  const eased = 1 - (1 - share) ** 3;
  document.querySelectorAll('.value').forEach((element, index) => {
    element.textContent = Math.round(rows[index].value * eased).toLocaleString('en-US');
  });
  if (share < 1) requestAnimationFrame(count);
}
