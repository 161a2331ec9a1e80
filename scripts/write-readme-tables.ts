// Writes the README's tables from the code that they speak of; `test/docs.test.ts` holds them to it.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { SETTINGS } from '../src/config.ts';
import { ERRORS } from '../src/core/errors.ts';
import { LIMIT_MEANINGS, LIMITS } from '../src/core/limits.ts';
import { METRICS } from '../src/observability/metrics.ts';

const code = (text: string) => (text === '' ? '' : `\`${text}\``);

const TABLES: Readonly<Record<string, string[][]>> = {
  Settings: [
    ['variable', 'default', 'meaning'],
    ...Object.entries(SETTINGS).map(([name, { byDefault, description }]) => [
      code(name),
      code(byDefault),
      description,
    ]),
  ],
  Limits: [
    ['limit', 'value', 'meaning'],
    ...Object.entries(LIMIT_MEANINGS).map(([name, meaning]) => [
      code(name),
      LIMITS[name as keyof typeof LIMITS].toLocaleString('en'),
      meaning,
    ]),
  ],
  Metrics: [
    ['metric', 'meaning'],
    ...Object.entries(METRICS).map(([name, help]) => [code(name), help]),
  ],
  Errors: [
    ['code', 'status', 'meaning'],
    ...Object.entries(ERRORS).map(([name, { status, meaning }]) => [
      code(name),
      String(status),
      meaning,
    ]),
  ],
};

let readme = readFileSync('README.md', 'utf8');
for (const [heading, [head = [], ...rows]] of Object.entries(TABLES)) {
  const lines = [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`);
  const table = new RegExp(`(\n## ${heading}\n(?:(?!\n## )[^])*?\n)\\|[^]*?\\|\n(?!\\|)`);
  if (!table.test(readme)) throw new Error(`no table under ${heading}`);
  readme = readme.replace(table, (_, before: string) => `${before}${lines.join('\n')}\n`);
}
const options = await resolveConfig('README.md');
writeFileSync('README.md', await format(readme, { ...options, filepath: 'README.md' }));
