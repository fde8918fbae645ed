// Headline, example faces, data, configuration.
function drawHead() {
  document.title = report.title || 'Fermion report';
  byId('title').textContent = report.title || 'Fermion report';
  byId('command').textContent = report.command || '';
  if (!report.command) byId('command').remove();
  const facts = [
    report.created, report.device, report.precision,
    isNumber(report.seconds) && `trained for ${duration(report.seconds)}`,
    isNumber(report.images_per_second) && `${count(report.images_per_second)} images per second`,
    isNumber(report.peak_bytes) && `${bytes(report.peak_bytes)} of tensors at most`,
    isNumber(report.parameters) && `${count(report.parameters)} parameters`,
    report.seed != null && `seed ${report.seed}`
  ];
  byId('facts').textContent = facts.filter(Boolean).join(' · ');
}

const tile = (name, value, note, first) => html(
    'div', {class: 'tile' + (first ? ' first' : '')}, html('dt', {}, name), html('dd', {}, value),
    note && html('dd', {class: 'note'}, note));

function drawResults(section) {
  const result = (report.splits || {})[mainSplit], {region_auc: auc, deletion} = report, tiles = [];
  if (result) {
    const error = result.accuracy_interval &&
        `95 % interval ${interval(result.accuracy_interval)}, ${count(result.images)} faces`;
    tiles.push(
        tile(`Accuracy, ${mainSplit}`, percent(result.accuracy), error, true),
        tile('Mean per class', percent(result.mean_class_accuracy), 'every class counts the same'),
        tile('Macro F1', percent(result.macro_f1), 'mean of the classes’ F1'),
        tile('Calibration error', percent(result.ece), 'how far confidence is off'));
  }
  if (auc && isNumber(auc.value))
    tiles.push(tile(
        'Region AUC', fixed(auc.value),
        (isNumber(auc.mean_map) ? `mean map ${fixed(auc.mean_map)}, ` : '') + 'chance 0.5'));
  if (deletion)
    tiles.push(tile(
        'Deletion costs', points(deletion.top), `points of accuracy; at random ${points(deletion.random)}`));
  section.append(html('dl', {class: 'tiles'}, tiles));
  if (splitNames.length > 1) {
    section.append(
        html('h3', {}, 'All splits'), table({
          name: 'Results',
          columns: [
            'split', 'faces', 'accuracy', '95 % interval', 'mean per class', 'macro F1', 'calibration error'
          ].map((name) => ({name})),
          strong: splitNames.indexOf(mainSplit),
          rows: splitNames.map((name) => {
            const split = report.splits[name];
            return [
              name, count(split.images), percent(split.accuracy), interval(split.accuracy_interval),
              percent(split.mean_class_accuracy), percent(split.macro_f1), percent(split.ece)
            ];
          })
        }));
  }
}

function faceCard({image, weights, path, label: truth, prediction, probability}) {
  const size = 100, gap = 3, right = prediction === truth;
  const picture =
      svg('svg', {
        viewBox: `0 0 ${2 * size + gap} ${size}`,
        role: 'img',
        'aria-label': `A face of ${truth}, taken for ${prediction}`
      },
          svg('image', {href: image, width: size, height: size, preserveAspectRatio: 'none'}),
          faceMap({x: size + gap, size, weights, face: image, numbers: false}));
  const verdict = html(
      'p', {}, html('span', {class: right ? 'right' : 'wrong'}, `${right ? '✓' : '✗'} ${prediction}`),
      ` ${percent(probability, 0)}`, right ? null : ` · labelled ${truth}`);
  return html(
      'figure', {class: 'face'}, picture, verdict, path && html('p', {class: 'path', title: path}, path));
}

function drawExamples(section) {
  const {examples} = report;
  const groups = [
    ['Named rightly', examples.filter((one) => one.label === one.prediction)],
    ['Mistaken', examples.filter((one) => one.label !== one.prediction)]
  ];
  for (const [title, faces] of groups)
    if (faces.length)
      section.append(html('h3', {}, title), html('div', {class: 'grid faces'}, faces.map(faceCard)));
}

function drawData(section) {
  const {data, notes = []} = report, chosen = report.splits?.holdout && report.best_epoch != null;
  const others = splitNames.filter((name) => name !== 'holdout');
  const read = others.length === 0 ?
      '.' :
      `; ${others.join(' and ')} ${others.length > 1 ? 'were' : 'was'} read once, at the end.`;
  const texts = [
    chosen && `Epoch ${report.best_epoch} was chosen on holdout alone${read}`,
    ...(data?.notes || []), ...(notes || [])
  ].filter(Boolean);
  if (data?.splits) {
    const names = splitOrder.concat(Object.keys(data.splits))
                      .filter((name, i, all) => data.splits[name] && all.indexOf(name) === i);
    const classes = report.classes || Object.keys(data.splits[names[0]]),
          most = Math.max(...names.map((name) => Math.max(...Object.values(data.splits[name]))));
    const labelled = names.map((name) => sum(Object.values(data.splits[name]))),
          total = names.map((name, i) => data.images?.[name] ?? labelled[i]),
          undecided = total.map((images, i) => images - labelled[i]), some = undecided.some((n) => n > 0);
    section.append(table({
      name: 'Data',
      caption: `Faces of ${data.dataset || 'the data set'} used in each split.`,
      strong: classes.length + (some ? 1 : 0),
      columns: [{name: 'class'}, ...names.map((name) => ({name}))],
      rows: [
        ...classes.map((one) => [one, ...names.map((name) => ({
                                                     text: count(data.splits[name][one] ?? 0),
                                                     share: (data.splits[name][one] ?? 0) / most
                                                   }))]),
        ...(some ? [['no majority', ...undecided.map(count)]] : []), ['all', ...total.map(count)]
      ]
    }));
  }
  if (texts.length) section.append(html('ul', {class: 'notes'}, texts.map((text) => html('li', {}, text))));
}

function drawConfiguration(section) {
  const entries = Object.entries(report.config || {});
  const show = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
  section.append(html(
      'dl', {class: 'pairs'},
      entries.map(([key, value]) => html('div', {}, html('dt', {}, key), html('dd', {}, show(value))))));
}
