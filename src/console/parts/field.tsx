import {
  useId,
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from 'react';

interface FieldProps {
  readonly label: string;
  /** What is expected, beneath the field. */
  readonly hint?: ReactNode;
  /** What is wrong with it; takes the place of the hint. */
  readonly error?: ReactNode;
}

interface WireProps {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': true | undefined;
}

function Field({
  label,
  hint,
  error,
  children,
}: FieldProps & { children: (wire: WireProps) => ReactNode }) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        'aria-describedby': note ? `${id}-note` : undefined,
        'aria-invalid': error ? true : undefined,
      })}
      {note && (
        <p id={`${id}-note`} className={error ? 'note bad' : 'note'}>
          {note}
        </p>
      )}
    </div>
  );
}

export function TextField({
  label,
  hint,
  error,
  ...input
}: FieldProps & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <Field {...{ label, hint, error }}>
      {wire => <input type="text" autoComplete="off" spellCheck={false} {...input} {...wire} />}
    </Field>
  );
}

export function SelectField({
  label,
  hint,
  error,
  ...select
}: FieldProps & SelectHTMLAttributes<HTMLSelectElement>) {
  return <Field {...{ label, hint, error }}>{wire => <select {...select} {...wire} />}</Field>;
}

interface TextAreaProps extends FieldProps, TextareaHTMLAttributes<HTMLTextAreaElement> {
  readonly ref?: Ref<HTMLTextAreaElement>;
}

export function TextArea({ label, hint, error, ...area }: TextAreaProps) {
  return (
    <Field {...{ label, hint, error }}>
      {wire => <textarea autoComplete="off" spellCheck={false} {...area} {...wire} />}
    </Field>
  );
}

export function Checkbox({
  label,
  ...input
}: { label: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <label className="checkbox">
      <input {...input} type="checkbox" />
      <span>{label}</span>
    </label>
  );
}
