// The confusion matrix and the table per class, of the split that the reader picks.
const ratio = (part, whole) => (whole > 0 ? part / whole : NaN);

function perClass(confusion) {
  return confusion.map((row, i) => {
    const right = row[i], images = sum(row), called = sum(confusion.map((other) => other[i]));
    return {
      images,
      precision: ratio(right, called),
      recall: ratio(right, images),
      f1: ratio(2 * right, images + called)
    };
  });
}

function classTable(split) {
  const {classes} = report, result = report.splits[split], rows = perClass(result.confusion);
  const share = (value) => ({text: percent(value), share: value});
  const seen = rows.filter((row) => row.images > 0);
  const mean = (key) => percent(sum(seen.map((row) => row[key] || 0)) / seen.length);
  return table({
    name: `Classes of ${split}`,
    columns: ['class', 'images', 'precision', 'recall', 'F1'].map((name) => ({name})),
    rows: [
      ...rows.map(
          (row,
           i) => [classes[i], count(row.images), share(row.precision), share(row.recall), share(row.f1)]),
      ['mean', count(result.images), mean('precision'), mean('recall'), mean('f1')]
    ],
    strong: rows.length,
  });
}

// The pair that is mixed up most, as a sentence.
function worstPair({confusion}) {
  let worst = {share: 0};
  confusion.forEach((row, i) => row.forEach((value, j) => {
    const share = ratio(value, sum(row));
    if (i !== j && share > worst.share) worst = {share, i, j};
  }));
  if (!worst.share) return 'No class is mistaken for another.';
  return `Most often mistaken: ${report.classes[worst.i]} for ${report.classes[worst.j]}, ${
      percent(worst.share, 0)} of its faces.`;
}

function drawClasses(section) {
  const names = splitNames.filter((name) => report.splits[name].confusion);
  const host = html('div', {'aria-live': 'polite'});
  const show = (split) => {
    const {confusion} = report.splits[split], {classes} = report;
    const counts = table({
      name: `Confusion matrix of ${split}`,
      columns: [{name: 'true \\ predicted'}, ...classes.map((name) => ({name}))],
      rows: confusion.map((row, i) => [classes[i], ...row.map(count)])
    });
    for (let i = pictures.length; i-- > 0;)
      if (host.contains(pictures[i].host)) pictures.splice(i, 1);
    host.replaceChildren(html(
        'div', {class: 'grid halves'}, pictureFigure({
          title: `Confusion matrix, ${split}`,
          numbers: counts,
          alt: `Confusion matrix of ${split}. ${worstPair(report.splits[split])}`,
          caption:
              `Each row shows, in per cent and in counts, what the faces of one expression were taken for. ${
                  worstPair(report.splits[split])}`,
          draw: (width) => matrixPlot({width, classes, confusion})
        }),
        figure({
          title: `Per class, ${split}`,
          body: classTable(split),
          caption:
              'Precision: of the faces given this name, the share that deserve it. Recall: of the faces that ' +
              'deserve it, the share that were given it. F1 is their harmonic mean.'
        })));
    pictures.filter((picture) => host.contains(picture.host)).forEach(drawPicture);
  };
  const choice = html('fieldset', {class: 'switch'}, html('legend', {}, 'Faces of'));
  names.forEach((split) => {
    const radio = html(
        'input',
        {type: 'radio', name: 'split', id: `split-${split}`, checked: split === mainSplit ? '' : null});
    radio.addEventListener('change', () => show(split));
    choice.append(html('span', {}, radio, html('label', {for: radio.id
                       }, split)));
  });
  section.append(choice, host);
  show(names.includes(mainSplit) ? mainSplit : names.at(-1));
}
