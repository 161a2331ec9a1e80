import { useRef } from 'react';
import { Button } from '../../parts/button.tsx';
import { SelectField, TextArea } from '../../parts/field.tsx';
import type { FieldsProps } from './description-fields.tsx';
import type { Draft, SchemaFault } from './draft.ts';
import { readJson } from './json-text.ts';
import { ProposeButton } from './propose-button.tsx';
import { COMPATIBILITIES, VALIDATIONS } from './words.ts';

/** What a payload has to look like, and what becomes of one that does not. */
export function SchemaFields({
  draft,
  onChange,
  isReadOnly,
  type,
  fault,
}: FieldsProps & { readonly type: string; readonly fault: SchemaFault | null }) {
  const area = useRef<HTMLTextAreaElement>(null);
  return (
    <div className="schema-fields">
      <TextArea
        ref={area}
        label="Schema"
        className="schema"
        value={draft.schema}
        onChange={event => onChange({ schema: event.target.value })}
        rows={16}
        placeholder={EXAMPLE}
        readOnly={isReadOnly}
        error={fault && <Fault fault={fault} onGo={() => goTo(area.current, fault)} />}
        hint="JSON Schema 2020-12. Empty: any payload fits."
      />
      <SelectField
        label="When a payload does not fit"
        value={draft.validation}
        onChange={event => onChange({ validation: event.target.value as Draft['validation'] })}
        disabled={isReadOnly}
      >
        {Object.entries(VALIDATIONS).map(([mode, { meaning }]) => (
          <option key={mode} value={mode}>
            {meaning}
          </option>
        ))}
      </SelectField>
      <SelectField
        label="When the schema changes"
        value={draft.compatibility}
        onChange={event =>
          onChange({ compatibility: event.target.value as Draft['compatibility'] })
        }
        disabled={isReadOnly}
        hint={COMPATIBILITIES[draft.compatibility].meaning}
      >
        {Object.entries(COMPATIBILITIES).map(([promise, { short }]) => (
          <option key={promise} value={promise}>
            {promise}: {short}
          </option>
        ))}
      </SelectField>
      {!isReadOnly && (
        <div className="actions">
          <ProposeButton type={type} onPropose={schema => onChange({ schema })} />
          {draft.schema.trim() !== '' && (
            <Button
              disabled={readJson(draft.schema).fault !== null}
              onClick={() => onChange({ schema: laidOut(draft.schema) })}
            >
              Format
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

const EXAMPLE = `{
  "type": "object",
  "required": ["total"],
  "properties": {
    "total": { "type": "number", "minimum": 0 }
  }
}`;

function laidOut(schema: string): string {
  return JSON.stringify(readJson(schema).value, null, 2);
}

function Fault({ fault, onGo }: { fault: SchemaFault; onGo: () => void }) {
  const { line, column, message } = fault;
  return (
    <>
      <button type="button" className="as-link" onClick={onGo}>
        Line {line}, column {column}
      </button>
      : {message}
    </>
  );
}

/** Puts the caret there, and its line in view. */
function goTo(area: HTMLTextAreaElement | null, { at, line }: SchemaFault): void {
  if (!area) return;
  area.focus();
  area.setSelectionRange(at, at + 1);
  const lineHeight = Number.parseFloat(getComputedStyle(area).lineHeight);
  area.scrollTop = (line - 4) * lineHeight;
}
