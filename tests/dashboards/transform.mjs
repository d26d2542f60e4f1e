// Runs panels' transformations with Grafana's own code. Each line of standard input is a list of
// {frames, transformations}, where a frame is {refId, fields: [{name, type, values}]}. Each line
// of standard output is {frames: a list of frames for each of them}, or {error}.
// The directory of the packages is the argument.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(`${process.argv[2]}/`);
const { JSDOM } = require('jsdom');
const page = new JSDOM('', { url: 'http://localhost/' });
for (const name of ['window', 'document', 'navigator', 'localStorage', 'HTMLElement', 'Element']) {
  const value = name === 'window' ? page.window : page.window[name];
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
globalThis.window.matchMedia = () => ({ matches: false, addListener() {}, removeListener() {} });

const grafana = require('@grafana/data');
// Some are listed under two names.
const transformers = new Map(Object.values(grafana.standardTransformers).map((one) => [one.id, one]));
grafana.standardTransformersRegistry.setInit(() =>
  [...transformers.values()].map((transformation) => ({
    id: transformation.id,
    name: transformation.name,
    transformation,
    editor: () => null,
  }))
);

const settle = (configuration, frames) =>
  new Promise((done, failed) =>
    grafana
      .transformDataFrame(configuration, frames, { interpolate: (text) => text })
      .subscribe({ next: done, error: failed })
  );

const shown = (frame) => ({
  fields: frame.fields.map((field) => ({
    name: grafana.getFieldDisplayName(field, frame),
    type: field.type,
    values: Array.from(field.values),
  })),
});

const named = (field) => ({
  ...field,
  // As the data source does: a column's own name is what is displayed.
  config: field.name === 'Time' ? {} : { displayNameFromDS: field.name },
});

async function transformed(jobs) {
  const results = [];
  for (const { frames, transformations } of jobs) {
    for (const { id } of transformations) {
      if (!grafana.standardTransformersRegistry.getIfExists(id)) {
        throw new Error(`Grafana has no transformation ${id}`);
      }
    }
    const given = frames.map((frame) =>
      grafana.toDataFrame({ refId: frame.refId, fields: frame.fields.map(named) })
    );
    results.push((await settle(transformations, given)).map(shown));
  }
  return results;
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await transformed(JSON.parse(line)).then(
    (frames) => ({ frames }),
    (error) => ({ error: String(error.stack) })
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
