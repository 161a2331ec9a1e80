/** As much of Gherkin as the features of cloudevents/conformance use. */
export interface Step {
  /** Without its keyword. */
  readonly text: string;
  readonly docString: string;
  readonly table: readonly (readonly string[])[];
}

export interface Scenario {
  readonly name: string;
  /** Those of the background first. */
  readonly steps: readonly Step[];
}

interface OpenStep {
  text: string;
  docString: string;
  table: string[][];
}

interface OpenScenario {
  name: string;
  steps: OpenStep[];
  examples: string[][];
}

/** The scenarios of a feature, an outline as one for each of its examples. */
export function readFeature(feature: string): Scenario[] {
  const background: OpenStep[] = [];
  const scenarios: OpenScenario[] = [];
  let steps = background;
  let rows: string[][] = [];
  const lines = feature.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!.trim();
    const [, name] = /^Scenario(?: Outline)?: (.*)$/.exec(line) ?? [];
    const [, text] = /^(?:Given|When|Then|And) (.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      steps = [];
      scenarios.push({ name, steps, examples: [] });
    } else if (text !== undefined) {
      rows = [];
      steps.push({ text, docString: '', table: rows });
    } else if (line === 'Examples:') {
      rows = scenarios.at(-1)!.examples;
    } else if (line.startsWith('|')) {
      rows.push(
        line
          .slice(1, -1)
          .split('|')
          .map(cell => cell.trim()),
      );
    } else if (line === '"""') {
      const indent = lines[at]!.indexOf('"""');
      const from = at + 1;
      do at += 1;
      while (lines[at]!.trim() !== '"""');
      const docString = lines.slice(from, at).map(each => each.slice(indent));
      steps.at(-1)!.docString = docString.join('\n');
    }
  }
  return scenarios.flatMap(scenario =>
    filledIn({ ...scenario, steps: [...background, ...scenario.steps] }),
  );
}

function filledIn({ name, steps, examples }: OpenScenario): Scenario[] {
  const [names, ...values] = examples;
  if (names === undefined) return [{ name, steps }];
  return values.map(row => {
    const fill = (text: string) =>
      names.reduce((filled, each, n) => filled.replaceAll(`<${each}>`, row[n]!), text);
    return {
      name: fill(name),
      steps: steps.map(({ text, docString, table }) => ({
        ...{ text: fill(text), docString: fill(docString) },
        table: table.map(cells => cells.map(fill)),
      })),
    };
  });
}
