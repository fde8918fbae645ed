// Curves over the epochs.
const bestLine = {
  id: 'bestLine',
  afterDatasetsDraw({ctx, chartArea, scales}) {
    const at = (report.epochs || []).findIndex((epoch) => epoch.epoch === report.best_epoch);
    if (at < 0) return;
    const x = scales.x.getPixelForValue(at);
    ctx.save();
    ctx.strokeStyle = colour('muted');
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    ctx.moveTo(x, chartArea.top);
    ctx.lineTo(x, chartArea.bottom);
    ctx.stroke();
    ctx.restore();
  },
};

// lines: [{name, values}], one value per epoch. Colour, dashes and the mark's shape all tell lines apart.
function lineConfig({lines, write = general, low, high, logarithmic}) {
  const dashes = [[], [6, 3], [2, 2], [8, 3, 2, 3]], marks = ['circle', 'rect', 'triangle', 'rectRot'];
  const epochs = report.epochs, ink = colour('muted'), line = colour('line');
  const datasets = lines.map(({name, values}, i) => ({
                               label: name,
                               data: values.map((value) => (isNumber(value) ? value : null)),
                               spanGaps: true,
                               borderColor: colour(`series-${i % 4 + 1}`),
                               backgroundColor: colour(`series-${i % 4 + 1}`),
                               borderDash: dashes[i % 4],
                               borderWidth: 2,
                               pointStyle: marks[i % 4],
                               pointRadius: epochs.length <= 25 ? 3 : 0,
                               tension: 0,
                             }));
  const axis = {
    grid: {color: line, borderColor: line},
    ticks: {color: ink, maxTicksLimit: 8, maxRotation: 0}
  };
  return {
    type: 'line',
    data: {labels: epochs.map((epoch) => epoch.epoch), datasets},
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: {mode: 'index', intersect: false},
      scales: {
        x: {...axis, title: {display: true, text: 'epoch', color: ink}},
        y: {
          ...axis,
          type: logarithmic ? 'logarithmic' : 'linear',
          suggestedMin: low,
          suggestedMax: high,
          ticks: {...axis.ticks, maxTicksLimit: 6, callback: (value) => write(value, 0)}
        },
      },
      plugins: {
        legend: {
          display: lines.length > 1,
          position: 'bottom',
          labels: {color: colour('ink'), usePointStyle: true, boxWidth: 8, boxHeight: 7, padding: 10}
        },
        tooltip: {
          callbacks: {
            title: (items) => `epoch ${items[0].label}`,
            label: (item) => ` ${item.dataset.label}: ${write(item.raw)}`
          }
        },
      },
    },
    plugins: [bestLine],
  };
}

function curve({title, caption, lines, ...rest}) {
  const drawn = lines.filter(({values}) => values.some(isNumber));
  if (!drawn.length) return null;
  const last =
      drawn.map(({name, values}) => `${name} ends at ${(rest.write || general)(values.at(-1))}`).join(', ');
  return chartFigure({
    title,
    caption,
    alt: `${title} by epoch: ${last}.`,
    config: () => lineConfig({lines: drawn, ...rest})
  });
}

const over = (read) => report.epochs.map((epoch) => read(epoch));

function trainingCurves() {
  const line = (name, read) => ({name, values: over(read)});
  const curves = [
    {
      title: 'Loss',
      caption:
          'The whole loss on the training faces, and the joint head’s cross-entropy on the held-out ones.',
      lines: [line('train', (e) => e.train?.loss), line('holdout', (e) => e.holdout?.loss)],
    },
    {
      title: 'Terms of the training loss',
      caption:
          'Cross-entropy of the joint, the non-local and the local heads, and the negative entropy of the ' +
          'region weights, before they are weighted and added.',
      lines: ['joint', 'non_local', 'local', 'entropy'].map(
          (term) => line(term.replace('_', '-'), (e) => e.train?.[term])),
    },
    {
      title: 'Accuracy',
      caption:
          'Share of faces named rightly; the mean per class counts rare expressions as much as common ones.',
      lines: [
        line('train', (e) => e.train?.accuracy),
        line('holdout', (e) => e.holdout?.accuracy),
        line('holdout, mean per class', (e) => e.holdout?.mean_class_accuracy),
      ],
      write: percent,
      low: 0,
      high: 1,
    },
    {
      title: 'Learning rate',
      caption: 'As the schedule had it at the end of each epoch.',
      lines: [line('learning rate', (e) => e.learning_rate)],
      low: 0,
    },
    {
      title: 'Gradient norm',
      caption: 'Mean norm of all gradients before clipping; steady or falling is healthy.',
      lines: [line('gradient norm', (e) => e.train?.gradient_norm)],
      low: 0,
    },
  ];
  if (report.grid) curves.push(entropyCurve(report.grid ** 2, line('entropy', (e) => e.weights_entropy)));
  return curves.map(curve);
}

function entropyCurve(regions, line) {
  const even = Math.log(regions);
  return {
    title: 'Entropy of the weights',
    caption: `Mean entropy of a face’s weights, in nats: at ln ${regions} = ${
                 fixed(even, 2)} they would be even, ` +
        'at 0 one region would have all.',
    lines: [line],
    write: (value) => fixed(value),
    high: even,
  };
}

function epochTable() {
  const columns = {
    'epoch': (e) => String(e.epoch),
    'learning rate': (e) => general(e.learning_rate),
    'train loss': (e) => fixed(e.train?.loss),
    'train accuracy': (e) => percent(e.train?.accuracy),
    'holdout loss': (e) => fixed(e.holdout?.loss),
    'holdout accuracy': (e) => percent(e.holdout?.accuracy),
    'holdout mean per class': (e) => percent(e.holdout?.mean_class_accuracy),
    'seconds': (e) => general(e.seconds),
    'images per second': (e) => general(e.images_per_second),
  };
  return table({
    name: 'Epochs',
    columns: Object.keys(columns).map((name) => ({name})),
    rows: report.epochs.map((epoch) => Object.values(columns).map((read) => read(epoch))),
    strong: report.epochs.findIndex((epoch) => epoch.epoch === report.best_epoch),
  });
}

function drawTraining(section) {
  section.append(
      html('div', {class: 'grid'}, trainingCurves()),
      html('details', {}, html('summary', {}, 'Numbers of every epoch'), epochTable()));
}
