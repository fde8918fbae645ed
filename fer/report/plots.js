// Pictures as SVG: a face with its region weights, bars and dots, the confusion matrix.
const label = (x, y, text, attributes = {}) =>
    svg('text', {x, y, fill: colour('ink'), 'font-size': 12, ...attributes}, text);

// A face (data URI, or none: mid-grey) of `size` pixels under the tints of its weights [G x G].
function faceMap({x = 0, y = 0, size, weights, face, contrast = 1, numbers = true}) {
  const G = Math.round(Math.sqrt(weights.length)), cell = size / G;
  const group = svg('g', {transform: `translate(${x} ${y})`});
  group.append(svg('rect', {width: size, height: size, fill: '#808080'}));
  if (face) {
    group.append(svg('image', {
      href: face,
      width: size,
      height: size,
      preserveAspectRatio: 'none',
      style: `filter: grayscale(1) contrast(${contrast})`
    }));
  }
  weights.forEach((weight, i) => {
    if (!isNumber(weight)) return;
    const left = (i % G) * cell, top = Math.floor(i / G) * cell;
    group.append(svg('rect', {x: left, y: top, width: cell, height: cell, ...tint(weight)}));
    if (numbers && cell >= 26) {
      group.append(label(left + cell / 2, top + cell / 2, fixed(weight, weight < 9.95 ? 1 : 0), {
        'font-size': clamp(cell * 0.26, 9, 15),
        'text-anchor': 'middle',
        'dominant-baseline': 'central',
        fill: '#fff',
        stroke: '#10151d',
        'stroke-width': 2.5,
        'stroke-opacity': 0.65,
        'stroke-linejoin': 'round',
        'paint-order': 'stroke'
      }));
    }
  });
  for (let j = 1; j < G; ++j) {
    const line = {stroke: '#fff', 'stroke-opacity': 0.35};
    group.append(
        svg('line', {x1: j * cell, x2: j * cell, y1: 0, y2: size, ...line}),
        svg('line', {y1: j * cell, y2: j * cell, x1: 0, x2: size, ...line}));
  }
  return group;
}

// The scale of the tints, as they look on mid-grey.
function tintScale(width) {
  const left = 12, bar = Math.min(width, 340) - 2 * left;
  const stops = tints.map(
      ([red, green, blue, opacity], i) => svg('stop', {
        offset: i / (tints.length - 1),
        'stop-color': `rgb(${[red, green, blue].map((value) => Math.round(128 + opacity * (value - 128)))})`,
      }));
  const picture =
      svg('svg', {width, height: 34, viewBox: `0 0 ${width} 34`},
          svg('linearGradient', {id: 'tint-scale'}, stops),
          svg('rect', {x: left, width: bar, height: 12, fill: 'url(#tint-scale)'}));
  ['≤ ¼', '½', '1', '2', '≥ 4'].forEach(
      (text, i) => picture.append(
          label(left + bar * i / 4, 28, text, {'text-anchor': 'middle', fill: colour('muted')})));
  return picture;
}

