// Grafana keeps its bar chart and its gauge to itself, so they are drawn here: from the same
// fields, colours and texts.
import { VizLegend } from '@grafana/ui';
import { formattedValueToString, getFieldSeriesColor } from '@grafana/data';
import { theme } from './data.js';

const FONT = 12;

// The height of the legend: its names one after the other, in as many lines as they take.
function below(width, names, { showLegend }) {
  if (!showLegend) {
    return 0;
  }
  const wide = names.reduce((sum, name) => sum + name.length * 7 + 34, 0);
  return 12 + 22 * Math.ceil(wide / (width - 16));
}

// As much as Grafana leaves free there, for half of the last label.
const RIGHT = 25;
const INK = theme.colors.text.primary;
const GRID = theme.colors.border.weak;

const text = (field, value, decimals) => formattedValueToString(field.display(value, decimals));

function ticks(least, most) {
  if (least === most) {
    return [0, 1];
  }
  const rough = (most - least) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const first = Math.floor(least / step);
  const last = Math.ceil(most / step);
  return Array.from({ length: last - first + 1 }, (_, n) => (first + n) * step);
}

// The two ends of each bar in its row: side by side from nought, or on top of each other.
function ends(fields, row, stacked) {
  let above = 0;
  let below = 0;
  return fields.map((field) => {
    const value = field.values[row] ?? 0;
    if (!stacked) {
      return [0, value];
    }
    const from = value < 0 ? below : above;
    if (value < 0) {
      below += value;
    } else {
      above += value;
    }
    return [from, from + value];
  });
}

export function BarChart({ panel, frame, width, height }) {
  const label = frame.fields.find((field) => field.state.displayName === panel.options.xField);
  const fields = frame.fields.filter(
    (field) => field !== label && field.type === 'number' && !field.config.custom.hideFrom?.viz
  );
  const stacked = panel.options.stacking === 'normal';
  const rows = Array.from(label.values.keys());
  const bars = rows.map((row) => ends(fields, row, stacked));
  const all = bars.flat(2);
  const fixed = fields[0].config;
  const marks = ticks(Math.min(fixed.min ?? 0, ...all), Math.max(fixed.max ?? 0, ...all));
  const places = String(Number((marks[1] - marks[0]).toPrecision(3))).split('.')[1]?.length ?? 0;
  const texts = marks.map((mark) => text(fields[0], mark, fixed.decimals ?? places));
  const dashed = fixed.custom.thresholdsStyle?.mode === 'dashed';
  const limits = fixed.thresholds.steps.filter(({ value }) => dashed && Number.isFinite(value));
  const left = Math.max(...texts.map((one) => one.length)) * 7 + 12;
  const right = width - RIGHT;
  const chart = height - below(width, fields.map((field) => field.state.displayName), panel.options.legend);
  const bottom = chart - 22;
  const scale = (value) =>
    bottom - ((value - marks[0]) / (marks.at(-1) - marks[0])) * (bottom - 8);
  const step = (right - left) / rows.length;
  const wide = step * panel.options.groupWidth;
  const each = stacked ? wide : wide / fields.length;
  const gap = panel.options.xTickLabelSpacing;
  const skip = gap ? Math.ceil(rows.length / Math.floor((right - left) / Math.abs(gap))) : 1;
  const labelled = (n) => (gap < 0 ? rows.length - 1 - n : n) % skip === 0;
  const coloured = (field) => getFieldSeriesColor(field, theme).color;
  const byValue = fields.find((field) => field.state.displayName === panel.options.colorByField);
  const colour = (field, row) =>
    byValue ? byValue.display(byValue.values[row]).color : coloured(field);
  const items = fields.map((field) => ({
    label: field.state.displayName,
    color: coloured(field),
    yAxis: 1,
  }));
  return (
    <>
      <svg width={width} height={chart} style={{ fontSize: FONT }}>
        {marks.map((mark, n) => (
          <g key={mark}>
            <line x1={left} x2={right} y1={scale(mark)} y2={scale(mark)} stroke={GRID} />
            <text
              className="axis-y"
              x={left - 8}
              y={scale(mark) + 4}
              textAnchor="end"
              fill={INK}
            >
              {texts[n]}
            </text>
          </g>
        ))}
        {limits.map(({ value, color }) => (
          <line
            key={value}
            x1={left}
            x2={right}
            y1={scale(value)}
            y2={scale(value)}
            stroke={theme.visualization.getColorByName(color)}
            strokeDasharray="10 10"
          />
        ))}
        {rows.map((row) =>
          bars[row].map(([from, to], n) => (
            <rect
              key={`${row} ${n}`}
              x={left + step * row + (step - wide) / 2 + (stacked ? 0 : each * n)}
              y={Math.min(scale(from), scale(to))}
              width={each * panel.options.barWidth}
              height={Math.abs(scale(from) - scale(to))}
              fill={colour(fields[n], row)}
              fillOpacity={0.8}
            />
          ))
        )}
        {rows.filter(labelled).map((row) => {
          const words = text(label, label.values[row]);
          return (
            <text
              key={row}
              className="axis-x"
              x={left + step * (row + 0.5)}
              y={bottom + 18}
              textAnchor="middle"
              fill={INK}
            >
              {words}
            </text>
          );
        })}
      </svg>
      {panel.options.legend.showLegend && <VizLegend items={items} displayMode="list" placement="bottom" />}
    </>
  );
}

const TURN = (Math.PI * 4) / 3;

function arc(cx, cy, radius, from, to) {
  const at = (part) => {
    const angle = Math.PI / 2 + (2 * Math.PI - TURN) / 2 + part * TURN;
    return `${cx + radius * Math.cos(angle)} ${cy + radius * Math.sin(angle)}`;
  };
  const large = (to - from) * TURN > Math.PI ? 1 : 0;
  return `M ${at(from)} A ${radius} ${radius} 0 ${large} 1 ${at(to)}`;
}

export function Gauge({ value, width, height }) {
  const { display, field } = value;
  const radius = Math.min(width / 2 - 28, (height - 28) / 1.6);
  const [cx, cy] = [width / 2, radius + 24];
  const part = (n) => Math.min(1, Math.max(0, (n - field.min) / (field.max - field.min)));
  const known = Number.isFinite(display.numeric);
  const steps = field.thresholds.steps;
  return (
    <svg width={width} height={height}>
      <path d={arc(cx, cy, radius, 0, 1)} stroke={theme.colors.background.secondary} {...thick(24)} />
      {known && (
        <path d={arc(cx, cy, radius, 0, part(display.numeric))} stroke={display.color} {...thick(24)} />
      )}
      {steps.length > 1 &&
        steps.map((step, n) => {
          const from = part(Number.isFinite(step.value) ? step.value : field.min);
          const to = n + 1 < steps.length ? part(steps[n + 1].value) : 1;
          const colour = theme.visualization.getColorByName(step.color);
          return (
            <path
              key={n}
              d={arc(cx, cy, radius + 16, from, to)}
              stroke={colour}
              {...thick(4)}
            />
          );
        })}
      <text
        className="value"
        x={cx}
        y={cy + 8}
        textAnchor="middle"
        fontSize={known ? radius * 0.42 : 13}
        fontWeight={500}
        fill={display.color ?? INK}
      >
        {formattedValueToString(display)}
      </text>
    </svg>
  );
}

const thick = (width) => ({ strokeWidth: width, fill: 'none' });
