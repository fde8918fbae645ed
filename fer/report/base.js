// Elements, numbers and colours. Text goes into the page as text nodes only, so that no name is read as HTML.
const readJson = (id) => JSON.parse(document.getElementById(id).textContent);
const report = readJson('report-data');
const tints = readJson('tint-data');  // [red, green, blue, opacity] for log2(weight) = -2 .. 2, evenly spaced

const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes))
    if (value != null) node.setAttribute(key, value);
  node.append(...children.flat().filter((child) => child != null));
  return node;
}
const html = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) =>
    fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
const orDash = (write) => (value, ...rest) => (isNumber(value) ? write(value, ...rest) : '–');
const thin = '\u202f';
const percent = orDash((share, digits = 1) => (100 * share).toFixed(digits) + thin + '%');
const fixed =
    orDash((value, digits = 3) => value.toFixed(digits).replace(/^-(?=0\.?0*$)/, '').replace('-', '−'));
// A share in points, rounded as the program prints it.
const points = orDash((share) => fixed(Math.round(1000 * share) / 10, 1));
const general = orDash(
    (value) =>
        (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6) ? value.toExponential(1) :
                                                                             String(+value.toPrecision(4)))
            .replace(/^-/, '−'));
const count = orDash((value) => Math.round(value).toLocaleString('en').replaceAll(',', thin));
const duration = orDash((seconds) => {
  if (seconds < 60) return seconds.toFixed(seconds < 10 ? 1 : 0) + thin + 's';
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes}${thin}min` :
                        `${Math.floor(minutes / 60)}${thin}h ${minutes % 60}${thin}min`;
});
const bytes = orDash((value) => {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const unit = Math.min(3, value > 0 ? Math.floor(Math.log2(value) / 10) : 0);
  return (value / 1024 ** unit).toPrecision(3) + thin + units[unit];
});
const interval = (pair, digits = 1) =>
    (pair ? `${(100 * pair[0]).toFixed(digits)}–${percent(pair[1], digits)}` : '–');

const sum = (values) => values.reduce((total, value) => total + value, 0);
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
const splitOrder = ['train', 'holdout', 'valid', 'test'];
const splitNames = splitOrder.filter((name) => report.splits && report.splits[name]);
const mainSplit = splitNames.at(-1);  // test, else valid, else holdout
// The entries of {class: value} in the order of the classes.
const inClassOrder = (values) => (report.classes || Object.keys(values))
                                     .filter((name) => values[name])
                                     .map((name) => [name, values[name]]);

function tint(weight) {
  const position = (clamp(Math.log2(weight), -2, 2) + 2) / 4;
  const [red, green, blue, opacity] = tints[Math.round(position * (tints.length - 1))];
  return {fill: `rgb(${red}, ${green}, ${blue})`, 'fill-opacity': opacity.toFixed(3)};
}

// Ticks at 1, 2 or 5 times a power of ten, about `wanted` of them.
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({length: last - first + 1}, (_, i) => (first + i) * step);
}
