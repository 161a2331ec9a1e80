import type { ButtonHTMLAttributes, Ref } from 'react';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `primary` once a view at most; `quiet` has no frame; `danger` can't be undone. */
  readonly look?: 'primary' | 'plain' | 'quiet' | 'danger';
  readonly icon?: IconName;
  /** While it works it takes no clicks. */
  readonly isBusy?: boolean;
  readonly ref?: Ref<HTMLButtonElement>;
}

export function Button({ look = 'plain', icon, isBusy = false, children, ...rest }: ButtonProps) {
  const { className = '', disabled = false, ...others } = rest;
  return (
    <button
      type="button"
      {...others}
      className={`button ${look} ${className}`}
      disabled={disabled || isBusy}
      aria-busy={isBusy || undefined}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A button that is an icon alone; `label` is what it is called. */
export function IconButton({ label, ...rest }: ButtonProps & { label: string; icon: IconName }) {
  return <Button look="quiet" {...rest} aria-label={label} title={label} />;
}
