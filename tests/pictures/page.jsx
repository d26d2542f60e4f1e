// Draws one dashboard, as `draw({dashboard, panels, now, width})`, with Grafana's own components.
import { createRoot } from 'react-dom/client';
import {
  EventBusSrv,
  LoadingState,
  ThemeContext,
  VizOrientation,
  dateTime,
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
} from '@grafana/data';
import {
  BigValue,
  GlobalStyles,
  PanelChrome,
  PanelContextProvider,
  PortalContainer,
  Table,
  TimeSeries,
  VizRepeater,
} from '@grafana/ui';
import { BarChart, Gauge } from './bars.jsx';
import { prepare, shown, theme } from './data.js';
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';

const CELL = 30;
const GAP = 8;
const NARROW = 768; // Grafana puts the panels under each other below this

// Two frames after the last change of the page, nothing is drawn any more.
const settled = () =>
  new Promise((done) => {
    let frames = 0;
    const watch = new MutationObserver(() => (frames = 0));
    watch.observe(document.body, { subtree: true, childList: true, attributes: true });
    const next = () => {
      frames += 1;
      if (frames > 10) {
        watch.disconnect();
        done();
      } else {
        requestAnimationFrame(next);
      }
    };
    requestAnimationFrame(next);
  });

const frozen = {
  eventBus: new EventBusSrv(),
  canAddAnnotations: () => false,
  canEditAnnotations: () => false,
  canDeleteAnnotations: () => false,
};

function values(panel, frames, timeZone) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: (text) => text,
    theme,
    data: frames,
    timeZone,
  });
}

function Numbers({ panel, frames, timeZone, width, height }) {
  const one = panel.type === 'gauge' ? Gauge : Stat;
  return (
    <VizRepeater
      source={frames}
      getValues={() => values(panel, frames, timeZone)}
      renderValue={({ value, width: w, height: h, alignmentFactors, count, orientation }) =>
        one({ panel, value, width: w, height: h, alignmentFactors, count, orientation })
      }
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      width={width}
      height={height}
      orientation={panel.options.orientation ?? VizOrientation.Auto}
      autoGrid={true}
      renderCounter={1}
      itemSpacing={8}
    />
  );
}

function Stat({ panel, value, width, height, alignmentFactors, count, orientation }) {
  const { options } = panel;
  const wanted = options.textMode;
  // As Grafana does: one value stands alone, several have their names.
  const mode = wanted === 'auto' ? (count > 1 ? 'value_and_name' : 'value') : wanted;
  return (
    <BigValue
      value={value.display}
      alignmentFactors={alignmentFactors}
      count={count}
      parentOrientation={orientation}
      colorMode={options.colorMode}
      graphMode="none"
      justifyMode={options.justifyMode}
      textMode={mode}
      text={options.text}
      percentChangeColorMode="standard"
      disableWideLayout={!options.wideLayout}
      theme={theme}
      width={width}
      height={height}
    />
  );
}

function Course({ panel, frames, range, timeZone, width, height }) {
  return (
    <TimeSeries
      frames={frames}
      structureRev={1}
      timeRange={range}
      timeZone={timeZone}
      width={width}
      height={height}
      legend={panel.options.legend}
      options={panel.options}
      theme={theme}
    />
  );
}

const empty = (frames) =>
  !frames.some((frame) => frame.length && frame.fields.some((f) => f.type !== 'time'));

function Words({ text }) {
  return <div className="no-data">{text}</div>;
}

function Inside(props) {
  const { panel, frames } = props;
  if (empty(frames)) {
    return <Words text={panel.fieldConfig.defaults.noValue} />;
  }
  switch (panel.type) {
    case 'stat':
    case 'gauge':
      return <Numbers {...props} />;
    case 'timeseries':
      return <Course {...props} />;
    case 'barchart':
      return <BarChart {...props} frame={frames[0]} />;
    case 'table':
      return (
        <Table
          data={frames[0]}
          width={props.width}
          height={props.height}
          timeRange={props.range}
          columnMinWidth={50}
          showTypeIcons={false}
        />
      );
  }
  throw new Error(`no way to draw a ${panel.type}`);
}

