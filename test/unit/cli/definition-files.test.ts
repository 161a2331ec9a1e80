import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFiles } from '../../../src/cli/definitions/files.ts';
import { schemaFault } from '../../../src/cli/definitions/schema-fault.ts';
import { UsageError } from '../../../src/cli/errors.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-definitions-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string, text: string) => writeFileSync(join(folder, name), text);

test('a file says what its definition is, and what it leaves out is the default', () => {
  written('a.yaml', 'name: a # the type\nmeasures: [total]\npayloadSchema: {type: object}');
  written('b.json', '{"name": "b", "title": null}');
  written('c.YML', 'name: c');
  written('README.md', 'no definition');
  mkdirSync(join(folder, 'deeper'));
  const defaults = {
    ...{ title: null, description: null, category: null, status: 'ACTIVE', validation: 'OFF' },
    ...{ measures: [], payloadSchema: null, compatibility: 'NONE' },
  };
  expect([...readFiles(folder).values()].map(({ definition }) => definition)).toEqual([
    { ...defaults, name: 'a', measures: ['total'], payloadSchema: { type: 'object' } },
    { ...defaults, name: 'b' },
    { ...defaults, name: 'c' },
  ]);
});

test.each([
  ['a field that no definition has', 'name: a\npayloadShema: {}', 'did you mean "payloadSchema"?'],
  ['no name', 'title: a', 'name expects the name of an event type, got nothing'],
  ['another kind of value', 'name: a\nmeasures: total', 'measures expects a list of texts'],
  ['an unknown status', 'name: a\nstatus: active', 'expects ACTIVE, DEPRECATED, BLOCKED'],
  ['a list', '- name: a', 'expects fields, such as name'],
  ['nothing', '', 'expects fields, such as name'],
  ['no YAML', 'name: "a', 'bad.yaml: Missing closing'],
  ['a key twice', 'name: a\nname: b', 'Map keys must be unique'],
  ['infinity', 'name: a\npayloadSchema: {maximum: .inf}', 'payloadSchema expects a JSON Schema'],
  [
    'aliases without end',
    `name: a\npayloadSchema:\n  a: &a [1,1,1,1,1,1,1,1,1,1]\n${'bcdefgh'
      .split('')
      .map((key, n) => `  ${key}: &${key} [${Array(10).fill(`*${'abcdefg'[n]}`).join(',')}]`)
      .join('\n')}`,
    'alias',
  ],
  ['too many bytes', `name: a\ndescription: ${'x'.repeat(1_100_000)}`, 'at most 1048576'],
])('a file with %s is refused, and named', (_, text, message) => {
  written('bad.yaml', text);
  written('good.yaml', 'name: good');
  const read = () => readFiles(folder);
  expect(read).toThrow(UsageError);
  expect(read).toThrow('bad.yaml');
  expect(read).toThrow(message);
});

test('two files of one event type, and a folder that is none, are named', () => {
  written('a.yaml', 'name: a');
  written('b.yaml', 'name: a');
  expect(() => readFiles(folder)).toThrow(/b\.yaml and .*a\.yaml both define "a"/);
  expect(() => readFiles(join(folder, 'none'))).toThrow('expects to be a folder');
});

test('a schema that the gateway would refuse is found without it', () => {
  expect(schemaFault({ type: 'object' })).toBeNull();
  expect(schemaFault({ type: 'strng' })).toMatch(/^payloadSchema\/type is not usable: /);
  expect(schemaFault({ $ref: 'https://example.org/a.json' })).toContain('is not usable');
  expect(schemaFault({ description: 'x'.repeat(70_000) })).toContain('may have 65536');
});