// rows: [{name, value, strong?}]. Bars from `base`, or dots; `reference` is {value, name}.
function barPlot({width, rows, low, high, base = low, dots, reference, write = percent}) {
  const labels = Math.min(width * 0.42, 12 + Math.max(...rows.map((row) => row.name.length)) * 7);
  const right = 64, step = 34, top = reference ? 20 : 6, height = top + step * rows.length + 26;
  const scale = (value) => labels + (clamp(value, low, high) - low) / (high - low) * (width - labels - right);
  const picture = svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`});
  const bottom = top + step * rows.length;
  for (const tick of ticks(low, high, clamp(width / 110, 2, 6))) {
    picture.append(
        svg('line', {x1: scale(tick), x2: scale(tick), y1: top, y2: bottom, stroke: colour('line')}),
        label(
            scale(tick), bottom + 16, write(tick, 0).replace(/\.?0+$/, ''),
            {'text-anchor': 'middle', 'font-size': 11, fill: colour('muted')}));
  }
  if (reference) {
    const x = scale(reference.value);
    picture.append(
        svg('line',
            {x1: x, x2: x, y1: top - 4, y2: bottom, stroke: colour('muted'), 'stroke-dasharray': '4 3'}),
        label(x, top - 8, reference.name, {
          'text-anchor': x > width * 0.7 ? 'end' :
              x < labels + 30            ? 'start' :
                                           'middle',
          'font-size': 11,
          fill: colour('muted')
        }));
  }
  rows.forEach((row, i) => {
    const middle = top + step * (i + 0.5), weight = row.strong ? 700 : 400;
    const shade = row.strong ? colour('accent') : colour('muted');
    picture.append(label(0, middle, row.name, {'dominant-baseline': 'central', 'font-weight': weight}));
    if (!isNumber(row.value)) return;
    const from = scale(Math.min(base, row.value)), to = scale(Math.max(base, row.value));
    if (dots) {
      picture.append(
          svg('line', {x1: labels, x2: scale(row.value), y1: middle, y2: middle, stroke: colour('line')}),
          svg('circle', {cx: scale(row.value), cy: middle, r: 5.5, fill: shade}));
    } else {
      picture.append(svg(
          'rect', {x: from, y: middle - 8, width: Math.max(1, to - from), height: 16, rx: 2, fill: shade}));
    }
    const end = scale(row.value) + (dots ? 6 : 0);
    picture.append(
        label(end + 7, middle, write(row.value), {'dominant-baseline': 'central', 'font-weight': weight}));
  });
  return picture;
}

// Rows are the truth, columns the prediction; each cell shows its share of the row and its count.
function matrixPlot({width, classes, confusion}) {
  const n = classes.length, longest = Math.max(...classes.map((name) => name.length));
  const left = Math.min(width * 0.3, 30 + longest * 7), turned = (width - left) / n < longest * 7.2;
  const right = turned ? Math.max(0, classes.at(-1).length * 5.2 - 4) : 0,
        cell = Math.min((width - left - right) / n, 76);
  const high = Math.max(26, Math.min(cell, 54));
  const top = 18 + (turned ? longest * 4.8 + 14 : 20), full = left + cell * n + right,
        height = top + high * n + 4;
  const picture = svg('svg', {width: full, height, viewBox: `0 0 ${full} ${height}`});
  const small = {'font-size': 11, fill: colour('muted')};
  picture.append(
      label(left + cell * n / 2, 12, 'predicted', {...small, 'text-anchor': 'middle'}),
      label(
          10, top + high * n / 2, 'true',
          {...small, 'text-anchor': 'middle', transform: `rotate(-90 10 ${top + high * n / 2})`}));
  classes.forEach((name, j) => {
    const x = left + cell * (j + 0.5), y = top - 7;
    picture.append(
        label(x, y, name, turned ? {transform: `rotate(-40 ${x} ${y})`} : {'text-anchor': 'middle'}));
  });
  confusion.forEach((row, i) => {
    const total = sum(row), middle = top + high * (i + 0.5);
    picture.append(
        label(left - 8, middle, classes[i], {'text-anchor': 'end', 'dominant-baseline': 'central'}));
    row.forEach((value, j) => {
      const share = total > 0 ? value / total : 0, x = left + cell * j;
      const ink = share > 0.55 ? colour('on-heat') : value ? colour('ink') : colour('muted');
      const spaced = {'text-anchor': 'middle', 'dominant-baseline': 'central', fill: ink};
      picture.append(
          svg('rect', {
            x: x + 1,
            y: top + high * i + 1,
            width: cell - 2,
            height: high - 2,
            rx: 3,
            fill: colour('faint')
          }),
          svg('rect', {
            x: x + 1,
            y: top + high * i + 1,
            width: cell - 2,
            height: high - 2,
            rx: 3,
            fill: colour('heat'),
            'fill-opacity': share.toFixed(3)
          }));
      if (value === 0 && i !== j) return;
      const roomy = cell >= 40 && high >= 36;
      picture.append(label(
          x + cell / 2, middle - (roomy ? 7 : 0), (100 * share).toFixed(cell >= 40 ? 1 : 0),
          {...spaced, 'font-size': cell < 30 ? 10 : 13, 'font-weight': i === j ? 700 : 400}));
      if (roomy)
        picture.append(label(x + cell / 2, middle + 9, count(value), {...spaced, 'font-size': 10.5}));
    });
  });
  return picture;
}
