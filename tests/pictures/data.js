// What Grafana does between the data source's answer and the panel: transformations, then units,
// colours and names by the panel's field configuration. All of it is Grafana's own code.
import {
  FieldColorModeId,
  Registry,
  applyFieldOverrides,
  createTheme,
  getFieldDisplayName,
  identityOverrideProcessor,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  toDataFrame,
  transformDataFrame,
} from '@grafana/data';

export const theme = createTheme({ colors: { mode: 'dark' } });
const PROPERTIES = [
  'unit',
  'decimals',
  'min',
  'max',
  'displayName',
  'noValue',
  'thresholds',
  'mappings',
  'color',
  'links',
];

const property = (path, isCustom) => ({
  id: isCustom ? `custom.${path}` : path,
  path,
  isCustom,
  name: path,
  process: identityOverrideProcessor,
  override: () => null,
  editor: () => null,
  shouldApply: () => true,
});

export function prepare() {
  const transformers = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
  standardTransformersRegistry.setInit(() =>
    [...transformers.values()].map((transformation) => ({
      id: transformation.id,
      name: transformation.name,
      transformation,
      editor: () => null,
    }))
  );
  standardFieldConfigEditorRegistry.setInit(() => PROPERTIES.map((path) => property(path, false)));
}

// A panel's own properties are those that it sets.
function registry({ defaults, overrides }) {
  const own = new Set(Object.keys(defaults.custom ?? {}));
  for (const { properties } of overrides) {
    for (const { id } of properties) {
      if (id.startsWith('custom.')) {
        own.add(id.slice('custom.'.length));
      }
    }
  }
  return new Registry(() => [
    ...PROPERTIES.map((path) => property(path, false)),
    ...[...own].map((path) => property(path, true)),
  ]);
}

const settled = (transformations, frames) =>
  new Promise((done, failed) =>
    transformDataFrame(transformations, frames, { interpolate: (text) => text }).subscribe({
      next: done,
      error: failed,
    })
  );

export async function shown(panel, frames, timeZone) {
  const given = frames.map((frame) => toDataFrame(frame));
  const transformed = await settled(panel.transformations ?? [], given);
  const made = applyFieldOverrides({
    data: transformed,
    fieldConfig: panel.fieldConfig,
    fieldConfigRegistry: registry(panel.fieldConfig),
    replaceVariables: (text) => text,
    theme,
    timeZone,
  });
  for (const frame of made) {
    for (const field of frame.fields) {
      field.config.custom ??= {};
      field.config.color ??= { mode: FieldColorModeId.PaletteClassic };
      field.state = { ...field.state, displayName: getFieldDisplayName(field, frame, made) };
    }
  }
  return made;
}