function place(panel, top, page) {
  const { x, y, w, h } = panel.gridPos;
  const height = h * CELL + (h - 1) * GAP;
  if (page < NARROW) {
    return { left: GAP, top, width: page - 2 * GAP, height };
  }
  const column = (page - 2 * GAP + GAP) / 24;
  return { left: GAP + x * column, top: GAP + y * (CELL + GAP), width: w * column - GAP, height };
}

function Panel({ panel, at, frames, range, timeZone }) {
  if (panel.type === 'row') {
    return (
      <div className="heading" style={{ ...at, position: 'absolute' }}>
        {panel.collapsed ? '›' : '⌄'} {panel.title}
        {panel.collapsed && ` (${panel.panels.length} panels)`}
      </div>
    );
  }
  return (
    <div className="panel" data-title={panel.title} style={{ ...at, position: 'absolute' }}>
      <PanelChrome
        title={panel.title}
        description={panel.description}
        width={at.width}
        height={at.height}
        loadingState={LoadingState.Done}
      >
        {(width, height) => (
          <Inside
            panel={panel}
            frames={frames}
            range={range}
            timeZone={timeZone}
            width={width}
            height={height}
          />
        )}
      </PanelChrome>
    </div>
  );
}

async function made(job) {
  const { dashboard } = job;
  const timeZone = dashboard.timezone;
  let top = GAP;
  const panels = [];
  for (const panel of dashboard.panels) {
    const at = place(panel, top, job.width);
    top += at.height + GAP;
    const { frames, range } = job.panels[panel.id] ?? { frames: [], range: [job.now, job.now] };
    const [from, to] = range.map((moment) => dateTime(moment));
    panels.push({
      panel,
      at,
      timeZone,
      frames: panel.type === 'row' ? [] : await shown(panel, frames, timeZone),
      range: { from, to, raw: { from, to } },
    });
  }
  return panels;
}

// What a canvas says is no text of the page, so it is kept as it is written.
const written = new WeakMap();
const { fillText } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
  const texts = written.get(this.canvas) ?? new Set();
  written.set(this.canvas, texts.add(text));
  return fillText.call(this, text, ...where);
};

const SERIES = 'data-testid VizLegend series ';
const texts = (panel, selector) =>
  [...panel.querySelectorAll(selector)].map((one) => one.textContent);

// Leaves of a panel that reach out of it; a table that is wider than its panel can be moved.
function cut(panel) {
  const edge = panel.getBoundingClientRect();
  return [...panel.querySelectorAll('*')]
    .filter((one) => !one.children.length && one.textContent.trim() && !one.closest('[role=table]'))
    .filter((one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      const across = left < edge.left - 1 || right > edge.right + 1;
      return across || top < edge.top - 1 || bottom > edge.bottom + 1;
    })
    .map((one) => one.textContent);
}

// What each panel says, once it is drawn.
window.told = () =>
  [...document.querySelectorAll('.panel')].map((panel) => ({
    title: panel.dataset.title,
    words: panel.innerText,
    empty: texts(panel, '.no-data')[0] ?? null,
    axes: [...panel.querySelectorAll('canvas')]
      .flatMap((canvas) => [...(written.get(canvas) ?? [])])
      .concat(texts(panel, '.axis-y'), texts(panel, '.axis-x')),
    series: [...panel.querySelectorAll(`[data-testid^="${SERIES}"]`)].map((one) =>
      one.dataset.testid.slice(SERIES.length)
    ),
    cut: cut(panel),
  }));

const root = createRoot(document.getElementById('root'));
let drawings = 0;
prepare();
window.draw = async (job) => {
  window.moment = job.now;
  const panels = await made(job);
  const bottom = Math.max(...panels.map(({ at }) => at.top + at.height)) + GAP;
  root.render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <PanelContextProvider value={frozen}>
        <div key={drawings++} style={{ position: 'relative', width: job.width, height: bottom }}>
          {panels.map((one) => (
            <Panel key={one.panel.id} {...one} />
          ))}
        </div>
        <PortalContainer />
      </PanelContextProvider>
    </ThemeContext.Provider>
  );
  await document.fonts.ready;
  await settled();
  return bottom;
};
