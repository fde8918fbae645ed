// Fills the page. A section that fails says so and leaves the others whole.
const sections = {
  results: drawResults,
  training: drawTraining,
  classes: drawClasses,
  regions: drawRegions,
  evidence: drawEvidence,
  examples: drawExamples,
  data: drawData,
  configuration: drawConfiguration
};

drawHead();
for (const section of document.querySelectorAll('section')) {
  byId('links').append(html('a', {href: '#' + section.id}, section.dataset.link));
  try {
    sections[section.id](section);
  } catch (error) {
    section.append(html('p', {class: 'problem'}, `This section cannot be drawn: ${error.message}`));
  }
}
document.querySelector('footer').append(
    'Made by Fermion. Charts by Chart.js (MIT licence), carried inside this page. ',
    saveButton(
        'Save all data (JSON)', 'Save the data of this report as JSON',
        () => save('report.json', new Blob([JSON.stringify(report, null, 2)], {type: 'application/json'}))));

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;

const theme = byId('theme');
function setTheme(name) {
  document.documentElement.dataset.theme = name;
  theme.textContent = name === 'dark' ? 'Light' : 'Dark';
  theme.setAttribute('aria-label', `Switch to the ${name === 'dark' ? 'light' : 'dark'} theme`);
  drawAll();
}
setTheme(document.documentElement.dataset.theme);
theme.addEventListener(
    'click', () => setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'));
window.matchMedia('(prefers-color-scheme: dark)')
    .addEventListener('change', (event) => setTheme(event.matches ? 'dark' : 'light'));

let before;
window.addEventListener('beforeprint', () => {
  before = document.documentElement.dataset.theme;
  setTheme('light');
});
window.addEventListener('afterprint', () => setTheme(before));

const watcher = new ResizeObserver(
    () => pictures.filter(({host, width}) => host.clientWidth !== width).forEach(drawPicture));
watcher.observe(document.querySelector('main'));
