// Figures (a picture, its title, one sentence, its numbers) and tables, each of which can be saved for a
// paper.
const pictures = [];  // {host, draw}; drawn again when the theme or the width changes
const charts = [];    // {canvas, config, chart}

function save(name, blob) {
  const stem = (report.title || 'report').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  const link = html('a', {href: URL.createObjectURL(blob), download: `${stem}-${name}`});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
function saveButton(text, tip, action) {
  const button = html('button', {type: 'button', title: tip, 'aria-label': tip}, text);
  button.addEventListener('click', action);
  return button;
}

// Runs `work` with the colours of `theme`, for print and for files.
function inTheme(theme, work) {
  const root = document.documentElement, before = root.dataset.theme;
  root.dataset.theme = theme;
  try {
    return work();
  } finally {
    root.dataset.theme = before;
  }
}

const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');

function figure({title, body, caption, buttons = [], numbers}) {
  return html(
      'figure', {}, html('div', {class: 'head'}, html('h3', {}, title), buttons), body,
      caption && html('figcaption', {}, caption),
      numbers && html('details', {}, html('summary', {}, 'Numbers'), numbers));
}

// draw(width) returns an SVG element of that width; `alt` says in words what it shows.
function pictureFigure({title, draw, caption, alt, numbers}) {
  const host = html('div', {role: 'img', 'aria-label': alt || title});
  pictures.push({host, draw});
  const button = saveButton('SVG', `Save “${title}” as SVG`, () => {
    const picture = inTheme('light', () => draw(host.clientWidth));
    picture.setAttribute('font-family', 'Helvetica, Arial, sans-serif');
    save(
        slug(title) + '.svg',
        new Blob([new XMLSerializer().serializeToString(picture)], {type: 'image/svg+xml'}));
  });
  return figure({title, body: host, caption, buttons: [button], numbers});
}

// config() returns a Chart.js configuration in the colours of the moment.
function chartFigure({title, config, caption, alt, numbers}) {
  const canvas = html('canvas', {role: 'img', 'aria-label': alt || title});
  charts.push({canvas, config, chart: null});
  const button = saveButton('PNG', `Save “${title}” as PNG`, () => {
    const paper = html('canvas', {width: 560, height: 340});
    const white = {
      id: 'white',
      beforeDraw({ctx, width, height}) {
        ctx.fillStyle = '#fff';
        ctx.fillRect(0, 0, width, height);
      },
    };
    const chart = inTheme('light', () => {
      const settings = config();
      Object.assign(settings.options, {responsive: false, devicePixelRatio: 3});
      settings.plugins.push(white);
      return new Chart(paper, settings);
    });
    paper.toBlob((blob) => {
      save(slug(title) + '.png', blob);
      chart.destroy();
    });
  });
  return figure({title, body: html('div', {class: 'chart'}, canvas), caption, buttons: [button], numbers});
}

function drawPicture(picture) {
  picture.width = picture.host.clientWidth;
  if (picture.width > 0) picture.host.replaceChildren(picture.draw(picture.width));
}
function drawAll() {
  pictures.forEach(drawPicture);
  for (const entry of charts) {
    if (entry.chart) entry.chart.destroy();
    entry.chart = new Chart(entry.canvas, entry.config());
  }
}

// columns: [{name}]; rows of strings or {text, share}, share drawn as a bar behind.
// `strong` is the index of a row to stress.
function table({caption, columns, rows, strong, name}) {
  const cell = (value, heading) => {
    const node = html(heading ? 'th' : 'td', {scope: heading ? 'row' : null});
    if (value !== null && typeof value === 'object') {
      node.append(value.text);
      node.classList.add('bar');
      node.style.setProperty('--share', 100 * clamp(value.share || 0, 0, 1) + '%');
    } else {
      node.append(value ?? '–');
    }
    return node;
  };
  const body = rows.map(
      (row, i) => html(
          'tr', {class: i === strong ? 'strong' : null},
          row.map((value, j) => cell(value, j === 0))));
  const head = html('tr', {}, columns.map((column) => html('th', {scope: 'col'}, column.name)));
  const plain = [
    columns.map((column) => column.name),
    ...rows.map(
        (row) => row.map(
            (value) => String(value !== null && typeof value === 'object' ? value.text : value ?? '')))
  ];
  return html(
      'div', {},
      html(
          'div', {class: 'scroll'},
          html(
              'table', {}, caption && html('caption', {}, caption), html('thead', {}, head),
              html('tbody', {}, body))),
      name &&
          html(
              'p', {style: 'margin:6px 0 0'},
              saveButton('CSV', `Save “${name}” as CSV`, () => saveCsv(name, plain)), ' ',
              saveButton('LaTeX', `Save “${name}” as a LaTeX table`, () => saveLatex(name, plain))));
}

const ascii = (text) => text.replaceAll(thin, ' ').replaceAll('−', '-').replaceAll('–', '-');
// A number loses its grouping and its percent sign, so that a spreadsheet reads it as one.
function csvCell(text) {
  const plain = ascii(text);
  if (/^-?[\d ]+(\.\d+)?(e-?\d+)?( %)?$/.test(plain)) return plain.replace(/[ %]/g, '');
  return '"' + plain.replaceAll('"', '""') + '"';
}
function saveCsv(name, lines) {
  save(
      slug(name) + '.csv',
      new Blob([lines.map((line) => line.map(csvCell).join(',')).join('\n') + '\n'], {type: 'text/csv'}));
}
function saveLatex(name, lines) {
  const special = {'\\': '\\textbackslash{}', '~': '\\textasciitilde{}', '^': '\\textasciicircum{}'};
  const escape = (text) => ascii(text).replace(/[\\~^&%$#_{}]/g, (sign) => special[sign] || '\\' + sign);
  const body = lines.map((line) => line.map(escape).join(' & ') + ' \\\\');
  const text = [
    `\\begin{tabular}{l${'r'.repeat(lines[0].length - 1)}}`, '\\toprule', body[0], '\\midrule',
    ...body.slice(1), '\\bottomrule', '\\end{tabular}', ''
  ].join('\n');
  save(slug(name) + '.tex', new Blob([text], {type: 'application/x-tex'}));
}
