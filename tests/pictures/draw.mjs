// Draws dashboards in a headless Chromium. Each line of standard input is a job:
// {dashboard, panels, now, width, picture, most}; each line of standard output says what the page
// says, {panels, errors, wide}, once the picture is written, of which `most` pixels are kept. The
// arguments are the directory of the packages and the browser.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [packages, executablePath] = process.argv.slice(2);
const require = createRequire(`${packages}/`);
const { build } = require('esbuild');
const puppeteer = require('puppeteer-core');
const here = dirname(fileURLToPath(import.meta.url));

const { outputFiles } = await build({
  entryPoints: [join(here, 'page.jsx')],
  bundle: true,
  write: false,
  outdir: '/',
  nodePaths: [join(packages, 'node_modules')],
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  loader: { '.woff2': 'dataurl', '.woff': 'empty', '.ttf': 'empty', '.svg': 'text' },
  logLevel: 'error',
  alias: {
    // Their modules as such would take the default of an older package for the package itself.
    '@grafana/data': join(packages, 'node_modules/@grafana/data/dist/cjs/index.cjs'),
    '@grafana/ui': join(packages, 'node_modules/@grafana/ui/dist/cjs/index.cjs'),
    // An editor of code, which no panel has.
    'monaco-editor': join(here, 'nothing.js'),
    '@monaco-editor/react': join(here, 'nothing.js'),
  },
});
const content = (ending) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
const style = `
  body { background: #111217; margin: 0; }
  .heading { color: #ccccdc; font: 500 14px Inter; padding: 4px 8px; }
  .no-data { display: flex; align-items: center; justify-content: center; height: 100%;
    text-align: center; color: #ccccdc; font-size: 14px; }
`;
const html = `<!doctype html><html lang="en"><head><style>${content('.css')}${style}</style></head>
  <body><div id="root"></div></body></html>`;

// A busy machine takes long; whatever is ready sooner goes on sooner.
const PATIENCE = 600_000;
const browser = await puppeteer.launch({
  executablePath,
  timeout: PATIENCE,
  protocolTimeout: PATIENCE,
  args: [
    ...['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    ...['--font-render-hinting=none', '--hide-scrollbars'],
  ],
});

// In the page it is `moment`, that of the readings, and stays it.
function frozen() {
  const Real = Date;
  window.moment = 0;
  window.Date = class extends Real {
    constructor(...given) {
      super(...(given.length ? given : [window.moment]));
    }
    static now() {
      return window.moment;
    }
  };
}

let errors = [];

// One page for all dashboards: to read the packages takes it longer than to draw.
async function opened() {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => errors.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    if (message.type() === 'error') {
      const words = message.args().map((one) => one.evaluate((said) => String(said?.stack ?? said)));
      Promise.all(words).then((all) => errors.push(all.join(' ')));
    }
  });
  await page.evaluateOnNewDocument(frozen);
  await page.setRequestInterception(true);
  page.on('request', (asked) => asked.respond({ contentType: 'text/html', body: html }));
  await page.goto('http://localhost/'); // nobody is asked; a page needs an address for its storage
  await page.addScriptTag({ content: content('.js') });
  return page;
}

const page = await opened();

async function drawn({ picture, most, ...job }) {
  await page.setViewport({ width: job.width, height: 4000 });
  const height = await page.evaluate((given) => window.draw(given), job);
  const panels = await page.evaluate(() => window.told());
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  const clip = { x: 0, y: 0, width: job.width, height: Math.min(height, most ?? height) };
  const compressed = picture.endsWith('.webp') ? { type: 'webp', quality: 60 } : {};
  await page.screenshot({ path: picture, clip, captureBeyondViewport: true, ...compressed });
  const said = errors;
  errors = [];
  return { panels, errors: said, wide };
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await drawn(JSON.parse(line)).catch((error) => ({
    failed: `${error.stack}\n${errors.join('\n')}`,
  }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
