// Writes the tables in `docs/` that describe code. `test/docs.test.ts` compares them with the code.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { SETTINGS } from '../src/config/config.ts';
import { AUDIT_TYPES } from '../src/core/audit.ts';
import { ERRORS } from '../src/core/errors.ts';
import { LIMIT_MEANINGS, LIMITS } from '../src/core/limits.ts';
import { METRICS } from '../src/observability/metric-names.ts';

const code = (text: string) => (text === '' ? '' : `\`${text}\``);

/** Each page has one table. */
const TABLES: Readonly<Record<string, string[][]>> = {
  'docs/settings.md': [
    ['variable', 'default', 'meaning'],
    ...Object.entries(SETTINGS).map(([name, { byDefault, description }]) => [
      code(name),
      code(byDefault),
      description,
    ]),
  ],
  'docs/limits.md': [
    ['limit', 'value', 'meaning'],
    ...Object.entries(LIMIT_MEANINGS).map(([name, meaning]) => [
      code(name),
      LIMITS[name as keyof typeof LIMITS].toLocaleString('en'),
      meaning,
    ]),
  ],
  'docs/metrics.md': [
    ['metric', 'meaning'],
    ...Object.entries(METRICS).map(([name, help]) => [code(name), help]),
  ],
  'docs/audit.md': [
    ['type', 'when'],
    ...Object.entries(AUDIT_TYPES).map(([type, meaning]) => [code(type), meaning]),
  ],
  'docs/errors.md': [
    ['code', 'status', 'meaning'],
    ...Object.entries(ERRORS).map(([name, { status, meaning }]) => [
      code(name),
      String(status),
      meaning,
    ]),
  ],
};

for (const [path, [head = [], ...rows]] of Object.entries(TABLES)) {
  const lines = [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`);
  const page = readFileSync(path, 'utf8');
  const table = /\n\|[^]*?\|\n(?!\|)/;
  if (!table.test(page)) throw new Error(`no table in ${path}`);
  const written = page.replace(table, () => `\n${lines.join('\n')}\n`);
  writeFileSync(path, await format(written, { ...(await resolveConfig(path)), filepath: path }));
}
