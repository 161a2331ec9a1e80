import { getTableColumns } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { columnsOf, sqlText } from '../../../src/db/columns.ts';
import * as schema from '../../../src/db/schema.ts';

const SRC = 'src';
/** SQL of these is written out: the flush, and what stands before there is a schema. */
const WRITTEN_OUT = ['record/flush.sql.ts', 'db/schema.ts', 'db/migrate.ts', 'db/server-check.ts'];
/** Only these may import `db`: see `layers.test.ts`. */
const ROOMS =
  /^(cli|consume|db|gateway|live|notifications|read|record|rollup|search|security|upkeep|webhooks)\//;
const tables = Object.values(schema).filter(value => value instanceof PgTable);
const NAMES = new Set(
  tables.flatMap(table => Object.values(getTableColumns(table)).map(({ name }) => name)),
);

interface Text {
  readonly line: number;
  readonly sql: string;
}

/** Texts that hold SQL, with `$` where something is filled in. */
function textsOf(source: string): Text[] {
  const file = ts.createSourceFile('a.ts', source, ts.ScriptTarget.Latest, true);
  const found: Text[] = [];
  function visit(node: ts.Node): void {
    const text = textOf(node);
    const isTagged = ts.isTaggedTemplateExpression(node.parent);
    const isRaw =
      ts.isCallExpression(node.parent) && /^sql\.raw|^rawSql/.test(node.parent.getText());
    const tag = isTagged ? (node.parent as ts.TaggedTemplateExpression).tag.getText() : '';
    if (text !== null && (tag === 'sql' || tag === 'sqlText' || isRaw || STATEMENT.test(text))) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      found.push({ line: line + 1, sql: text });
    }
    ts.forEachChild(node, visit);
  }
  ts.forEachChild(file, visit);
  return found;
}

const STATEMENT =
  /^\s*(with \w+ as|select\s|insert into\s|update \w+ (\w )?set\s|delete from\s|e\.\w|from \w|order by\s|[a-z]+_[a-z_]+ (is|=|<|>) )/;

function textOf(node: ts.Node): string | null {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return null;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('$');
}

/** Names of columns in it that stand there as text. */
function namesIn(sql: string): string[] {
  const text = sql
    .replaceAll(
      /'(?:[^']|'')*'|"[^"]*"|--.*|for (no )?key (update|share)|epoch from|overriding system value/g,
      ' ',
    )
    .replaceAll(/\s+/g, ' ')
    // Columns of what a function yields are named by us, and so are those that are selected `as`.
    .replaceAll(/(?<=[)$] |ordinality )(?:as )?\w+ \([^()]*\)/g, ' ')
    .replaceAll(/\bas \w+/g, ' ');
  const given = new Set(
    [...sql.replaceAll(/\s+/g, ' ').matchAll(/(?<=[)$] |ordinality )(?:as )?(\w+) \(/g)].map(
      m => m[1],
    ),
  );
  const own = new Set([...sql.matchAll(/\bas (\w+)/g)].map(m => m[1]));
  return [...text.matchAll(/(?<![\w$.:@])(?:(\w+)\.)?([a-z_]+)\b(?!\(|\.)/g)].flatMap(
    ([whole, from, name]) => {
      if (!NAMES.has(name as string) || own.has(name) || MADE.has(whole)) return [];
      return from !== undefined && (given.has(from) || DERIVED.has(from)) ? [] : [whole];
    },
  );
}

/** Rows that are named in another text, and those of `jsonb_each`: their columns are not ours. */
const DERIVED = new Set([
  ...['asked', 'place', 'head', 'declared', 'span', 'acting', 'kept', 'given', 'w', 'a'],
  ...['k', 'v', 's', 'r'],
]);
/** Columns that queries of ours make, of views of Postgres, and words of SQL. */
const MADE = new Set(['folded', 'since', 'head', 'tail', 'gone', 'filter']);

test('columns are named by the schema, and not in text', () => {
  const faults: string[] = [];
  let texts = 0;
  for (const file of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!ROOMS.test(file) || !file.endsWith('.ts') || WRITTEN_OUT.includes(file)) continue;
    for (const { line, sql } of textsOf(readFileSync(join(SRC, file), 'utf8'))) {
      texts += 1;
      const names = namesIn(sql);
      if (names.length > 0) faults.push(`${file}:${line} ${[...new Set(names)].join(', ')}`);
    }
  }
  expect(texts).toBeGreaterThan(200);
  expect(faults).toEqual([]);
});

test('a statement is made once, and made anew where a part of it differs', () => {
  const e = columnsOf(schema.events, 'e');
  const read = (column: typeof e.source) => sqlText`select ${column} from events e`;
  expect(read(e.source)).toBe('select e.source from events e');
  expect(read(e.subject)).toBe('select e.subject from events e');
  expect(`${columnsOf(schema.events).source}`).toBe('source');
});
