// Region weights: on average, by class, over the epochs; and whether they matter.
const meanContrast = 1.5;  // a mean of many faces is pale
const regionName = (i, G) => `row ${Math.floor(i / G) + 1}, column ${i % G + 1}`;

function mostAndLeast(weights, G) {
  const order = weights.map((weight, i) => [weight, i]).sort((a, b) => b[0] - a[0]);
  const [most, least] = [order[0], order.at(-1)];
  return `Most weight: ${fixed(most[0], 2)} at ${regionName(most[1], G)}; least: ${fixed(least[0], 2)} at ${
      regionName(least[1], G)}.`;
}

function weightTable(name, sets, G) {
  return table({
    name,
    columns: [{name: 'region'}, ...sets.map(([title]) => ({name: title}))],
    rows: Array.from(
        {length: G * G}, (_, i) => [regionName(i, G), ...sets.map(([, weights]) => fixed(weights[i], 2))])
  });
}

// Maps side by side, each with its name above.
function mapsPlot(width, maps) {
  const gap = 14, fit = Math.max(2, Math.floor((width + gap) / 214)), rows = Math.ceil(maps.length / fit);
  const columns = Math.min(maps.length, Math.ceil(maps.length / rows));
  const size = Math.min(250, (width - gap * (columns - 1)) / columns), step = size + 34;
  const full = columns * (size + gap) - gap;
  const picture = svg('svg', {width: full, height: rows * step, viewBox: `0 0 ${full} ${rows * step}`});
  maps.forEach(({name, ...map}, i) => {
    const x = (i % columns) * (size + gap), y = Math.floor(i / columns) * step;
    picture.append(
        label(x + size / 2, y + 14, name, {'text-anchor': 'middle', 'font-weight': 600}),
        faceMap({...map, x, y: y + 22, size}));
  });
  return picture;
}

// One small curve per region, laid out like the face; all share one scale of log2 w.
function historyPlot(width, epochs, G) {
  const size = Math.min(width, 460), gap = 5, cell = (size + gap) / G - gap;
  const logs = epochs.map((epoch) => epoch.region_weights.map((weight) => clamp(Math.log2(weight), -4, 4)));
  const reach = Math.max(1, ...logs.flat().map(Math.abs)) * 1.08;
  const picture = svg('svg', {width: size, height: size, viewBox: `0 0 ${size} ${size}`});
  const best = epochs.findIndex((epoch) => epoch.epoch === report.best_epoch);
  for (let k = 0; k < G * G; ++k) {
    const left = (k % G) * (cell + gap), top = Math.floor(k / G) * (cell + gap);
    const x = (i) => (epochs.length > 1 ? 6 + i / (epochs.length - 1) * (cell - 12) : cell / 2);
    const y = (log) => cell / 2 - log / reach * (cell / 2 - 4);
    const points = logs.map((log, i) => `${x(i).toFixed(1)} ${y(log[k]).toFixed(1)}`);
    const last = epochs.at(best < 0 ? -1 : best).region_weights[k], shade = tint(last).fill;
    const end = best < 0 ? epochs.length - 1 : best;
    picture.append(
        svg('g', {transform: `translate(${left.toFixed(1)} ${top.toFixed(1)})`},
            svg('rect', {width: cell, height: cell, rx: 4, fill: colour('faint')}), svg('line', {
              x1: 0,
              x2: cell,
              y1: cell / 2,
              y2: cell / 2,
              stroke: colour('muted'),
              'stroke-dasharray': '2 3',
              'stroke-opacity': 0.7
            }),
            svg('path', {
              d: `M${x(0)} ${cell / 2}L${points.join('L')}L${x(epochs.length - 1)} ${cell / 2}Z`,
              fill: shade,
              'fill-opacity': 0.45
            }),
            svg('path', {
              d: `M${points.join('L')}`,
              fill: 'none',
              stroke: colour('ink'),
              'stroke-width': 1.6,
              'stroke-linejoin': 'round'
            }),
            svg('circle', {cx: x(end), cy: y(logs[end][k]), r: 2.8, fill: colour('ink')}),
            cell >= 40 ? label(
                             5, last < 1 ? 13 : cell - 5, fixed(last, 2),
                             {'font-size': clamp(cell * 0.15, 9.5, 12), fill: colour('muted')}) :
                         null));
  }
  return picture;
}

function meanFigure(weights, G) {
  const draw = (width) => {
    const size = Math.min(width, 460);
    return svg(
        'svg', {width: size, height: size, viewBox: `0 0 ${size} ${size}`},
        faceMap({size, weights, face: report.mean_face, contrast: meanContrast}));
  };
  return pictureFigure({
    title: 'Mean weights',
    draw,
    alt: mostAndLeast(weights, G),
    numbers: weightTable('Mean weights', [['weight', weights]], G),
    caption: `Averaged over the held-out faces at the epoch kept. ${mostAndLeast(weights, G)}`,
  });
}

function historyFigure(epochs, G) {
  const caption =
      'One curve per region, in its place on the face, from the first epoch to the last, on a scale of ' +
      'doublings; the dotted line is 1, the number and the dot are the epoch kept.';
  return pictureFigure({
    title: 'How the weights moved',
    alt: 'Each region’s mean weight over the epochs.',
    caption,
    numbers: weightTable(
        'Weights by epoch', epochs.map((epoch) => [`epoch ${epoch.epoch}`, epoch.region_weights]), G),
    draw: (width) => historyPlot(width, epochs, G),
  });
}

function expressionFigure(byClass, G) {
  const faces = report.mean_face_by_class || {};
  const maps = byClass.map(([name, weights]) => ({name, weights, face: faces[name], contrast: meanContrast}));
  return pictureFigure({
    title: 'Mean weights by expression',
    numbers: weightTable('Weights by expression', byClass, G),
    alt: byClass.map(([name, weights]) => `${name}. ${mostAndLeast(weights, G)}`).join(' '),
    caption: 'Averaged over the faces of each expression' +
        (Object.keys(faces).length ? ', drawn on their mean face.' : '.'),
    draw: (width) => mapsPlot(width, maps),
  });
}

function drawRegions(section) {
  const epochs = (report.epochs || []).filter((epoch) => epoch.region_weights);
  const byClass = inClassOrder(report.region_weights_by_class || {});
  const G = Math.sqrt((epochs[0]?.region_weights || byClass[0][1]).length);
  byId('region-count').textContent = `${G} × ${G}`;
  const scale = html('div', {
    role: 'img',
    'aria-label': 'Scale of the tints: navy is a quarter or less, no tint is 1, amber is four or more.'
  });
  pictures.push({host: scale, draw: tintScale});
  byId('legend').append(scale);
  if (epochs.length) {
    const kept = epochs.find((epoch) => epoch.epoch === report.best_epoch) || epochs.at(-1);
    section.append(
        html('div', {class: 'grid halves'}, meanFigure(kept.region_weights, G), historyFigure(epochs, G)));
  }
  if (byClass.length) section.append(expressionFigure(byClass, G));
}
