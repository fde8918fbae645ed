// Whether the regions of great weight matter: deletion test and region AUC.
function deletionFigure({baseline, top, random, regions, images}) {
  const times = random > 0 ? `: ${fixed(top / random, 1)} times as much.` : '.';
  const lost = !regions ? 'regions' : regions === 1 ? 'region' : `${regions} regions`;
  const text = `Losing the ${lost} of greatest weight costs ${points(top)} points of ` +
      `accuracy, losing as many at random ${points(random)}${times}`;
  const rows = [
    {name: 'whole face', value: baseline},
    {name: 'random removed', value: baseline - random},
    {name: 'top removed', value: baseline - top, strong: true},
  ];
  const reference = report.classes && {value: 1 / report.classes.length, name: 'chance'};
  const faces = images ? ` on ${count(images)} faces` : '';
  return pictureFigure({
    title: 'Deletion test',
    alt: text,
    caption: `Accuracy${faces} after regions are painted over with the picture’s mean colour. ${text}`,
    numbers: table({
      name: 'Deletion',
      columns: ['regions', 'accuracy', 'cost in points'].map((name) => ({name})),
      rows: rows.map(({name, value}) => [name, percent(value), points(baseline - value)]),
    }),
    draw: (width) => barPlot({width, rows, low: 0, high: 1, reference}),
  });
}

function aucFigure({value, mean_map: meanMap, expression_map: expressionMap, faces, by_expression: parts}) {
  const verdict = !isNumber(meanMap) ?
      '' :
      value > meanMap ?
      'They rank them better than the one map that suits all faces on average.' :
      'They do not rank them better than the one map that suits all faces on average.';
  const drawn = faces ? `, on ${count(faces)} drawn faces whose truth is known` : '';
  const rows = [
    {name: 'map per expression', value: expressionMap},
    {name: 'mean map', value: meanMap},
    {name: 'region weights', value, strong: true},
  ].filter((row) => isNumber(row.value));
  const byExpression = Object.entries(parts || {}).map(
      ([name, auc]) => [name, ...[auc.value, auc.mean_map, auc.expression_map].map((x) => fixed(x))]);
  const write = (x, digits = 3) => fixed(x, Math.max(digits, 2));
  return pictureFigure({
    title: 'Region AUC',
    alt: `Region AUC ${fixed(value)}, mean map ${fixed(meanMap)}, chance 0.5.`,
    caption: 'How well the weights rank the regions that the expression really changes above the others' +
        `${drawn}: 0.5 is chance, 1 is perfect. ${verdict}` +
        (isNumber(expressionMap) ? ' The map per expression is told which expression the face shows.' : ''),
    numbers: table({
      name: 'Region AUC',
      columns: ['faces', 'region weights', 'mean map', 'map per expression'].map((name) => ({name})),
      rows: [['all', ...[value, meanMap, expressionMap].map((x) => fixed(x))], ...byExpression],
    }),
    draw: (width) => barPlot({
      width,
      rows,
      write,
      dots: true,
      low: Math.min(0.5, value, meanMap ?? 1),
      high: 1,
      reference: {value: 0.5, name: 'chance'},
    }),
  });
}

function drawEvidence(section) {
  const {deletion, region_auc: auc} = report;
  section.append(html('div', {class: 'grid'}, deletion && deletionFigure(deletion), auc && aucFigure(auc)));
}
